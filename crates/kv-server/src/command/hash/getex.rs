//! `HGETEX key [option] FIELDS numfields field [field ...]`: looks at fields and changes when they go.

use super::expire::{self, from_zero};
use super::field_list::FieldList;
use crate::command::expire_time::End;
use crate::command::prelude::*;

pub(super) const HGETEX: CommandSpec = CommandSpec {
    name: "HGETEX",
    group: Group::Hash,
    summary: "Returns the values of fields of a hash and changes when the fields go.",
    syntax: "HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Differs(
        "Errors in the options have Valkey's words, and a time may be as far away as that of a key.",
    ),
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(hgetex),
};

fn hgetex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let list = FieldList::split(args)?;
    let end = End::parse(list.options)?;
    let fields = list.fields(1)?;
    let missed = txn.hash(key)?.is_none();
    let change = match end {
        End::AsBefore => None,
        End::Never => Some(None),
        End::At(time) => Some(Some(from_zero(
            time.form,
            time.number,
            txn.now(),
            args.spec().name,
        )?)),
    };
    if missed {
        txn.announce(key, event::KEYMISS);
    }
    reply.array(fields.len());
    let before = txn.effects();
    for field in fields {
        match txn.hash(key)?.and_then(|hash| hash.get(field)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
        if let Some(expires) = change {
            txn.hash_expire(key, &[field], expires)?;
        }
    }
    if let Some(expires) = change
        && txn.effects() > before
    {
        expire::announce(txn, key, expires);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn shows_fields_and_moves_their_end() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        assert_eq!(shell.run("HGETEX h FIELDS 2 a x"), "*2|$1|1|$-1|");
        assert_eq!(shell.run("HGETEX h EX 10 FIELDS 1 a"), "*1|$1|1|");
        assert_eq!(shell.run("HTTL h FIELDS 2 a b"), "*2|:10|:-1|");
        assert_eq!(shell.run("HGETEX h PERSIST FIELDS 1 a"), "*1|$1|1|");
        assert_eq!(shell.run("HTTL h FIELDS 1 a"), "*1|:-1|");
        assert_eq!(shell.run("HGETEX h EXAT 1 FIELDS 2 a a"), "*2|$1|1|$-1|");
        assert_eq!(shell.run("HKEYS h"), "*1|$1|b|");
        assert_eq!(
            shell.run("HGETEX none EX -1 FIELDS 1 a"),
            "-ERR invalid expire time in 'hgetex' command|"
        );
        assert_eq!(
            shell.run("HGETEX h EX 1 PERSIST FIELDS 1 b"),
            "-ERR syntax error|"
        );
    }
}
