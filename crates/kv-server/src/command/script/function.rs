//! `FUNCTION`: the libraries of functions.

use kv_core::UnixMillis;

use super::eval::machine;
use super::{function_payload, function_running};
use crate::command::glob;
use crate::command::prelude::*;
use crate::engine::transaction::Hold;
use crate::script::function::code::ENGINE;
use crate::script::function::{Described, Library};
use crate::session::SessionCx;

pub(super) const FUNCTION: CommandSpec = CommandSpec {
    name: "FUNCTION",
    group: Group::Scripting,
    summary: "Holds the commands about libraries of functions.",
    syntax: "FUNCTION subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[
            DELETE,
            function_payload::DUMP,
            FLUSH,
            function_running::HELP,
            function_running::KILL,
            LIST,
            LOAD,
            function_payload::RESTORE,
            function_running::STATS,
        ],
    },
};

/// The flags of what works on libraries: it runs where their interpreter is.
pub(super) const FLAGS: Flags = Flags::NO_SCRIPT.union(Flags::APART);

const DELETE: CommandSpec = CommandSpec {
    name: "FUNCTION|DELETE",
    group: Group::Scripting,
    summary: "Deletes a library and its functions.",
    syntax: "FUNCTION DELETE library-name",
    complexity: "O(N) in the number of its functions",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: FLAGS.union(Flags::NEVER_GROWS),
    run: Run::Library {
        changes: true,
        run: delete,
    },
};

const FLUSH: CommandSpec = CommandSpec {
    name: "FUNCTION|FLUSH",
    group: Group::Scripting,
    summary: "Deletes all libraries.",
    syntax: "FUNCTION FLUSH [ASYNC | SYNC]",
    complexity: "O(N) in the number of functions",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS.union(Flags::NEVER_GROWS),
    run: Run::Library {
        changes: true,
        run: flush,
    },
};

const LIST: CommandSpec = CommandSpec {
    name: "FUNCTION|LIST",
    group: Group::Scripting,
    summary: "Lists the libraries and their functions.",
    syntax: "FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]",
    complexity: "O(N) in the number of functions",
    since: "0.2.0",
    compat: Compat::Differs("Libraries come in the order of their names."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Library {
        changes: false,
        run: list,
    },
};

const LOAD: CommandSpec = CommandSpec {
    name: "FUNCTION|LOAD",
    group: Group::Scripting,
    summary: "Adds a library of functions.",
    syntax: "FUNCTION LOAD [REPLACE] function-code",
    complexity: "O(N) in the length of the code",
    since: "0.2.0",
    compat: Compat::Differs(
        "Two functions of a library may not have names that differ by case alone.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Library {
        changes: true,
        run: load,
    },
};

/// The subcommand has options that it has not.
pub(super) fn wrong_words(args: &Args<'_>) -> CommandError {
    let name = String::from_utf8_lossy(args.request().arg(1));
    CommandError::err(format!(
        "unknown subcommand or wrong number of arguments for '{name}'. Try FUNCTION HELP."
    ))
}

fn delete(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let name = args.bytes()?;
    if !machine(cx).remove_library(cx.server, hold.txn(), name)? {
        return Err(CommandError::err("Library not found"));
    }
    reply.ok();
    Ok(())
}

fn flush(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    if args.len() > 1 {
        return Err(wrong_words(&args));
    }
    if !args.eat(b"ASYNC") && !args.eat(b"SYNC") && args.len() > 0 {
        return Err(CommandError::err(
            "FUNCTION FLUSH only supports SYNC|ASYNC option",
        ));
    }
    machine(cx).remove_libraries(cx.server, hold.txn())?;
    reply.ok();
    Ok(())
}

fn load(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let mut replaces = false;
    while args.len() > 1 {
        if !args.eat(b"REPLACE") {
            let option = args.bytes()?;
            return Err(CommandError::about("Unknown option given:", option));
        }
        replaces = true;
    }
    let code = args.bytes()?;
    let name = machine(cx).add_library(cx.server, hold.txn(), code, replaces)?;
    reply.bulk(&name);
    Ok(())
}

fn list(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let (mut pattern, mut with_code) = (None, false);
    while args.len() > 0 {
        if !with_code && args.eat(b"WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.eat(b"LIBRARYNAME") {
            let none = CommandError::err("library name argument was not given");
            pattern = Some(args.bytes().map_err(|_| none)?);
        } else {
            return Err(CommandError::about("Unknown argument", args.bytes()?));
        }
    }
    let machine = machine(cx);
    machine.settle(cx.server, hold.view());
    machine.show_libraries(|all| {
        let is_asked_for = |name: &[u8]| pattern.is_none_or(|pattern| glob::matches(pattern, name));
        let asked = all.iter().filter(|(name, _)| is_asked_for(name));
        let asked: Vec<_> = asked.collect();
        reply.array(asked.len());
        for (name, library) in asked {
            tell_library(name, library, with_code, reply);
        }
    });
    Ok(())
}

fn tell_library(name: &[u8], library: &Library, with_code: bool, reply: &mut Reply<'_>) {
    reply.map(3 + usize::from(with_code));
    reply.bulk(b"library_name");
    reply.bulk(name);
    reply.bulk(b"engine");
    reply.bulk(ENGINE.as_bytes());
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        tell_function(function, reply);
    }
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.code);
    }
}

fn tell_function(function: &Described, reply: &mut Reply<'_>) {
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(&function.name);
    reply.bulk(b"description");
    match &function.description {
        Some(description) => reply.bulk(description),
        None => reply.null(),
    }
    reply.bulk(b"flags");
    reply.set(function.flags().count());
    for flag in function.flags() {
        reply.simple(flag);
    }
}
