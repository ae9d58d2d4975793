//! `SCRIPT`: the scripts that the server knows, and the one that runs.

use super::eval::{FLAGS, machine};
use crate::command::help::help;
use crate::command::prelude::*;
use crate::script::running::Kind;
use crate::session::SessionCx;

pub(super) const SCRIPT: CommandSpec = CommandSpec {
    name: "SCRIPT",
    group: Group::Scripting,
    summary: "Holds the commands about scripts.",
    syntax: "SCRIPT subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[DEBUG, EXISTS, FLUSH, HELP, KILL, LOAD, SHOW],
    },
};

const DEBUG: CommandSpec = CommandSpec {
    name: "SCRIPT|DEBUG",
    group: Group::Scripting,
    summary: "Says that the scripts of this connection are not to be debugged.",
    syntax: "SCRIPT DEBUG <YES | SYNC | NO>",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("There is no debugger: YES and SYNC are refused."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT,
    run: Run::Pure(debug),
};

pub(super) const EXISTS: CommandSpec = CommandSpec {
    name: "SCRIPT|EXISTS",
    group: Group::Scripting,
    summary: "Tells which scripts the server knows.",
    syntax: "SCRIPT EXISTS sha1 [sha1 ...]",
    complexity: "O(N) in the number of scripts asked for",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Session(exists),
};

pub(super) const FLUSH: CommandSpec = CommandSpec {
    name: "SCRIPT|FLUSH",
    group: Group::Scripting,
    summary: "Forgets all scripts.",
    syntax: "SCRIPT FLUSH [ASYNC | SYNC]",
    complexity: "O(N) in the number of scripts",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Session(flush),
};

pub(super) const HELP: CommandSpec = CommandSpec {
    name: "SCRIPT|HELP",
    group: Group::Scripting,
    summary: "Lists the subcommands.",
    syntax: "SCRIPT HELP",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("The texts are this server's own."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

pub(super) const KILL: CommandSpec = CommandSpec {
    name: "SCRIPT|KILL",
    group: Group::Scripting,
    summary: "Ends the script that runs for too long, if it has written nothing.",
    syntax: "SCRIPT KILL",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT.union(Flags::ALLOW_BUSY),
    run: Run::Session(kill),
};

pub(super) const LOAD: CommandSpec = CommandSpec {
    name: "SCRIPT|LOAD",
    group: Group::Scripting,
    summary: "Lets the server know a script, without running it.",
    syntax: "SCRIPT LOAD script",
    complexity: "O(N) in the length of the script",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Session(load),
};

pub(super) const SHOW: CommandSpec = CommandSpec {
    name: "SCRIPT|SHOW",
    group: Group::Scripting,
    summary: "Returns a script that the server knows.",
    syntax: "SCRIPT SHOW sha1",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("Valkey's; Redis does not have it."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Session(show),
};

fn debug(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.eat(b"NO") {
        reply.ok();
        return Ok(());
    }
    Err(CommandError::err(
        match args.eat(b"YES") || args.eat(b"SYNC") {
            true => "there is no debugger for scripts",
            false => "Use SCRIPT DEBUG YES/SYNC/NO",
        },
    ))
}

fn exists(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let machine = machine(cx);
    reply.array(args.rest().len());
    for digest in args.rest() {
        reply.int(i64::from(machine.has(digest)));
    }
    Ok(())
}

fn flush(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let _ = args.eat(b"ASYNC") || args.eat(b"SYNC");
    if args.finish().is_err() {
        return Err(CommandError::err(
            "SCRIPT FLUSH only support SYNC|ASYNC option",
        ));
    }
    machine(cx).forget_all(cx.server)?;
    reply.ok();
    Ok(())
}

fn kill(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.server.scripts.running.kill(Kind::Script)?;
    reply.ok();
    Ok(())
}

fn load(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let digest = machine(cx).load(cx.server, args.bytes()?)?;
    reply.bulk(digest.as_bytes());
    Ok(())
}

fn show(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let source = machine(cx).source(args.bytes()?)?;
    reply.bulk(&source);
    Ok(())
}
