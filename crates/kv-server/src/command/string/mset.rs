//! `MSET key value [key value ...]`, `MSETNX key value [key value ...]`: set several strings at once.

use kv_core::StringValue;

use crate::command::prelude::*;

pub(super) const MSET: CommandSpec = CommandSpec {
    name: "MSET",
    group: Group::String,
    summary: "Sets the strings at several keys, all at once.",
    syntax: "MSET key value [key value ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::pairs_from(1, Access::UPDATE.union(Access::BLIND)),
    flags: Flags::BOUNDED,
    run: Run::Write(mset),
};

pub(super) const MSETNX: CommandSpec = CommandSpec {
    name: "MSETNX",
    group: Group::String,
    summary: "Sets the strings at several keys, all at once, if none of the keys is there.",
    syntax: "MSETNX key value [key value ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::pairs_from(1, Access::INSERT.union(Access::BLIND)),
    flags: Flags::BOUNDED,
    run: Run::Write(msetnx),
};

fn mset(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    check_pairs(args)?;
    set_all(txn, args)?;
    reply.ok();
    Ok(())
}

fn msetnx(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    check_pairs(args)?;
    let taken = args.rest().step_by(2).any(|key| txn.exists(key));
    if !taken {
        set_all(txn, args)?;
    }
    reply.int(i64::from(!taken));
    Ok(())
}

fn check_pairs(args: Args<'_>) -> Result<(), CommandError> {
    match args.len() % 2 {
        0 => Ok(()),
        _ => Err(args.wrong_arity()),
    }
}

fn set_all(txn: &mut Txn<'_>, mut args: Args<'_>) -> Result<(), CommandError> {
    while args.len() > 0 {
        let key = args.key()?;
        let value = args.bytes()?;
        txn.set_string(key, StringValue::new(value), None);
        txn.announce(key, event::SET);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let shell = Shell::new();
        assert_eq!(shell.run("MSET a 1 b 2 a 3"), "+OK|");
        assert_eq!(shell.run("MGET a b"), "*2|$1|3|$1|2|");
        assert_eq!(shell.run("MSETNX c 1 c 2"), ":1|");
        assert_eq!(shell.run("GET c"), "$1|2|");
    }

    #[test]
    fn a_key_without_a_value_sets_nothing() {
        let shell = Shell::new();
        for name in ["mset", "msetnx"] {
            assert_eq!(
                shell.run(&format!("{name} a 1 b")),
                format!("-ERR wrong number of arguments for '{name}' command|")
            );
        }
        assert_eq!(shell.run("EXISTS a b"), ":0|");
    }

    #[test]
    fn msetnx_sets_all_or_nothing() {
        let shell = Shell::new();
        shell.run("SET a 1");
        assert_eq!(shell.run("MSETNX b 2 a 3"), ":0|");
        assert_eq!(shell.run("MGET a b"), "*2|$1|1|$-1|");
    }

    #[test]
    fn mset_clears_expiries() {
        let shell = Shell::new();
        shell.run("SET a 1 EX 10");
        shell.run("MSET a 2");
        assert_eq!(shell.run("TTL a"), ":-1|");
    }
}
