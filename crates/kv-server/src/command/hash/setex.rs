//! `HSETEX key [options] FIELDS numfields field value [field value ...]`: gives fields values, under a condition
//! and with an end.

use kv_core::UnixMillis;

use super::expire::{self, from_zero};
use super::field_list::FieldList;
use crate::command::expire_time::TimeOption;
use crate::command::prelude::*;

pub(super) const HSETEX: CommandSpec = CommandSpec {
    name: "HSETEX",
    group: Group::Hash,
    summary: "Gives fields of a hash values, all at once, if a condition holds, to be gone at some time.",
    syntax: "HSETEX key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Differs(
        "Errors in the options have Valkey's words, `NX` and `XX` are there as in Valkey, and a time may be as far \
         away as that of a key.",
    ),
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST,
    run: Run::Write(hsetex),
};

/// When the fields are to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End<'r> {
    #[default]
    Never,
    AsBefore,
    At(TimeOption<'r>),
}

/// What is to hold, and what is to be done.
#[derive(Clone, Copy, Debug, Default)]
struct Options<'r> {
    /// Whether the key is to be there.
    key: Option<bool>,
    /// Whether all of the fields, or none of them, are to be there.
    fields: Option<bool>,
    end: Option<End<'r>>,
}

impl<'r> Options<'r> {
    /// Reads all words that are left. An option may be repeated, the last one counts.
    fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if args.eat(b"NX") {
                set(&mut options.key, false)?;
            } else if args.eat(b"XX") {
                set(&mut options.key, true)?;
            } else if args.eat(b"FNX") {
                set(&mut options.fields, false)?;
            } else if args.eat(b"FXX") {
                set(&mut options.fields, true)?;
            } else {
                options.end = Some(next_end(options.end, &mut args)?);
            }
        }
        Ok(options)
    }
}

/// Says that `condition` is to be `value`, unless the opposite was said before.
fn set(condition: &mut Option<bool>, value: bool) -> Result<(), CommandError> {
    match condition.replace(value) {
        Some(before) if before != value => Err(CommandError::SYNTAX),
        _ => Ok(()),
    }
}

/// Takes the next word about the end, which may only repeat what was said `before`.
fn next_end<'r>(before: Option<End<'r>>, args: &mut Args<'r>) -> Result<End<'r>, CommandError> {
    let next = match args.eat(b"KEEPTTL") {
        true => End::AsBefore,
        false => End::At(TimeOption::eat(args)?.ok_or(CommandError::SYNTAX)?),
    };
    match (before, next) {
        (None | Some(End::AsBefore), End::AsBefore) | (None, End::At(_)) => Ok(next),
        (Some(End::At(one)), End::At(other)) if one.form == other.form => Ok(next),
        _ => Err(CommandError::SYNTAX),
    }
}

fn hsetex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let list = FieldList::split(args)?;
    let options = Options::parse(list.options)?;
    let pairs = list.fields(2)?;
    let there = txn.hash(key)?.is_some();
    if options.key.is_some_and(|wanted| wanted != there) {
        reply.int(0);
        return Ok(());
    }
    let end = options.end.unwrap_or_default();
    let expires = match end {
        End::At(time) => Some(from_zero(
            time.form,
            time.number,
            txn.now(),
            args.spec().name,
        )?),
        End::Never | End::AsBefore => None,
    };
    let hash = txn.hash(key)?;
    let has = |field: &&[u8]| hash.is_some_and(|hash| hash.contains(field));
    let holds = options
        .fields
        .is_none_or(|wanted| pairs.iter().step_by(2).all(|field| has(field) == wanted));
    if holds {
        put(txn, key, &pairs, end, expires)?;
    }
    reply.int(i64::from(holds));
    Ok(())
}

/// Gives the fields their values. Those whose time has come already are removed.
fn put(
    txn: &mut Txn<'_>,
    key: &[u8],
    pairs: &[&[u8]],
    end: End<'_>,
    expires: Option<UnixMillis>,
) -> Outcome {
    let fields: Vec<&[u8]> = pairs.iter().step_by(2).copied().collect();
    if expires.is_some_and(|expires| expires <= txn.now()) {
        txn.count_expired_fields(key, fields.len());
        if txn.hash_delete(key, &fields)? > 0 {
            // As if they had been put first, as Valkey does.
            txn.announce(key, event::HSET);
            txn.announce(key, event::HEXPIRE);
            expire::announce(txn, key, expires);
        }
    } else if end == End::AsBefore {
        txn.hash_set_keeping_expiry(key, pairs)?;
        txn.announce(key, event::HSET);
    } else {
        txn.hash_set(key, pairs)?;
        txn.announce(key, event::HSET);
        if expires.is_some() {
            txn.hash_expire(key, &fields, expires)?;
            expire::announce(txn, key, expires);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn fields_with_an_end() {
        let shell = Shell::new();
        assert_eq!(shell.run("HSETEX h EX 10 FIELDS 2 a 1 b 2"), ":1|");
        assert_eq!(shell.run("HTTL h FIELDS 2 a b"), "*2|:10|:10|");
        assert_eq!(shell.run("HSETEX h KEEPTTL FIELDS 2 a 3 c 4"), ":1|");
        assert_eq!(shell.run("HTTL h FIELDS 2 a c"), "*2|:10|:-1|");
        assert_eq!(shell.run("HSETEX h FIELDS 1 a 5"), ":1|");
        assert_eq!(shell.run("HTTL h FIELDS 1 a"), "*1|:-1|");
        assert_eq!(shell.run("HSETEX h EXAT 1 FIELDS 2 a 6 x 7"), ":1|");
        assert_eq!(shell.run("HMGET h a b c x"), "*4|$-1|$1|2|$1|4|$-1|");
    }

    #[test]
    fn conditions_on_the_key_and_on_all_fields() {
        let shell = Shell::new();
        for (options, reply) in [
            ("XX FIELDS 1 a 1", 0),
            ("FXX FIELDS 1 a 1", 0),
            ("NX FNX FIELDS 1 a 1", 1),
            ("NX EX x FIELDS 1 a 2", 0),
            ("FNX FIELDS 2 a 2 b 2", 0),
            ("FXX FIELDS 2 a 2 b 2", 0),
            ("XX FXX FIELDS 1 a 3", 1),
        ] {
            assert_eq!(
                shell.run(&format!("HSETEX h {options}")),
                format!(":{reply}|"),
                "{options}"
            );
        }
        assert_eq!(shell.run("HGETALL h"), "*2|$1|a|$1|3|");
    }

    #[test]
    fn contradictions_are_syntax_errors() {
        let shell = Shell::new();
        for options in [
            "NX XX",
            "FNX FXX",
            "EX 1 PX 1",
            "KEEPTTL EX 1",
            "EX 1 KEEPTTL",
            "PERSIST",
            "EX",
        ] {
            let reply = shell.run(&format!("HSETEX h {options} FIELDS 1 a 1"));
            assert_eq!(reply, "-ERR syntax error|", "{options}");
        }
    }
}
