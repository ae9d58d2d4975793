//! `PERSIST key`: lets a key stay for good.

use kv_core::Expiry;

use crate::command::expire_time;
use crate::command::prelude::*;

pub(super) const PERSIST: CommandSpec = CommandSpec {
    name: "PERSIST",
    group: Group::Keys,
    summary: "Lets a key that would expire stay for good.",
    syntax: "PERSIST key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(persist),
};

fn persist(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let changed = matches!(txn.expiry(key), Expiry::At(_)) && expire_time::change(txn, key, None);
    reply.int(i64::from(changed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn only_what_would_expire_changes() {
        let shell = Shell::new();
        assert_eq!(shell.run("PERSIST k"), ":0|");
        shell.run("SET k v PX 10");
        assert_eq!(shell.run("PERSIST k"), ":1|");
        assert_eq!(shell.run("PERSIST k"), ":0|");
        shell.advance(10);
        assert_eq!(shell.run("GET k"), "$1|v|");
    }
}
