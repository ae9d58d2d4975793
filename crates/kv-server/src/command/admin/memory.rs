//! `MEMORY`: what keys and the server take.

use kv_core::ValueRef;

use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const MEMORY: CommandSpec = CommandSpec {
    name: "MEMORY",
    group: Group::Server,
    summary: "Holds the commands about memory.",
    syntax: "MEMORY subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Differs("There are no figures of an allocator."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[DOCTOR, HELP, MALLOC_STATS, PURGE, STATS, USAGE],
    },
};

const DOCTOR: CommandSpec = CommandSpec {
    name: "MEMORY|DOCTOR",
    group: Group::Server,
    summary: "Says in words what is known of the server's memory.",
    syntax: "MEMORY DOCTOR",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The text is another one."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Server(|cx, _, reply| {
        let text = format!("The data takes about {} bytes.", cx.memory_used());
        reply.verbatim("txt", text.as_bytes());
        Ok(())
    }),
};

const HELP: CommandSpec = CommandSpec {
    name: "MEMORY|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of MEMORY.",
    syntax: "MEMORY HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const MALLOC_STATS: CommandSpec = CommandSpec {
    name: "MEMORY|MALLOC-STATS",
    group: Group::Server,
    summary: "Would return figures of the allocator, which keeps none.",
    syntax: "MEMORY MALLOC-STATS",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("There are none, as in a Redis without jemalloc."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Pure(|_, reply| {
        reply.bulk(b"Stats not supported for the current allocator");
        Ok(())
    }),
};

const PURGE: CommandSpec = CommandSpec {
    name: "MEMORY|PURGE",
    group: Group::Server,
    summary: "Would give free memory back, which the allocator does by itself.",
    syntax: "MEMORY PURGE",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("It does nothing, as in a Redis without jemalloc."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Pure(|_, reply| {
        reply.ok();
        Ok(())
    }),
};

const STATS: CommandSpec = CommandSpec {
    name: "MEMORY|STATS",
    group: Group::Server,
    summary: "Returns what the data takes.",
    syntax: "MEMORY STATS",
    complexity: "O(N) where N is the number of databases",
    since: "0.1.0",
    compat: Compat::Differs("Of Redis' figures there are those that mean something here."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Server(stats),
};

const USAGE: CommandSpec = CommandSpec {
    name: "MEMORY|USAGE",
    group: Group::Server,
    summary: "Returns about how many bytes a key and its value take.",
    syntax: "MEMORY USAGE key [SAMPLES count]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("Sizes are our own; they are known, so that nothing is sampled."),
    arity: Arity::at_least(3),
    keys: Keys::one(2, Access::NONE),
    flags: Flags::NONE,
    run: Run::Read(usage),
};

/// What an entry takes besides its key and value, in bytes: its header, and its place in the table.
const ENTRY_BYTES: usize = 32;

fn stats(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    let used = cx.memory_used();
    let keys: u64 = (0..cx.server.engine.databases())
        .map(|db| cx.keyspace(kv_core::Db(db)).keys)
        .sum();
    let keys = usize::try_from(keys).unwrap_or(usize::MAX);
    let figures = [
        ("total.allocated", used),
        ("dataset.bytes", used),
        ("keys.count", keys),
        ("keys.bytes-per-key", used.checked_div(keys).unwrap_or(0)),
    ];
    reply.map(figures.len());
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        super::number(figure, reply);
    }
    Ok(())
}

fn usage(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.eat(b"SAMPLES") && args.int()? < 0 {
        return Err(CommandError::SYNTAX);
    }
    args.finish()?;
    match view.value(key) {
        Some(value) => super::number(ENTRY_BYTES + key.len() + value_bytes(value), reply),
        None => reply.null(),
    }
    Ok(())
}

fn value_bytes(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::String(string) => string.len(),
        ValueRef::List(list) => list.heap_bytes(),
        ValueRef::Hash(hash) => hash.heap_bytes(),
        ValueRef::Set(set) => set.heap_bytes(),
        ValueRef::ZSet(zset) => zset.heap_bytes(),
        ValueRef::Stream(stream) => stream.heap_bytes(),
        // Kinds that are yet to come.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_larger_value_takes_more() {
        let shell = Shell::new();
        assert_eq!(shell.run("MEMORY USAGE none"), "$-1|");
        let usage = |key: &str| -> usize {
            let reply = shell.run(&format!("MEMORY USAGE {key} SAMPLES 0"));
            reply.trim_matches([':', '|']).parse().unwrap()
        };
        shell.run("SET s x");
        shell.run(&format!("SET t {}", "x".repeat(1000)));
        assert!(usage("s") > 0 && usage("t") >= usage("s") + 999);
        for line in [
            "RPUSH l a",
            "HSET h f v",
            "SADD u a",
            "ZADD z 1 a",
            "XADD x * f v",
        ] {
            shell.run(line);
        }
        assert!(["l", "h", "u", "z", "x"].iter().all(|key| usage(key) > 0));
        assert_eq!(
            shell.run("MEMORY USAGE s SAMPLES x"),
            "-ERR value is not an integer or out of range|"
        );
        assert_eq!(shell.run("MEMORY USAGE s SAMPLES -1"), "-ERR syntax error|");
    }
}
