//! Plays one sequence to both servers and holds their replies and then their data against each other.

use anyhow::{Context, Result};

use super::rule::Rule;
use crate::script_runner::client::Client;
use crate::script_runner::reply::{Reply, quote};
use crate::sequences::draw::Sequence;
use crate::sequences::state::{self, Depth, Held, State};
use crate::sequences::table::Table;
use crate::sequences::values::DATABASES;

/// Requests that are sent before their replies are read.
const PIPELINED: usize = 64;
/// Milliseconds by which the end of a time to live may differ.
const EXPIRY_MS: u64 = 20_000;

/// The two servers.
pub(crate) struct Pair<'t> {
    pub(crate) ours: Client,
    pub(crate) theirs: Client,
    pub(crate) table: &'t Table,
    pub(crate) depth: Depth,
}

/// Where two servers part.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The request; one behind the last for a difference of the data.
    pub(crate) at: usize,
    pub(crate) ours: Vec<String>,
    pub(crate) theirs: Vec<String>,
    /// What the peer has answered up to there.
    pub(crate) replies: Vec<Reply>,
}

impl Pair<'_> {
    /// Plays `sequence` to two empty servers; `None` when they agree.
    ///
    /// # Errors
    ///
    /// A server does not answer, or not in RESP.
    pub(crate) fn play(&mut self, sequence: &Sequence) -> Result<Option<Difference>> {
        let protocol = sequence.protocol.to_string();
        let prepare = [vec!["RESET"], vec!["HELLO", &protocol], vec!["FLUSHALL"]];
        let prepare =
            prepare.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect());
        self.both(&prepare)?;
        let sent = sequence.sent();
        let requests: Vec<_> = sent.iter().map(|(_, words)| words.clone()).collect();
        let (ours, theirs) = self.both(&requests)?;
        let mut rules = Rules::new(self.table);
        for (place, (at, words)) in sent.iter().enumerate() {
            let request = &sequence.requests[*at];
            let name = if *words == request.words {
                request.name.as_str()
            } else {
                "DEL"
            };
            if !rules.agree(name, &ours[place], &theirs[place]) {
                return Ok(Some(Difference {
                    at: *at,
                    ours: ours[place].lines(),
                    theirs: theirs[place].lines(),
                    replies: theirs,
                }));
            }
        }
        let (ours, replies) = (self.read_ours()?, theirs);
        let theirs =
            state::read(&mut self.theirs, DATABASES, self.depth).context("the peer's data")?;
        Ok(
            data_difference(&ours, &theirs).map(|(ours, theirs)| Difference {
                at: sequence.requests.len(),
                ours,
                theirs,
                replies,
            }),
        )
    }

    fn read_ours(&mut self) -> Result<State> {
        state::read(&mut self.ours, DATABASES, self.depth).context("kv's data")
    }

    /// Sends `requests` to both; the replies of both.
    fn both(&mut self, requests: &[Vec<Vec<u8>>]) -> Result<(Vec<Reply>, Vec<Reply>)> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for part in requests.chunks(PIPELINED) {
            // Both work at the same time.
            self.ours.send_all(part).context("kv")?;
            self.theirs.send_all(part).context("the peer")?;
            self.ours.receive_all(part.len(), &mut ours).context("kv")?;
            self.theirs
                .receive_all(part.len(), &mut theirs)
                .context("the peer")?;
        }
        Ok((ours, theirs))
    }
}

/// The rules of the replies to come: what was queued is answered by `EXEC`.
struct Rules<'t> {
    table: &'t Table,
    queued: Vec<Rule>,
}

impl<'t> Rules<'t> {
    fn new(table: &'t Table) -> Self {
        Self {
            table,
            queued: Vec::new(),
        }
    }

    fn agree(&mut self, name: &str, ours: &Reply, theirs: &Reply) -> bool {
        let rule = Rule::of(self.table.get(name));
        if *theirs == Reply::Status("QUEUED".to_owned()) {
            self.queued.push(rule);
        }
        match name {
            "EXEC" => {
                let rules = std::mem::take(&mut self.queued);
                match (ours, theirs) {
                    (
                        Reply::List { elements: ours, .. },
                        Reply::List {
                            elements: theirs, ..
                        },
                    ) if ours.len() == theirs.len() && theirs.len() == rules.len() => {
                        let mut all = rules.iter().zip(ours).zip(theirs);
                        all.all(|((rule, ours), theirs)| rule.agree(ours, theirs))
                    }
                    _ => ours == theirs,
                }
            }
            "DISCARD" | "RESET" => {
                self.queued.clear();
                ours == theirs
            }
            _ => rule.agree(ours, theirs),
        }
    }
}

/// The first key that differs, as each server holds it.
fn data_difference(ours: &State, theirs: &State) -> Option<(Vec<String>, Vec<String>)> {
    let keys = ours.keys().chain(theirs.keys());
    for place in keys {
        let (own, other) = (ours.get(place), theirs.get(place));
        let agree = match (own, other) {
            (Some(own), Some(other)) => held_alike(own, other),
            _ => false,
        };
        if !agree {
            return Some((shown(place, own), shown(place, other)));
        }
    }
    None
}

fn held_alike(ours: &Held, theirs: &Held) -> bool {
    let rule = match ours.kind.as_str() {
        "set" => Rule::Unordered,
        "hash" => Rule::Pairs,
        _ => Rule::Exact,
    };
    let times = field_times(ours)
        .into_iter()
        .zip(field_times(theirs))
        .all(|(ours, theirs)| ours.0 == theirs.0 && near(ours.1, theirs.1));
    ours.kind == theirs.kind
        && near(ours.expires, theirs.expires)
        && ours.encoding == theirs.encoding
        && rule.agree(&ours.content[0], &theirs.content[0])
        && times
}

/// Whether two moments are one, but for what passes between two servers' commands.
fn near(ours: i64, theirs: i64) -> bool {
    let close = ours.abs_diff(theirs) <= EXPIRY_MS;
    ours == theirs || (ours >= 0 && theirs >= 0 && close)
}

/// Each field with when it expires, in the order of names.
fn field_times(held: &Held) -> Vec<(Vec<String>, i64)> {
    let [Reply::Map(pairs), Reply::List { elements, .. }] = held.content.as_slice() else {
        return Vec::new();
    };
    let time = |reply: &Reply| match reply {
        Reply::Integer(digits) => digits.parse().unwrap_or_default(),
        _ => 0,
    };
    let fields = pairs.iter().zip(elements);
    let mut fields: Vec<_> = fields
        .map(|((field, _), reply)| (field.lines(), time(reply)))
        .collect();
    fields.sort();
    fields
}

fn shown((db, key): &(usize, Vec<u8>), held: Option<&Held>) -> Vec<String> {
    let place = format!("database {db}, key {}", quote(key));
    let Some(held) = held else {
        return vec![format!("{place}: not there")];
    };
    let encoding = held.encoding.as_deref().unwrap_or_default();
    let mut lines = vec![format!(
        "{place}: {} {encoding} expires {}",
        held.kind, held.expires
    )];
    lines.extend(held.content.iter().flat_map(Reply::lines));
    lines
}
