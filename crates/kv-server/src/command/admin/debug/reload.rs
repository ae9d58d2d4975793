//! `DEBUG RELOAD` and `DEBUG LOADAOF`: whether all that is there could be read back.
//!
//! Everything is written down as the effects that a snapshot would hold, and made again from those in a second
//! store, which is then compared and thrown away. What is served stays as it is.

use kv_core::{At, Effect, KeySet, MemoryOptions, MemoryStore, Store as _};

use super::digest;
use crate::command::prelude::*;

pub(super) const LOADAOF: CommandSpec = CommandSpec {
    name: "DEBUG|LOADAOF",
    group: Group::Server,
    summary: "The same as DEBUG RELOAD.",
    syntax: "DEBUG LOADAOF",
    complexity: RELOAD.complexity,
    since: "0.1.0",
    compat: RELOAD.compat,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: RELOAD.flags,
    run: Run::Read(reload),
};

pub(super) const RELOAD: CommandSpec = CommandSpec {
    name: "DEBUG|RELOAD",
    group: Group::Server,
    summary: "Makes everything again from what a snapshot would hold, and says whether it is the same.",
    syntax: "DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
    complexity: "O(N) where N is the size of all data",
    since: "0.1.0",
    compat: Compat::Differs(
        "What was made again is compared and thrown away; it needs as much memory as the data.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS.union(Flags::WHOLE_KEYSPACE),
    run: Run::Read(reload),
};

fn reload(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (mut keeps, mut merges) = (false, false);
    loop {
        if args.eat(b"NOFLUSH") {
            keeps = true;
        } else if args.eat(b"MERGE") {
            merges = true;
        } else if !args.eat(b"NOSAVE") {
            break;
        }
    }
    args.finish()?;
    let libraries = view.libraries();
    if keeps && !merges && !libraries.is_empty() {
        // What is there would be in the way of the same again.
        return Err(CommandError::err(
            "Error trying to load the RDB, check server logs.",
        ));
    }
    let again = MemoryStore::new(MemoryOptions {
        databases: view.databases(),
        ..MemoryOptions::default()
    });
    let mut expected = digest::Digest::default();
    super::for_each(view, &mut |item| {
        expected.add_item(item);
        item.for_each_effect(&mut |effect| again.apply(effect));
    });
    for (name, code) in &*libraries {
        let code = Some(&**code);
        again.apply(&Effect::SetLibrary { name, code });
    }
    let at = At {
        db: view.db(),
        now: view.now(),
    };
    let (found, _) = again.read_with(at, KeySet::All, digest::of_everything);
    if found != expected || again.libraries() != libraries {
        return Err(CommandError::err(
            "what was made again is not what is there",
        ));
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn every_kind_can_be_made_again() {
        let shell = Shell::new();
        for line in [
            "SET s v EX 100",
            "SET n 17",
            "RPUSH l a b c",
            "SADD t 1 2 3",
            "ZADD z 1 a 2.5 b",
            "HSET h f v g w",
            "HEXPIRE h 100 FIELDS 1 f",
        ] {
            shell.run(line);
        }
        assert_eq!(shell.run("DEBUG RELOAD"), "+OK|");
        assert_eq!(shell.run("DEBUG RELOAD NOSAVE"), "+OK|");
        assert_eq!(shell.run("DEBUG LOADAOF"), "+OK|");
        assert_eq!(shell.run("DEBUG RELOAD NOW"), "-ERR syntax error|");
    }
}
