//! Several requests as one: nobody sees a part of them, and a crash keeps all or none.

mod multi;
mod watch;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    multi::DISCARD,
    multi::EXEC,
    multi::MULTI,
    watch::UNWATCH,
    watch::WATCH,
];
