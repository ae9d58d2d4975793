//! `COMMAND GETKEYS command [argument ...]`, `COMMAND GETKEYSANDFLAGS command [argument ...]`: which words of
//! a request are keys.

use kv_proto::RequestRef;

use super::container::FLAGS;
use super::key_flags;
use crate::command::prelude::*;
use crate::command::table;

pub(super) const GETKEYS: CommandSpec = CommandSpec {
    name: "COMMAND|GETKEYS",
    group: Group::Server,
    summary: "Returns the keys among the words of a command.",
    syntax: "COMMAND GETKEYS command [argument ...]",
    complexity: "O(N) in the number of words",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(getkeys),
};

pub(super) const GETKEYSANDFLAGS: CommandSpec = CommandSpec {
    name: "COMMAND|GETKEYSANDFLAGS",
    group: Group::Server,
    summary: "Returns the keys among the words of a command, each with what happens to it.",
    syntax: "COMMAND GETKEYSANDFLAGS command [argument ...]",
    complexity: "O(N) in the number of words",
    since: "0.1.0",
    compat: Compat::Differs(
        "What happens by some options only is always said, and marked with `variable_flags`.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(getkeysandflags),
};

fn getkeys(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (spec, request) = asked_about(args)?;
    let keys = spec.keys.of(request);
    reply.array(keys.len());
    for key in keys {
        reply.bulk(key);
    }
    Ok(())
}

fn getkeysandflags(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (spec, request) = asked_about(args)?;
    reply.array(spec.keys.of(request).len());
    for part in spec.keys.parts() {
        let flags = key_flags::words(key_flags::actual(spec, request, part.access()));
        for key in part.of(request) {
            reply.array(2);
            reply.bulk(key);
            reply.set(flags.len());
            for flag in &flags {
                reply.simple(flag);
            }
        }
    }
    Ok(())
}

/// The command that the words left in `args` would run, and these words.
fn asked_about(args: Args<'_>) -> Result<(&'static CommandSpec, RequestRef<'_>), CommandError> {
    let request = args.rest_as_request();
    let spec = table::find(request).map_err(|_| CommandError::err("Invalid command specified"))?;
    if let Keys::None = spec.keys {
        return Err(CommandError::err("The command has no key arguments"));
    }
    if !spec.arity.allows(request.len()) {
        return Err(CommandError::err(
            "Invalid number of arguments specified for command",
        ));
    }
    if spec.keys.of(request).len() == 0 && !spec.is_script() {
        return Err(CommandError::err("Invalid arguments specified for command"));
    }
    Ok((spec, request))
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn finds_the_keys() {
        let shell = Shell::new();
        for (line, reply) in [
            ("GET k", "*1|$1|k|"),
            ("set k v EX 10", "*1|$1|k|"),
            ("MSET a 1 b 2", "*2|$1|a|$1|b|"),
            ("MSET a 1 b", "*2|$1|a|$1|b|"),
            ("MSETEX 2 a 1 b 2 EX 10", "*2|$1|a|$1|b|"),
            (
                "MSETEX 5 a 1 b 2",
                "-ERR Invalid arguments specified for command|",
            ),
            ("DEL a a b", "*3|$1|a|$1|a|$1|b|"),
            ("COMMAND COUNT", "-ERR The command has no key arguments|"),
            ("COMMAND", "-ERR The command has no key arguments|"),
            ("COMMAND nosuch", "-ERR Invalid command specified|"),
            ("nosuch k", "-ERR Invalid command specified|"),
            (
                "GET",
                "-ERR Invalid number of arguments specified for command|",
            ),
        ] {
            assert_eq!(
                shell.run(&format!("COMMAND GETKEYS {line}")),
                reply,
                "{line}"
            );
        }
    }

    #[test]
    fn tells_what_happens_to_each() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("COMMAND GETKEYSANDFLAGS MSET a 1 b 2"),
            "*2|*2|$1|a|*2|+OW|+update|*2|$1|b|*2|+OW|+update|"
        );
    }
}
