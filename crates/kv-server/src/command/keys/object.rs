//! `OBJECT`: how a key's value is kept.

use kv_core::{Uses, ValueRef};

use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const OBJECT: CommandSpec = CommandSpec {
    name: "OBJECT",
    group: Group::Keys,
    summary: "Holds the commands about how values are kept.",
    syntax: "OBJECT subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[ENCODING, FREQ, HELP, IDLETIME, REFCOUNT],
    },
};

const ENCODING: CommandSpec = CommandSpec {
    name: "OBJECT|ENCODING",
    group: Group::Keys,
    summary: "Returns the word for how the value of a key is kept.",
    syntax: "OBJECT ENCODING key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "A whole number is an `int` also when INCRBYFLOAT made it; a hash with a field that expires is a `hashtable`, as \
         in Valkey, where Redis says `listpackex` of a small one.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::NONE),
    flags: Flags::NONE,
    run: Run::Read(encoding),
};

const FREQ: CommandSpec = CommandSpec {
    name: "OBJECT|FREQ",
    group: Group::Keys,
    summary: "Returns how often a key is used, on a logarithmic scale, where `maxmemory-policy` asks for that.",
    syntax: "OBJECT FREQ key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::NONE),
    flags: Flags::NONE,
    run: Run::Read(freq),
};

const HELP: CommandSpec = CommandSpec {
    name: "OBJECT|HELP",
    group: Group::Keys,
    summary: "Returns what the subcommands are.",
    syntax: "OBJECT HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const IDLETIME: CommandSpec = CommandSpec {
    name: "OBJECT|IDLETIME",
    group: Group::Keys,
    summary: "Returns how many seconds a key has not been used.",
    syntax: "OBJECT IDLETIME key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "It comes round after 48 days; after a restart all keys count as used at the start.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::NONE),
    flags: Flags::NONE,
    run: Run::Read(idletime),
};

const REFCOUNT: CommandSpec = CommandSpec {
    name: "OBJECT|REFCOUNT",
    group: Group::Keys,
    summary: "Returns how many keys share the value of a key: 1.",
    syntax: "OBJECT REFCOUNT key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::NONE),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| {
        look(view, args, reply, |_, reply| {
            reply.int(1);
            Ok(())
        })
    }),
};

fn encoding(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match view.encoding(key) {
        Some(encoding) => reply.bulk(encoding.as_bytes()),
        None => reply.null(),
    }
    Ok(())
}

/// Shows something of the value at the key; nothing where there is none.
fn look(
    view: &mut View<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
    show: impl FnOnce(ValueRef<'_>, &mut Reply<'_>) -> Outcome,
) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match view.peek(key) {
        Some(value) => show(value, reply),
        None => {
            reply.null();
            Ok(())
        }
    }
}

fn freq(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match (view.frequency(key), view.remembered()) {
        (None, _) => reply.null(),
        (Some(frequency), Uses::Frequency) => reply.int(frequency.into()),
        (Some(_), Uses::Recency) => {
            return Err(CommandError::err(
                "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                 switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
    }
    Ok(())
}

fn idletime(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match (view.idle_s(key), view.remembered()) {
        (None, _) => reply.null(),
        (Some(idle_s), Uses::Recency) => reply.int(idle_s.into()),
        (Some(_), Uses::Frequency) => {
            return Err(CommandError::err(
                "An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
                 policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn strings_are_told_apart_by_what_they_hold() {
        let shell = Shell::new();
        let (short, long) = ("x".repeat(44), "x".repeat(45));
        for (value, encoding) in [
            ("17", "int"),
            ("017", "embstr"),
            (&short, "embstr"),
            (&long, "raw"),
        ] {
            shell.run(&format!("SET k {value}"));
            let length = encoding.len();
            assert_eq!(
                shell.run("OBJECT ENCODING k"),
                format!("${length}|{encoding}|")
            );
        }
        assert_eq!(shell.run("OBJECT ENCODING none"), "$-1|");
        assert_eq!(shell.run("OBJECT REFCOUNT k"), ":1|");
        for edit in ["APPEND k 2", "SETRANGE k 0 2", "SETBIT k 7 0"] {
            shell.run("SET k 1");
            shell.run(edit);
            assert_eq!(shell.run("OBJECT ENCODING k"), "$3|raw|");
            shell.run("COPY k l");
            assert_eq!(shell.run("OBJECT ENCODING l"), "$3|raw|");
            shell.run("INCR k");
            assert_eq!(shell.run("OBJECT ENCODING k"), "$3|int|");
        }
    }
}
