//! Which connections `CLIENT LIST` and `CLIENT KILL` are about.
//!
//! Every filter must hold; one whose name begins with `NOT-` must not. A filter that is given again replaces itself.

use std::mem::discriminant;
use std::net::SocketAddr;

use kv_core::Db;

use super::line::flags;
use crate::clients::{Client, Progress};
use crate::command::args::integer;
use crate::command::prelude::*;
use crate::server::Server;
use crate::session::SessionCx;

/// What connections are asked for.
#[derive(Debug, Default)]
pub(super) struct Filters<'r> {
    all: Vec<Filter<'r>>,
    /// Whether the connection that asks is left out, as far as that was said.
    pub(super) skip_me: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter<'r> {
    /// Whether it must not hold.
    not: bool,
    wanted: Wanted<'r>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted<'r> {
    /// One of these numbers.
    Ids(Vec<i64>),
    Kind(ClientKind),
    User(&'r [u8]),
    Peer(&'r [u8]),
    Local(&'r [u8]),
    Ip(&'r [u8]),
    /// At least this old, in seconds.
    Age(u64),
    /// At least this long idle, in seconds.
    Idle(u64),
    /// All of these letters.
    Flags(&'r [u8]),
    Name(&'r [u8]),
    Library(&'r [u8]),
    LibraryVersion(&'r [u8]),
    Db(Db),
    /// What clients have said that they can do; without a letter nothing is asked for.
    Abilities {
        any: bool,
    },
}

/// The letters that clients may be asked for; some are about what is not here.
const FLAG_LETTERS: &[u8] = b"bcdeirtuxABEIMNOPRSTU";

impl<'r> Filters<'r> {
    /// Those whose other end has this address.
    pub(super) fn of_peer(address: &'r [u8]) -> Self {
        let wanted = Wanted::Peer(address);
        Self {
            all: vec![Filter { not: false, wanted }],
            skip_me: None,
        }
    }

    /// Reads all words that are left.
    ///
    /// # Errors
    ///
    /// They are no filters, or a filter cannot be what is said.
    pub(super) fn parse(cx: &SessionCx<'_>, mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut filters = Self::default();
        while args.len() > 0 {
            // A filter without its word is none.
            if args.len() < 2 {
                return Err(CommandError::SYNTAX);
            }
            if args.eat(b"SKIPME") {
                filters.skip_me = Some(yes_or_no(&mut args)?);
            } else {
                filters.add(filter(cx, &mut args)?);
            }
        }
        Ok(filters)
    }

    fn add(&mut self, mut filter: Filter<'r>) {
        let is_same = |other: &Filter<'_>| {
            other.not == filter.not && discriminant(&other.wanted) == discriminant(&filter.wanted)
        };
        let before = self.all.iter().position(is_same);
        let before = before.map(|place| self.all.swap_remove(place));
        if let (Wanted::Ids(ids), Some(Wanted::Ids(more))) =
            (&mut filter.wanted, before.map(|before| before.wanted))
        {
            ids.extend(more);
        }
        self.all.push(filter);
    }

    /// Whether `client`, which is that far, is asked for.
    pub(super) fn hold(&self, server: &Server, client: &Client, progress: &Progress) -> bool {
        let holds = |filter: &Filter<'_>| filter.wanted.is(server, client, progress) != filter.not;
        self.all.iter().all(holds)
    }
}

/// The next filter and its words.
fn filter<'r>(cx: &SessionCx<'_>, args: &mut Args<'r>) -> Result<Filter<'r>, CommandError> {
    let name = args.bytes()?.to_ascii_uppercase();
    let (not, bare) = match name.strip_prefix(b"NOT-") {
        Some(bare) => (true, bare),
        None => (false, name.as_slice()),
    };
    let wanted = match bare {
        b"ID" => Wanted::Ids(ids(args)?),
        b"TYPE" => Wanted::Kind(kind(args.bytes()?)?),
        b"USER" => user(cx, args.bytes()?)?,
        b"ADDR" => Wanted::Peer(args.bytes()?),
        b"LADDR" => Wanted::Local(args.bytes()?),
        b"IP" => Wanted::Ip(args.bytes()?),
        b"MAXAGE" if !not => Wanted::Age(seconds(args.bytes()?, "maxage")?),
        b"IDLE" if !not => Wanted::Idle(seconds(args.bytes()?, "idle")?),
        b"FLAGS" => Wanted::Flags(letters(args.bytes()?, FLAG_LETTERS, "flags", not)?),
        b"NAME" => Wanted::Name(args.bytes()?),
        b"LIB-NAME" => Wanted::Library(args.bytes()?),
        b"LIB-VER" => Wanted::LibraryVersion(args.bytes()?),
        b"DB" => {
            let databases = cx.server.engine.databases();
            Wanted::Db(database(args.bytes()?, databases, &name)?)
        }
        b"CAPA" => {
            let any = letters(args.bytes()?, b"r", "capa", not)?.is_empty();
            Wanted::Abilities { any }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    Ok(Filter { not, wanted })
}

/// One number or more.
fn ids(args: &mut Args<'_>) -> Result<Vec<i64>, CommandError> {
    let mut ids = Vec::new();
    while let Some(Ok(id)) = args.peek().map(integer) {
        if id <= 0 {
            return Err(CommandError::err("client-id should be greater than 0"));
        }
        ids.push(id);
        args.bytes()?;
    }
    match ids.is_empty() {
        true => Err(CommandError::SYNTAX),
        false => Ok(ids),
    }
}

/// The user called `word`.
fn user<'r>(cx: &SessionCx<'_>, word: &'r [u8]) -> Result<Wanted<'r>, CommandError> {
    match cx.server.acl.user(word) {
        Some(_) => Ok(Wanted::User(word)),
        None => {
            let word = word.escape_ascii();
            Err(CommandError::err(format!("No such user '{word}'")))
        }
    }
}

fn seconds(word: &[u8], name: &str) -> Result<u64, CommandError> {
    let seconds = integer(word)
        .map_err(|_| CommandError::err(format!("{name} is not an integer or out of range")))?;
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| CommandError::err(format!("{name} should be greater than 0")))
}

/// `word`, if each of its letters is known.
fn letters<'r>(
    word: &'r [u8],
    known: &[u8],
    name: &str,
    not: bool,
) -> Result<&'r [u8], CommandError> {
    if word.iter().all(|letter| known.contains(letter)) {
        return Ok(word);
    }
    let filter = match not {
        true => format!("NOT-{}", name.to_ascii_uppercase()),
        false => "provided".to_owned(),
    };
    let message = format!("Unknown {name} found in the {filter} filter:");
    Err(CommandError::about(&message, word))
}

/// The database that `word` numbers; `name` is what the filter is called.
fn database(word: &[u8], databases: u16, name: &[u8]) -> Result<Db, CommandError> {
    let name = name.escape_ascii();
    let number = integer(word)
        .map_err(|_| CommandError::err(format!("{name} is not an integer or out of range")))?;
    let number = u16::try_from(number).ok();
    number
        .filter(|number| *number < databases)
        .map(Db)
        .ok_or_else(|| {
            let last = databases - 1;
            CommandError::err(format!("{name} number should be between 0 and {last}"))
        })
}

fn yes_or_no(args: &mut Args<'_>) -> Result<bool, CommandError> {
    if args.eat(b"YES") {
        Ok(true)
    } else if args.eat(b"NO") {
        Ok(false)
    } else {
        Err(CommandError::SYNTAX)
    }
}

impl Wanted<'_> {
    fn is(&self, server: &Server, client: &Client, progress: &Progress) -> bool {
        let now_s = server.uptime_s();
        let at = |wanted: &[u8], address: SocketAddr| wanted == address.to_string().as_bytes();
        // What was never said is not the empty word.
        let said = |wanted: &[u8], said: &[u8]| !said.is_empty() && wanted == said;
        match self {
            Self::Ids(ids) => ids.contains(&client.number()),
            Self::Kind(kind) => kind.has(client),
            Self::User(name) => client.identity().user == *name,
            Self::Peer(address) => at(address, client.peer),
            Self::Local(address) => at(address, client.local),
            Self::Ip(address) => *address == client.peer.ip().to_string().as_bytes(),
            Self::Age(age_s) => now_s.saturating_sub(client.connected_s) >= *age_s,
            Self::Idle(idle_s) => now_s.saturating_sub(progress.active_s) >= *idle_s,
            Self::Flags(letters) => {
                let tracker = server.tracking.of(client.id);
                let has = flags(server, client, progress, tracker.as_deref());
                letters.iter().all(|letter| has.as_bytes().contains(letter))
            }
            Self::Name(name) => said(name, &client.identity().name),
            Self::Library(name) => said(name, &client.identity().library),
            Self::LibraryVersion(version) => said(version, &client.identity().library_version),
            Self::Db(db) => progress.db == *db,
            Self::Abilities { any } => *any || client.identity().follows,
        }
    }
}

/// Whom a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientKind {
    /// Requests.
    Normal,
    /// Messages.
    PubSub,
    /// Another server, which no connection is.
    Server,
}

fn kind(word: &[u8]) -> Result<ClientKind, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(ClientKind::Normal),
        b"pubsub" => Ok(ClientKind::PubSub),
        b"master" | b"primary" | b"replica" | b"slave" => Ok(ClientKind::Server),
        _ => {
            let word = word.escape_ascii();
            Err(CommandError::err(format!("Unknown client type '{word}'")))
        }
    }
}

impl ClientKind {
    fn has(self, client: &Client) -> bool {
        match self {
            Self::Normal => !client.is_subscriber(),
            Self::PubSub => client.is_subscriber(),
            Self::Server => false,
        }
    }
}
