//! `HGETDEL key FIELDS numfields field [field ...]`: takes fields.

use super::field_list::FieldList;
use crate::command::prelude::*;

pub(super) const HGETDEL: CommandSpec = CommandSpec {
    name: "HGETDEL",
    group: Group::Hash,
    summary: "Returns the values of fields of a hash, then removes the fields.",
    syntax: "HGETDEL key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Differs("Errors in the syntax have Valkey's words."),
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(hgetdel),
};

fn hgetdel(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let fields = FieldList::eat(args)?.fields(1)?;
    txn.hash(key)?;
    reply.array(fields.len());
    let mut removed = 0;
    for field in fields {
        match txn.hash(key)?.and_then(|hash| hash.get(field)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
        // At once: a field that is named twice is gone the second time.
        removed += txn.hash_delete(key, &[field])?;
    }
    if removed > 0 {
        event::announce_removal(txn, key, event::HDEL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn what_is_taken_is_gone() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        assert_eq!(shell.run("HGETDEL h FIELDS 3 a a x"), "*3|$1|1|$-1|$-1|");
        assert_eq!(shell.run("HGETDEL h FIELDS 1 b"), "*1|$1|2|");
        assert_eq!(shell.run("EXISTS h"), ":0|");
        assert_eq!(shell.run("HGETDEL h FIELDS 1 b"), "*1|$-1|");
    }
}
