//! `XTRIM`, and how `XADD` trims: removes the oldest entries.

use std::sync::atomic::Ordering::Relaxed;

use kv_core::{Stream, StreamChange, StreamId};

use super::id::parse;
use super::references::References;
use super::show;
use crate::command::prelude::*;

pub(super) const XTRIM: CommandSpec = CommandSpec {
    name: "XTRIM",
    group: Group::Stream,
    summary: "Removes the first entries of a stream until it is short or young enough; returns how many.",
    syntax: "XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]",
    complexity: "O(N) in the number of entries that are removed",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(xtrim),
};

/// Which entries may stay.
#[derive(Clone, Copy, Debug)]
enum Keep {
    /// So many, the last ones.
    Newest(usize),
    /// Those from this ID on.
    From(StreamId),
}

/// What is to be trimmed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trimming {
    keep: Option<Keep>,
    /// Whether only whole blocks go.
    is_rough: bool,
    limit: Option<usize>,
    references: References,
}

fn xtrim(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let mut trimming = Trimming::default();
    while args.len() > 0 {
        if !trimming.eat(&mut args, None)? {
            return Err(CommandError::SYNTAX);
        }
    }
    if trimming.keep.is_none() && trimming.limit.is_none() {
        return Err(CommandError::err(
            "syntax error, XTRIM must be called with a trimming strategy",
        ));
    }
    trimming.check(txn)?;
    let removed = trimming.run(txn, key)?;
    if removed > 0 {
        txn.announce(key, event::XTRIM);
    }
    show::count(removed as u64, reply);
    Ok(())
}

impl Trimming {
    /// Takes an option, if the next word is one; of `XADD` also that the key must be there.
    pub(super) fn eat(
        &mut self,
        args: &mut Args<'_>,
        only_old: Option<&mut bool>,
    ) -> Result<bool, CommandError> {
        let has_value = args.len() > 1;
        if has_value && args.eat(b"MAXLEN") {
            self.begin(args)?;
            let most = args.int()?;
            let most = usize::try_from(most)
                .map_err(|_| CommandError::err("The MAXLEN argument must be >= 0."))?;
            self.keep = Some(Keep::Newest(most));
        } else if has_value && args.eat(b"MINID") {
            self.begin(args)?;
            self.keep = Some(Keep::From(parse(args.bytes()?, 0)?));
        } else if has_value && args.eat(b"LIMIT") {
            let limit = args.int()?;
            let limit = usize::try_from(limit)
                .map_err(|_| CommandError::err("The LIMIT argument must be >= 0."))?;
            self.limit = Some(limit);
        } else if let Some(only_old) = only_old
            && args.eat(b"NOMKSTREAM")
        {
            *only_old = true;
        } else {
            return Ok(self.references.eat(args));
        }
        Ok(true)
    }

    /// What stands between the name of a strategy and its threshold.
    fn begin(&mut self, args: &mut Args<'_>) -> Result<(), CommandError> {
        if self.keep.is_some() {
            return Err(CommandError::err(
                "syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        self.is_rough = args.len() > 1 && args.eat(b"~");
        if !self.is_rough && args.len() > 1 {
            args.eat(b"=");
        }
        Ok(())
    }

    /// Whether the options fit together; completes them.
    pub(super) fn check(&mut self, txn: &Txn<'_>) -> Result<(), CommandError> {
        match self.limit {
            Some(0) if self.is_rough => self.limit = None,
            Some(1..) if self.keep.is_none() => {
                return Err(CommandError::err(
                    "syntax error, LIMIT cannot be used without specifying a trimming strategy",
                ));
            }
            Some(_) if !self.is_rough => {
                return Err(CommandError::err(
                    "syntax error, LIMIT cannot be used without the special ~ option",
                ));
            }
            None if self.is_rough => {
                let of_a_block = txn.limits().stream_node_entries.load(Relaxed);
                self.limit = Some(match of_a_block.saturating_mul(100) {
                    0 => 10_000,
                    limit => limit.min(1_000_000),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Removes what is to go from the stream at `key`; returns how many entries.
    pub(super) fn run(&self, txn: &mut Txn<'_>, key: &[u8]) -> Result<usize, CommandError> {
        let Some(stream) = txn.stream(key)? else {
            return Ok(0);
        };
        let count = self.count(stream);
        if count == 0 {
            return Ok(0);
        }
        let ids = self.references.of_first(stream, count);
        if let Some(ids) = ids {
            return self.references.trim(txn, key, &ids);
        }
        let change = StreamChange::Trim {
            count: count as u64,
        };
        txn.change_stream(key, change)?;
        Ok(count)
    }

    /// How many entries go.
    fn count(&self, stream: &Stream) -> usize {
        let exactly = match self.keep {
            None => 0,
            Some(Keep::Newest(most)) => stream.len().saturating_sub(most),
            Some(Keep::From(id)) => stream.count_before(id),
        };
        if !self.is_rough {
            return exactly;
        }
        let most = self.limit.unwrap_or(usize::MAX).min(exactly);
        let mut count = 0;
        for block in stream.blocks() {
            if count + block > most {
                break;
            }
            count += block;
        }
        count
    }
}
