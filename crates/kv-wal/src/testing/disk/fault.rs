//! What can go wrong with a call, and when it does.

use std::io;
use std::ops::Range;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk reports an error. A write may have been done in part. A sync has dropped what it could not
    /// write, and what it dropped counts as clean from now on.
    Io,
    /// There is no room. A write may have been done in part; a sync does what it does with [`Trouble::Io`],
    /// because a file system may find out late.
    NoSpace,
    /// A signal came between; nothing was done and nothing lost.
    Interrupted,
}

impl Trouble {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Io, Self::NoSpace, Self::Interrupted];

    pub(super) fn error(self) -> io::Error {
        let kind = match self {
            Self::Io => return io::Error::other("the disk reports an error (planted)"),
            Self::NoSpace => io::ErrorKind::StorageFull,
            Self::Interrupted => io::ErrorKind::Interrupted,
        };
        io::Error::new(kind, "planted")
    }
}

/// A plan for trouble: which calls have it. Calls are counted from 0, those that only read included.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The calls.
    pub calls: Range<u64>,
    /// What goes wrong with each of them.
    pub trouble: Trouble,
}

/// A call that was made to fail.
#[derive(Clone, Debug)]
pub struct Struck {
    /// How many calls had changed something before it.
    pub position: usize,
    /// The call, in words.
    pub what: String,
}
