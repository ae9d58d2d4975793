//! What the table knows of a command.
//!
//! Invariant: a spec is plain data that never changes; counters and statistics live elsewhere.
//! Invariant: nothing that follows from [`Run`] or [`Keys`] is written down a second time.

use std::time::Duration;

use kv_core::{Kind, Txn, UnixMillis, View};
use kv_proto::{Reply, Request};

use super::args::Args;
use super::error::CommandError;
use super::key_spec::Keys;
use crate::engine::ServerCx;
use crate::engine::execute::Answer;
use crate::engine::transaction::Hold;
use crate::session::SessionCx;

/// One command or subcommand.
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// In upper case; of a subcommand the full name, as in `CLIENT|LIST`.
    pub(crate) name: &'static str,
    /// The group it is listed under.
    pub(crate) group: Group,
    /// What it does, in one sentence.
    pub(crate) summary: &'static str,
    /// How it is written: words in upper case stand for themselves, `[]` is optional, `|` separates
    /// choices, `...` repeats what stands before it.
    pub(crate) syntax: &'static str,
    /// What it costs.
    pub(crate) complexity: &'static str,
    /// The version of this server that first had it.
    pub(crate) since: &'static str,
    /// How it compares with Redis.
    pub(crate) compat: Compat,
    /// How many words it takes.
    pub(crate) arity: Arity,
    /// Which of its words are keys, and what happens to them.
    pub(crate) keys: Keys,
    /// What else sets it apart.
    pub(crate) flags: Flags,
    /// What runs, and what it gets in hand.
    pub(crate) run: Run,
}

impl CommandSpec {
    /// Whether it can change data, or may wait for it.
    pub(crate) const fn is_write(&self) -> bool {
        matches!(
            self.run,
            Run::Write(_) | Run::Block(_) | Run::Library { changes: true, .. }
        )
    }

    /// Whether it only looks at data, and may wait for it.
    pub(crate) fn is_waiting_read(&self) -> bool {
        matches!(self.run, Run::Block(_)) && !self.keys.access().changes()
    }

    /// Whether it is a program, which may be or do anything.
    pub(crate) const fn is_script(&self) -> bool {
        matches!(self.run, Run::Script { .. })
    }

    /// Whether it is one that can change data, or a program that can.
    pub(crate) const fn changes_data(&self) -> bool {
        self.is_write() || matches!(self.run, Run::Script { changes: true, .. })
    }

    /// Whether it runs on the thread of scripts.
    pub(crate) const fn is_apart(&self) -> bool {
        self.flags.contains(Flags::APART)
    }

    /// Whether it can only look at data.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self.run, Run::Read(_) | Run::Script { changes: false, .. })
            || self.flags.contains(Flags::READS_KEYSPACE)
    }

    /// Whether it may need more memory than there was: refused while memory is full.
    pub(crate) fn may_grow(&self) -> bool {
        self.is_write() && !self.is_waiting_read() && !self.flags.contains(Flags::NEVER_GROWS)
    }

    /// Whether it works on every key.
    pub(crate) const fn is_whole_keyspace(&self) -> bool {
        self.flags.contains(Flags::WHOLE_KEYSPACE)
    }

    /// How many words its name has: two for a subcommand.
    pub(crate) fn name_words(&self) -> usize {
        1 + usize::from(self.name.contains('|'))
    }

    /// Its subcommands; empty for all but containers.
    pub(crate) const fn subcommands(&self) -> &'static [CommandSpec] {
        match self.run {
            Run::Group { subcommands, .. } => subcommands,
            _ => &[],
        }
    }
}

/// What a handler answers: a reply that is complete, or an error and nothing changed.
pub(crate) type Outcome = Result<(), CommandError>;

/// What a handler answers that may have to wait.
pub(crate) type Attempt = fn(&mut Txn<'_>, Args<'_>, &mut Reply<'_>) -> Result<Turn, CommandError>;

/// What runs a program, with all data in hand.
pub(crate) type ScriptRun =
    fn(&mut SessionCx<'_>, &mut Hold<'_, '_>, UnixMillis, Args<'_>, &mut Reply<'_>) -> Outcome;

/// Whether a request that may have to wait must.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The reply is complete.
    Done,
    /// Nothing was written, or changed that anybody waits for.
    Wait(Wait),
    /// As `Wait`, and this request is run again instead.
    WaitAs(Wait, Box<Request>),
}

/// What a request waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// How many of its keys, from the first, it waits for.
    pub(crate) keys: usize,
    /// What one of them must hold.
    pub(crate) kind: Kind,
    /// `None`: for ever.
    pub(crate) at_most: Option<Duration>,
    /// Whether it is answered with an array where it may not wait.
    pub(crate) answers_array: bool,
    /// Whether it is run again also when a key is gone or holds another kind.
    pub(crate) even_if_gone: bool,
}

impl Turn {
    /// Answers a request that would wait and may not.
    pub(crate) fn do_not_wait(self, reply: &mut Reply<'_>) {
        match self {
            Self::Done => {}
            Self::Wait(wait) | Self::WaitAs(wait, _) if wait.answers_array => reply.null_array(),
            Self::Wait(_) | Self::WaitAs(..) => reply.null(),
        }
    }
}

/// What runs. The kind of handler is the command's class: nothing else says what may change data.
#[derive(Debug)]
pub(crate) enum Run {
    /// Answers from its words and the table alone.
    Pure(fn(Args<'_>, &mut Reply<'_>) -> Outcome),
    /// Looks at its keys.
    Read(fn(&mut View<'_>, Args<'_>, &mut Reply<'_>) -> Outcome),
    /// Looks at its keys and changes them.
    Write(fn(&mut Txn<'_>, Args<'_>, &mut Reply<'_>) -> Outcome),
    /// As `Write`; waits while there is nothing to take.
    Block(Attempt),
    /// Runs the requests that the connection has gathered.
    Exec(fn(&mut SessionCx<'_>, UnixMillis, &mut Reply<'_>) -> Answer),
    /// Runs a program that the client has sent.
    Script {
        /// Whether the program may change data.
        changes: bool,
        /// Runs it on all data.
        run: ScriptRun,
    },
    /// Looks at the libraries of functions.
    Library {
        /// Whether it changes them.
        changes: bool,
        /// Does it.
        run: ScriptRun,
    },
    /// Looks at the connection and changes its state.
    Session(fn(&mut SessionCx<'_>, Args<'_>, &mut Reply<'_>) -> Outcome),
    /// Looks at the whole server and steers it.
    Server(fn(&ServerCx<'_>, Args<'_>, &mut Reply<'_>) -> Outcome),
    /// Has subcommands.
    Group {
        /// What the name does without one, if anything.
        alone: Option<fn(Args<'_>, &mut Reply<'_>) -> Outcome>,
        /// Sorted by name.
        subcommands: &'static [CommandSpec],
    },
}

/// How many words a command takes, its name included; for a subcommand both words of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arity {
    least: usize,
    open: bool,
}

impl Arity {
    /// This many words.
    pub(crate) const fn exactly(words: usize) -> Self {
        Self {
            least: words,
            open: false,
        }
    }

    /// This many words or more.
    pub(crate) const fn at_least(words: usize) -> Self {
        Self {
            least: words,
            open: true,
        }
    }

    /// Whether a request of this many words fits.
    pub(crate) const fn allows(self, words: usize) -> bool {
        words == self.least || (self.open && words > self.least)
    }

    /// The fewest words that fit.
    pub(crate) const fn least(self) -> usize {
        self.least
    }

    /// Whether more words than [`Arity::least`] fit.
    pub(crate) const fn is_open(self) -> bool {
        self.open
    }
}

/// How a command compares with the one of the same name in Redis and Valkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compat {
    /// The same replies to the same requests.
    Full,
    /// The same but for this, told in whole sentences.
    Differs(&'static str),
}

/// The heading a command is listed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Strings and numbers.
    String,
    /// Elements in order.
    List,
    /// Members, each once.
    Set,
    /// Members, each once, in the order of their scores.
    SortedSet,
    /// Fields, each with a value.
    Hash,
    /// Entries in the order of their IDs.
    Stream,
    /// Strings as rows of bits.
    Bitmap,
    /// Strings that count distinct elements.
    HyperLogLog,
    /// Places on earth, which are members of sorted sets.
    Geo,
    /// Keys of any kind.
    Keys,
    /// Messages.
    PubSub,
    /// Several requests as one.
    Transactions,
    /// Programs that run inside of the server.
    Scripting,
    /// The client's own connection.
    Connection,
    /// The server as a whole.
    Server,
}

impl Group {
    /// Every group, in the order in which people read about them.
    pub(crate) const ALL: [Self; 15] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::SortedSet,
        Self::Hash,
        Self::Stream,
        Self::Bitmap,
        Self::HyperLogLog,
        Self::Geo,
        Self::Keys,
        Self::PubSub,
        Self::Transactions,
        Self::Scripting,
        Self::Connection,
        Self::Server,
    ];

    /// Redis' word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
            Self::HyperLogLog => "hyperloglog",
            Self::Geo => "geo",
            Self::Keys => "generic",
            Self::PubSub => "pubsub",
            Self::Transactions => "transactions",
            Self::Scripting => "scripting",
            Self::Connection => "connection",
            Self::Server => "server",
        }
    }
}

/// What sets a command apart beyond its class and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);
    /// Constant or logarithmic time per key.
    pub(crate) const FAST: Self = Self(1 << 0);
    /// Belongs to those who run the server.
    pub(crate) const ADMIN: Self = Self(1 << 1);
    /// Can hurt others when used without thought.
    pub(crate) const DANGEROUS: Self = Self(1 << 2);
    /// Refused between `MULTI` and `EXEC`.
    pub(crate) const NO_MULTI: Self = Self(1 << 3);
    /// Refused inside scripts.
    pub(crate) const NO_SCRIPT: Self = Self(1 << 4);
    /// Runs while the server is still loading its data.
    pub(crate) const LOADING: Self = Self(1 << 5);
    /// Runs on a replica that has lost its primary.
    pub(crate) const STALE: Self = Self(1 << 6);
    /// Runs before the client has logged in.
    pub(crate) const NO_AUTH: Self = Self(1 << 7);
    /// Runs while a script keeps the server busy.
    pub(crate) const ALLOW_BUSY: Self = Self(1 << 8);
    /// Works on every key: locks all stripes.
    pub(crate) const WHOLE_KEYSPACE: Self = Self(1 << 9);
    /// A write that leaves no more data than there was: runs while memory is full.
    pub(crate) const NEVER_GROWS: Self = Self(1 << 10);
    /// Runs between `MULTI` and `EXEC` and is not kept for the latter.
    pub(crate) const NOT_QUEUED: Self = Self(1 << 15);
    /// Looks at keys that it does not name, one stripe after the other.
    pub(crate) const READS_KEYSPACE: Self = Self(1 << 11);

    /// Runs on the thread of scripts.
    pub(crate) const APART: Self = Self(1 << 12);
    /// Works on messages and subscriptions.
    pub(crate) const PUBSUB: Self = Self(1 << 13);
    /// Runs while a RESP2 connection is subscribed to something.
    pub(crate) const SUBSCRIBED: Self = Self(1 << 14);

    /// Waits while what writes is paused, though it changes no data: others hear of it, or it may write in Redis.
    pub(crate) const PAUSED_LIKE_WRITES: Self = Self(1 << 16);

    /// What is in one or the other.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
