//! `COMMANDLOG`: the requests that stood out, as of late: that took long, that were large, that had large
//! replies.

use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;
use crate::meter::journal::Journal;

pub(super) const COMMANDLOG: CommandSpec = CommandSpec {
    name: "COMMANDLOG",
    group: Group::Server,
    summary: "Holds the commands about requests that stood out.",
    syntax: "COMMANDLOG subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[GET, HELP, LEN, RESET],
    },
};

const COMMANDLOG_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const GET: CommandSpec = CommandSpec {
    name: "COMMANDLOG|GET",
    group: Group::Server,
    summary: "Returns the latest requests that stood out, the newest first.",
    syntax: "COMMANDLOG GET count <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    complexity: "O(N) where N is the number of requests returned",
    since: "0.1.0",
    compat: Compat::Differs("The size of a request is that of its words."),
    arity: Arity::exactly(4),
    keys: Keys::None,
    flags: COMMANDLOG_FLAGS,
    run: Run::Server(get),
};

const HELP: CommandSpec = CommandSpec {
    name: "COMMANDLOG|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of COMMANDLOG.",
    syntax: "COMMANDLOG HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const LEN: CommandSpec = CommandSpec {
    name: "COMMANDLOG|LEN",
    group: Group::Server,
    summary: "Returns how many requests that stood out are kept.",
    syntax: "COMMANDLOG LEN <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: COMMANDLOG_FLAGS,
    run: Run::Server(|cx, args, reply| {
        super::number(journal(cx, args)?.len(), reply);
        Ok(())
    }),
};

const RESET: CommandSpec = CommandSpec {
    name: "COMMANDLOG|RESET",
    group: Group::Server,
    summary: "Forgets the requests that stood out.",
    syntax: "COMMANDLOG RESET <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    complexity: "O(N) where N is the number of requests kept",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: COMMANDLOG_FLAGS,
    run: Run::Server(|cx, args, reply| {
        journal(cx, args)?.reset();
        reply.ok();
        Ok(())
    }),
};

fn get(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let count = count(&mut args)?;
    show(journal(cx, args)?, count, reply);
    Ok(())
}

/// The next word, as how many are wanted; -1 is all of them.
pub(super) fn count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    let count = match args.int() {
        Ok(-1) => Some(usize::MAX),
        Ok(count) => usize::try_from(count).ok(),
        Err(_) => None,
    };
    count.ok_or_else(|| CommandError::err("count should be greater than or equal to -1"))
}

/// The journal that the last word names.
fn journal<'s>(cx: &ServerCx<'s>, mut args: Args<'_>) -> Result<&'s Journal, CommandError> {
    let journals = &cx.server.journals;
    let journal = if args.eat(b"SLOW") {
        &journals.slow
    } else if args.eat(b"LARGE-REQUEST") {
        &journals.large_request
    } else if args.eat(b"LARGE-REPLY") {
        &journals.large_reply
    } else {
        return Err(CommandError::err(
            "type should be one of the following: slow, large-request, large-reply",
        ));
    };
    args.finish()?;
    Ok(journal)
}

/// Shows the newest `count`.
pub(super) fn show(journal: &Journal, count: usize, reply: &mut Reply<'_>) {
    let entries = journal.newest(count);
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.int(integer(entry.id));
        reply.int(entry.time_s);
        reply.int(integer(entry.measure));
        reply.array(entry.words.len());
        entry.words.iter().for_each(|word| reply.bulk(word));
        reply.bulk(entry.peer.as_bytes());
        reply.bulk(&entry.name);
    }
}
