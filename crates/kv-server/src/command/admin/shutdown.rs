//! `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: stops the server.

use super::save::begin;
use crate::command::prelude::*;
use crate::exit::Exit;
use crate::session::SessionCx;
use crate::session::later::Later;

pub(super) const SHUTDOWN: CommandSpec = CommandSpec {
    name: "SHUTDOWN",
    group: Group::Server,
    summary: "Stops the server after it has finished what is in flight.",
    syntax: "SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "The log has every change already: without SAVE no snapshot is made, with it the server stops when it is \
         done and goes on if it fails. There is nothing that NOW or FORCE could skip or ABORT could still \
         stop.",
    ),
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: SHUTDOWN_FLAGS,
    run: Run::Session(shutdown),
};

const SHUTDOWN_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_MULTI)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::ALLOW_BUSY);

/// What the words of a request say.
#[derive(Default)]
struct Options {
    save: bool,
    nosave: bool,
    abort: bool,
    /// Whether there is any other word than `ABORT`.
    others: bool,
}

/// Answers nothing: the end of the connection tells the client that the server stops.
fn shutdown(cx: &mut SessionCx<'_>, args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    let options = options(args)?;
    if options.abort {
        return Err(CommandError::err("No shutdown in progress."));
    }
    if options.save {
        cx.state.later = Some(Later::Snapshot(begin(cx.server, true)?));
        return Ok(());
    }
    tracing::info!(
        client = cx.state.client.id,
        "stopping: a client asked for it"
    );
    cx.server.shutdown.ask(Exit::Stopped);
    cx.state.ending = true;
    Ok(())
}

fn options(mut args: Args<'_>) -> Result<Options, CommandError> {
    let mut options = Options::default();
    while args.peek().is_some() {
        if args.eat(b"ABORT") {
            options.abort = true;
            continue;
        }
        options.others = true;
        if args.eat(b"SAVE") {
            options.save = true;
        } else if args.eat(b"NOSAVE") {
            options.nosave = true;
        } else if !args.eat(b"NOW") && !args.eat(b"FORCE") {
            return Err(CommandError::SYNTAX);
        }
    }
    if (options.save && options.nosave) || (options.abort && options.others) {
        return Err(CommandError::SYNTAX);
    }
    Ok(options)
}
