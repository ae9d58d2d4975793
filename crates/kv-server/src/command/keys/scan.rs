//! `SCAN cursor [option ...]`: all keys, a few at a time.

use kv_core::{Cursor, Item};

use crate::command::glob;
use crate::command::prelude::*;
use crate::command::scan_options;
use crate::engine::ServerCx;

pub(super) const SCAN: CommandSpec = CommandSpec {
    name: "SCAN",
    group: Group::Keys,
    summary: "Returns some keys, and the cursor with which to ask for the next ones.",
    syntax: "SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]",
    complexity: "O(1) for each call, O(N) for all N keys",
    since: "0.1.0",
    compat: Compat::Differs("A type that there is not is an error, as in Valkey."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::READS_KEYSPACE,
    run: Run::Server(scan),
};

/// How many keys are looked at if the request does not say.
const COUNT: usize = 10;

/// What `TYPE` may name: every kind that Redis has.
const KINDS: [&[u8]; 6] = [b"string", b"list", b"set", b"zset", b"hash", b"stream"];

#[derive(Debug)]
struct Options<'r> {
    pattern: Option<&'r [u8]>,
    count: usize,
    kind: Option<&'r [u8]>,
}

impl<'r> Options<'r> {
    fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut options = Self {
            pattern: None,
            count: COUNT,
            kind: None,
        };
        while args.len() > 0 {
            if args.len() > 1 && args.eat(b"COUNT") {
                let count = usize::try_from(args.int()?).unwrap_or(0);
                options.count = Some(count)
                    .filter(|count| *count > 0)
                    .ok_or(CommandError::SYNTAX)?;
            } else if args.len() > 1 && args.eat(b"MATCH") {
                options.pattern = Some(args.bytes()?);
            } else if args.len() > 1 && args.eat(b"TYPE") {
                options.kind = Some(kind(args.bytes()?)?);
            } else if args.eat(b"NOVALUES") {
                return Err(CommandError::err(
                    "NOVALUES option can only be used in HSCAN",
                ));
            } else if args.eat(b"NOSCORES") {
                return Err(CommandError::err(
                    "NOSCORES option can only be used in ZSCAN",
                ));
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    fn wants(&self, item: &Item<'_>) -> bool {
        let kind = || item.value.kind().name().as_bytes();
        self.kind
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind()))
            && self
                .pattern
                .is_none_or(|pattern| glob::matches_exactly(pattern, item.key))
    }
}

/// The name of a kind, if it is one.
fn kind(word: &[u8]) -> Result<&[u8], CommandError> {
    if KINDS.iter().any(|name| name.eq_ignore_ascii_case(word)) {
        return Ok(word);
    }
    let word = String::from_utf8_lossy(word.get(..128).unwrap_or(word)).into_owned();
    Err(CommandError::err(format!("unknown type name '{word}'")))
}

fn scan(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let cursor = Cursor(scan_options::cursor(&mut args)?);
    let options = Options::parse(args)?;
    let mut found = Vec::new();
    cx.expire_scanned(cursor, options.count, &|item| options.wants(item));
    let next = cx.scan(cursor, options.count, &mut |item| {
        if options.wants(item) {
            found.push(Box::<[u8]>::from(item.key));
        }
    });
    reply.array(2);
    reply.bulk(next.0.to_string().as_bytes());
    reply.array(found.len());
    found.iter().for_each(|key| reply.bulk(key));
    Ok(())
}
