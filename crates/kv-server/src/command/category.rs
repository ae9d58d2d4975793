//! The ACL categories of commands.
//!
//! Invariant: a category follows from what the spec says; no command lists its own.

use super::spec::{CommandSpec, Flags, Group, Run};

/// A set of commands that can be allowed or listed by one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// Keys of any kind, or the keyspace as a whole.
    Keyspace,
    /// Looks at data.
    Read,
    /// Changes data.
    Write,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Lists.
    List,
    /// Hashes.
    Hash,
    /// Strings.
    String,
    /// Streams.
    Stream,
    /// Strings as rows of bits.
    Bitmap,
    /// Strings that count distinct elements.
    HyperLogLog,
    /// Messages.
    PubSub,
    /// Places on earth.
    Geo,
    /// For those who run the server.
    Admin,
    /// Constant or logarithmic time per key.
    Fast,
    /// All that is not fast.
    Slow,
    /// Can hurt others.
    Dangerous,
    /// May have to wait.
    Blocking,
    /// Several requests as one.
    Transaction,
    /// The client's own connection, and what needs no data.
    Connection,
    /// Programs that run inside of the server.
    Scripting,
}

impl Category {
    /// All of them, in the order in which they are listed.
    pub(crate) const ALL: [Self; 21] = [
        Self::Keyspace,
        Self::Read,
        Self::Write,
        Self::Set,
        Self::SortedSet,
        Self::List,
        Self::Hash,
        Self::String,
        Self::Bitmap,
        Self::HyperLogLog,
        Self::Geo,
        Self::Stream,
        Self::PubSub,
        Self::Admin,
        Self::Fast,
        Self::Slow,
        Self::Blocking,
        Self::Dangerous,
        Self::Connection,
        Self::Transaction,
        Self::Scripting,
    ];

    /// Its name, without the `@`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keyspace => "keyspace",
            Self::Read => "read",
            Self::Write => "write",
            Self::Set => "set",
            Self::SortedSet => "sortedset",
            Self::List => "list",
            Self::Hash => "hash",
            Self::String => "string",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
            Self::HyperLogLog => "hyperloglog",
            Self::PubSub => "pubsub",
            Self::Geo => "geo",
            Self::Admin => "admin",
            Self::Fast => "fast",
            Self::Slow => "slow",
            Self::Dangerous => "dangerous",
            Self::Blocking => "blocking",
            Self::Transaction => "transaction",
            Self::Connection => "connection",
            Self::Scripting => "scripting",
        }
    }

    /// Whether `spec` belongs to it.
    pub(crate) fn holds(self, spec: &CommandSpec) -> bool {
        let has = |flag| spec.flags.contains(flag);
        let does_nothing_alone = matches!(spec.run, Run::Group { alone: None, .. });
        match self {
            Self::Fast => has(Flags::FAST),
            Self::Slow => !has(Flags::FAST),
            Self::PubSub => has(Flags::PUBSUB),
            Self::Scripting if does_nothing_alone => false,
            Self::Scripting => spec.group == Group::Scripting,
            Self::Admin => has(Flags::ADMIN),
            Self::Dangerous => has(Flags::DANGEROUS) || has(Flags::ADMIN),
            _ if does_nothing_alone => false,
            Self::Keyspace => {
                let whole = has(Flags::WHOLE_KEYSPACE) || has(Flags::READS_KEYSPACE);
                spec.group == Group::Keys || whole
            }
            Self::Read => spec.is_waiting_read() || spec.is_read() && !spec.is_script(),
            Self::Write => spec.is_write() && !spec.is_waiting_read(),
            Self::Set => spec.group == Group::Set,
            Self::SortedSet => spec.group == Group::SortedSet,
            Self::List => spec.group == Group::List,
            Self::Hash => spec.group == Group::Hash,
            Self::String => spec.group == Group::String,
            Self::Stream => spec.group == Group::Stream,
            Self::Bitmap => spec.group == Group::Bitmap,
            Self::HyperLogLog => spec.group == Group::HyperLogLog,
            Self::Geo => spec.group == Group::Geo,
            Self::Blocking => matches!(spec.run, Run::Block(_)),
            Self::Transaction => spec.group == Group::Transactions,
            Self::Connection => {
                let needs_nothing = matches!(spec.run, Run::Pure(_) | Run::Group { .. });
                spec.group == Group::Connection || needs_nothing
            }
        }
    }

    /// The categories of `spec`.
    pub(crate) fn of(spec: &CommandSpec) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|category| category.holds(spec))
    }
}

#[cfg(test)]
mod tests {
    use super::Category;
    use crate::command::table;

    #[test]
    fn categories_as_redis_lists_them() {
        for (name, expected) in [
            ("get", "read string fast"),
            ("set", "write string slow"),
            ("del", "keyspace write slow"),
            ("ttl", "keyspace read fast"),
            ("command", "slow connection"),
            ("command|docs", "slow connection"),
        ] {
            let spec = table::find_by_name(name.as_bytes()).unwrap();
            let names: Vec<_> = Category::of(spec).map(Category::name).collect();
            assert_eq!(names.join(" "), expected, "{name}");
        }
    }
}
