//! What is not drawn, and why. Everything else in the table is.

use super::table::Command;

/// Flags of commands that steer the server or the connection's kind.
const FLAGS: [(&str, &str); 3] = [
    ("admin", "steers the server: what it does is not about data"),
    ("pubsub", "answers a request with several replies or none"),
    ("no_auth", "says who the client is, or ends the connection"),
];

/// Names, or beginnings of names up to a `|`.
const NAMES: [(&str, &str); 26] = [
    ("ACL", "about users"),
    ("CLIENT", "about connections, which differ"),
    ("COMMAND", "the words are our own"),
    ("EVAL", "no programs are drawn"),
    ("EVALSHA", "no programs are drawn"),
    ("EVALSHA_RO", "no programs are drawn"),
    ("EVAL_RO", "no programs are drawn"),
    ("FCALL", "no programs are drawn"),
    ("FCALL_RO", "no programs are drawn"),
    ("FUNCTION", "no programs are drawn"),
    ("INFO", "about the server"),
    ("LASTSAVE", "a time"),
    ("LATENCY", "about the server"),
    ("LOLWUT", "art"),
    ("MEMORY", "each server's own sizes"),
    ("MIGRATE", "about other servers"),
    ("MODULE", "about the server"),
    ("MONITOR", "answers with what others do"),
    ("READONLY", "about clusters"),
    ("READWRITE", "about clusters"),
    ("ROLE", "about the server"),
    ("SCRIPT", "no programs are drawn"),
    ("SLOWLOG", "about the server"),
    ("TIME", "a time"),
    ("WAIT", "waits for replicas"),
    ("WAITAOF", "says what the disk has"),
];

/// Commands with the flags above that are drawn nevertheless: they answer once and change nothing else.
const ADMITTED: [&str; 5] = [
    "PUBLISH",
    "PUBSUB|CHANNELS",
    "PUBSUB|NUMPAT",
    "PUBSUB|NUMSUB",
    "SPUBLISH",
];

/// Why a command is not drawn; `None` for those that are.
pub(crate) fn reason(command: &Command) -> Option<&'static str> {
    if ADMITTED.contains(&command.name.as_str()) {
        return None;
    }
    if command.name.ends_with("|HELP") {
        return Some("the words are our own");
    }
    let family = command.name.split('|').next().unwrap_or_default();
    let named = |(name, why): &(&str, &'static str)| (*name == family).then_some(*why);
    let flagged =
        |(flag, why): &(&str, &'static str)| command.flags.contains(*flag).then_some(*why);
    NAMES
        .iter()
        .find_map(named)
        .or_else(|| FLAGS.iter().find_map(flagged))
}
