//! The words of `XREAD` and `XREADGROUP`: which streams are read, and from where.

use std::time::Duration;

use kv_core::Kind;

use crate::command::prelude::*;
use crate::command::spec::{Turn, Wait};
use crate::command::timeout;

/// A key, and the word that says from where its stream is read.
type Source<'r> = (&'r [u8], &'r [u8]);

/// What is to be read.
#[derive(Debug)]
pub(super) struct Sources<'r> {
    /// Keys, each with the word that says from where.
    pub(super) streams: Vec<Source<'r>>,
    /// Most entries of each stream.
    pub(super) count: usize,
    /// The group and its consumer.
    pub(super) group: Option<(&'r [u8], &'r [u8])>,
    /// Whether entries count as acknowledged at once.
    pub(super) no_ack: bool,
    /// Whether it waits, and how long at most.
    pub(super) wait: Option<Option<Duration>>,
    /// Where the first key stands among the words that were given.
    pub(super) keys_at: usize,
}

impl<'r> Sources<'r> {
    pub(super) fn parse(mut args: Args<'r>, txn: &Txn<'_>) -> Result<Self, CommandError> {
        let name = args.spec().name;
        let in_group = name == "XREADGROUP";
        let all = args.len();
        let mut sources = Self {
            streams: Vec::new(),
            count: usize::MAX,
            group: None,
            no_ack: false,
            wait: None,
            keys_at: 0,
        };
        while args.len() > 0 {
            let has_value = args.len() > 1;
            if has_value && args.eat(b"BLOCK") {
                sources.wait = Some(timeout::millis(args.bytes()?, txn.now())?);
            } else if has_value && args.eat(b"COUNT") {
                sources.count = match usize::try_from(args.int()?) {
                    Ok(0) | Err(_) => usize::MAX,
                    Ok(count) => count,
                };
            } else if has_value && args.eat(b"STREAMS") {
                sources.keys_at = all - args.len();
                sources.streams = streams(args, in_group)?;
                break;
            } else if args.len() > 2 && args.eat(b"GROUP") {
                if !in_group {
                    return Err(only_in_group("GROUP"));
                }
                sources.group = Some((args.bytes()?, args.bytes()?));
            } else if args.eat(b"NOACK") {
                if !in_group {
                    return Err(only_in_group("NOACK"));
                }
                sources.no_ack = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if sources.streams.is_empty() {
            return Err(CommandError::SYNTAX);
        }
        if in_group && sources.group.is_none() {
            return Err(CommandError::err("Missing GROUP option for XREADGROUP"));
        }
        Ok(sources)
    }

    /// What the request waits for; `None`: it does not wait.
    pub(super) fn waits(&self, even_if_gone: bool) -> Option<Wait> {
        self.wait.map(|at_most| Wait {
            keys: self.streams.len(),
            kind: Kind::Stream,
            at_most,
            answers_array: true,
            even_if_gone,
        })
    }

    /// Answers that there is nothing, or waits.
    pub(super) fn nothing(&self, reply: &mut Reply<'_>) -> Turn {
        match self.waits(true) {
            Some(wait) => Turn::Wait(wait),
            None => {
                reply.null_array();
                Turn::Done
            }
        }
    }
}

fn streams<'r>(mut args: Args<'r>, in_group: bool) -> Result<Vec<Source<'r>>, CommandError> {
    if !args.len().is_multiple_of(2) {
        let (name, what) = if in_group {
            ("xreadgroup", "ID or '>'")
        } else {
            ("xread", "ID or '$'")
        };
        return Err(CommandError::err(format!(
            "Unbalanced '{name}' list of streams: for each stream key an {what} must be specified."
        )));
    }
    let keys = args.take(args.len() / 2)?;
    Ok(keys.rest().zip(args.rest()).collect())
}

fn only_in_group(option: &str) -> CommandError {
    CommandError::err(format!(
        "The {option} option is only supported by XREADGROUP. You called XREAD instead."
    ))
}

/// Announces the streams that are shown; before each goes [`stream`].
pub(super) fn begin(count: usize, reply: &mut Reply<'_>) {
    if reply.format() == kv_proto::Format::Resp3 {
        reply.map(count);
    } else {
        reply.array(count);
    }
}

/// Announces the entries of the stream at `key`.
pub(super) fn stream(key: &[u8], entries: usize, reply: &mut Reply<'_>) {
    if reply.format() != kv_proto::Format::Resp3 {
        reply.array(2);
    }
    reply.bulk(key);
    reply.array(entries);
}
