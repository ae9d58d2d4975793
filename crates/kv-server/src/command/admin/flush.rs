//! `FLUSHDB` and `FLUSHALL`: delete every key.

use crate::command::prelude::*;

pub(super) const FLUSHALL: CommandSpec = CommandSpec {
    name: "FLUSHALL",
    group: Group::Server,
    summary: "Deletes every key of every database.",
    syntax: "FLUSHALL [ASYNC | SYNC]",
    complexity: "O(N) where N is the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: FLUSH_FLAGS,
    run: Run::Write(flushall),
};

pub(super) const FLUSHDB: CommandSpec = CommandSpec {
    name: "FLUSHDB",
    group: Group::Server,
    summary: "Deletes every key of the database.",
    syntax: "FLUSHDB [ASYNC | SYNC]",
    complexity: "O(N) where N is the number of keys of the database",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: FLUSH_FLAGS,
    run: Run::Write(flushdb),
};

const FLUSH_FLAGS: Flags = Flags::WHOLE_KEYSPACE
    .union(Flags::NEVER_GROWS)
    .union(Flags::DANGEROUS);

fn flushall(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    eat_mode(args)?;
    txn.flush_all();
    reply.ok();
    Ok(())
}

fn flushdb(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    eat_mode(args)?;
    txn.flush_db();
    reply.ok();
    Ok(())
}

/// Both modes are the same to a client: the keys are gone when the reply comes.
fn eat_mode(mut args: Args<'_>) -> Outcome {
    let _ = args.eat(b"ASYNC") || args.eat(b"SYNC");
    args.finish()
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn every_key_goes_or_none() {
        let shell = Shell::new();
        shell.run("SET a 1");
        assert_eq!(shell.run("FLUSHDB NOW"), "-ERR syntax error|");
        assert_eq!(shell.run("GET a"), "$1|1|");
        assert_eq!(shell.run("FLUSHDB async"), "+OK|");
        assert_eq!(shell.run("GET a"), "$-1|");
        shell.run("SET a 1");
        assert_eq!(shell.run("FLUSHALL"), "+OK|");
        assert_eq!(shell.run("GET a"), "$-1|");
    }
}
