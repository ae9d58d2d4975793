//! When two replies to one request agree.
//!
//! Invariant: without a rule for the command, replies agree when they are the same to the byte.

use crate::script_runner::reply::Reply;
use crate::sequences::table::Command;

/// How the replies to a command are held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The same.
    Exact,
    /// The same elements in any order.
    Unordered,
    /// The same names and values, in any order of the names.
    Pairs,
    /// The same but for what passes between two servers' commands, in the unit of the reply.
    Near(i64),
    /// A cursor and elements in any order.
    Scan,
    /// The same number, but for digits that only some kinds of floating point have.
    Number,
    /// The same kind of reply, and as many elements.
    Chance,
}

/// Rules that do not follow from the hints of `COMMAND`, and why.
const RULES: &[(&str, Rule, &str)] = &[
    (
        "HGETALL",
        Rule::Pairs,
        "the order of fields is that of a hash table",
    ),
    (
        "SCAN",
        Rule::Scan,
        "the order of keys is that of a hash table",
    ),
    (
        "HSCAN",
        Rule::Scan,
        "the order of fields is that of a hash table",
    ),
    (
        "SSCAN",
        Rule::Scan,
        "the order of members is that of a hash table",
    ),
    (
        "ZSCAN",
        Rule::Scan,
        "the order of members is that of a hash table",
    ),
    ("TTL", Rule::Near(SECONDS), TIME),
    ("PTTL", Rule::Near(SECONDS * 1000), TIME),
    ("EXPIRETIME", Rule::Near(SECONDS), TIME),
    ("PEXPIRETIME", Rule::Near(SECONDS * 1000), TIME),
    ("HTTL", Rule::Near(SECONDS), TIME),
    ("HPTTL", Rule::Near(SECONDS * 1000), TIME),
    ("HEXPIRETIME", Rule::Near(SECONDS), TIME),
    ("HPEXPIRETIME", Rule::Near(SECONDS * 1000), TIME),
    (
        "DBSIZE",
        Rule::Near(8),
        "a key whose time is over counts until it is deleted",
    ),
    (
        "OBJECT|REFCOUNT",
        Rule::Chance,
        "how a server shares values is its own business",
    ),
    ("OBJECT|IDLETIME", Rule::Chance, TIME),
    ("OBJECT|FREQ", Rule::Chance, "counted by chance"),
    ("XPENDING", Rule::Chance, TIME),
    ("XINFO|CONSUMERS", Rule::Chance, TIME),
    (
        "XINFO|STREAM",
        Rule::Chance,
        "blocks and times are each server's own",
    ),
    ("INCRBYFLOAT", Rule::Number, FLOAT),
    ("HINCRBYFLOAT", Rule::Number, FLOAT),
];

/// Why digits may differ; the keys are deleted at once.
const FLOAT: &str = "a peer counts in 80 bits, and shows what that rounds";
/// Why times may differ a little.
const TIME: &str = "a time to live runs on between two commands";
/// So much; the times that are drawn are farther apart.
const SECONDS: i64 = 20;

impl Rule {
    /// The rule for `command`; its hints are those of the peer.
    pub(crate) fn of(command: Option<&Command>) -> Rule {
        let Some(command) = command else {
            return Rule::Exact;
        };
        let own = RULES.iter().find(|(name, ..)| *name == command.name);
        match own {
            Some((_, rule, _)) => *rule,
            None if command.tips.contains("nondeterministic_output") => Rule::Chance,
            None if command.tips.contains("nondeterministic_output_order") => Rule::Unordered,
            None => Rule::Exact,
        }
    }

    /// Whether the two replies agree.
    pub(crate) fn agree(self, ours: &Reply, theirs: &Reply) -> bool {
        if ours == theirs {
            return true;
        }
        if let (Reply::Error(ours), Reply::Error(theirs)) = (ours, theirs) {
            return same_text(ours, theirs) || self == Rule::Number;
        }
        match self {
            Rule::Exact => false,
            Rule::Unordered => sorted(ours) == sorted(theirs),
            Rule::Pairs => paired(ours) == paired(theirs),
            Rule::Near(distance) => near(ours, theirs, distance),
            Rule::Scan => scanned(ours) == scanned(theirs),
            Rule::Number => same_number(ours, theirs),
            Rule::Chance => alike(ours, theirs),
        }
    }
}

/// Bytes of an error that are compared: kv shows no more than a part of a long word.
const ERROR_BYTES: usize = 100;

/// Whether two errors say the same, as far as they are text: kv shows bytes that are none in another way. Blanks do
/// not count, for kv shows one where a peer ends a word at a zero byte.
fn same_text(ours: &str, theirs: &str) -> bool {
    let head = |error: &str| {
        let letters = error.chars().filter(|letter| *letter != ' ');
        letters
            .take_while(char::is_ascii)
            .take(ERROR_BYTES)
            .collect::<String>()
    };
    head(ours) == head(theirs)
}

fn sorted(reply: &Reply) -> Reply {
    let mut sorted = reply.clone();
    sorted.sort();
    sorted
}

/// A flat list of names and values as a sorted map; maps sorted.
fn paired(reply: &Reply) -> Reply {
    match reply {
        Reply::List { elements, mark } if elements.len() % 2 == 0 => {
            let pairs = elements.chunks_exact(2).map(|pair| Reply::List {
                mark: *mark,
                elements: pair.to_vec(),
            });
            sorted(&Reply::List {
                mark: *mark,
                elements: pairs.collect(),
            })
        }
        other => sorted(other),
    }
}

fn scanned(reply: &Reply) -> Vec<Reply> {
    match reply {
        Reply::List { elements, .. } => elements.iter().map(sorted).collect(),
        other => vec![other.clone()],
    }
}

fn near(ours: &Reply, theirs: &Reply, distance: i64) -> bool {
    match (ours, theirs) {
        (Reply::Integer(ours), Reply::Integer(theirs)) => {
            let number = |digits: &str| digits.parse::<i64>().ok().filter(|number| *number >= 0);
            match (number(ours), number(theirs)) {
                (Some(ours), Some(theirs)) => ours.abs_diff(theirs) <= distance.unsigned_abs(),
                _ => false,
            }
        }
        (
            Reply::List { elements: ours, .. },
            Reply::List {
                elements: theirs, ..
            },
        ) => {
            let mut pairs = ours.iter().zip(theirs);
            ours.len() == theirs.len()
                && pairs.all(|(ours, theirs)| ours == theirs || near(ours, theirs, distance))
        }
        _ => false,
    }
}

fn number(reply: &Reply) -> Option<f64> {
    match reply {
        Reply::Bulk(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}

/// Whether the numbers are the same as far as both count; one that is too long for kv may be refused.
fn same_number(ours: &Reply, theirs: &Reply) -> bool {
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= theirs.abs() * 1e-15,
        (None, Some(theirs)) => theirs.abs() >= 1e21 && matches!(ours, Reply::Error(_)),
        _ => false,
    }
}

fn alike(ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Error(_), _) | (_, Reply::Error(_)) => false,
        (
            Reply::List { elements: ours, .. },
            Reply::List {
                elements: theirs, ..
            },
        ) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| alike(ours, theirs))
        }
        (Reply::Map(ours), Reply::Map(theirs)) => ours.len() == theirs.len(),
        (ours, theirs) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bytes: &[u8]) -> Reply {
        Reply::read(&mut &*bytes).unwrap().unwrap()
    }

    #[test]
    fn each_rule_forgives_its_own_and_no_more() {
        for (rule, ours, theirs, expected) in [
            (Rule::Exact, &b":1\r\n"[..], &b":1\r\n"[..], true),
            (Rule::Exact, b":1\r\n", b"$1\r\n1\r\n", false),
            (
                Rule::Unordered,
                b"*2\r\n:1\r\n:2\r\n",
                b"*2\r\n:2\r\n:1\r\n",
                true,
            ),
            (
                Rule::Unordered,
                b"*2\r\n:1\r\n:2\r\n",
                b"*2\r\n:2\r\n:2\r\n",
                false,
            ),
            (Rule::Unordered, b"*0\r\n", b"~0\r\n", false),
            (
                Rule::Pairs,
                b"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
                b"*4\r\n:3\r\n:4\r\n:1\r\n:2\r\n",
                true,
            ),
            (
                Rule::Pairs,
                b"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
                b"*4\r\n:3\r\n:2\r\n:1\r\n:4\r\n",
                false,
            ),
            (Rule::Near(2), b":100\r\n", b":102\r\n", true),
            (Rule::Near(2), b":100\r\n", b":103\r\n", false),
            (Rule::Near(2), b":-1\r\n", b":-2\r\n", false),
            (Rule::Near(2), b"*1\r\n:7\r\n", b"*1\r\n:8\r\n", true),
            (
                Rule::Scan,
                b"*2\r\n$1\r\n0\r\n*2\r\n:1\r\n:2\r\n",
                b"*2\r\n$1\r\n0\r\n*2\r\n:2\r\n:1\r\n",
                true,
            ),
            (
                Rule::Scan,
                b"*2\r\n$1\r\n1\r\n*0\r\n",
                b"*2\r\n$1\r\n0\r\n*0\r\n",
                false,
            ),
            (
                Rule::Number,
                b"$3\r\n1.5\r\n",
                b"$22\r\n1.50000000000000000001\r\n",
                true,
            ),
            (Rule::Exact, b"-ERR no \xc3\r\n", b"-ERR no \xff\r\n", true),
            (Rule::Exact, b"-ERR no\r\n", b"-ERR yes\r\n", false),
            (Rule::Number, b"$3\r\n1.5\r\n", b"$4\r\n1.51\r\n", false),
            (Rule::Chance, b"$1\r\na\r\n", b"$1\r\nb\r\n", true),
            (Rule::Chance, b"$1\r\na\r\n", b"$-1\r\n", false),
            (Rule::Chance, b"-ERR a\r\n", b"-ERR b\r\n", false),
        ] {
            let agrees = rule.agree(&reply(ours), &reply(theirs));
            assert_eq!(
                agrees,
                expected,
                "{rule:?} {} {}",
                ours.escape_ascii(),
                theirs.escape_ascii()
            );
        }
    }
}
