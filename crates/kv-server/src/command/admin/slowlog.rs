//! `SLOWLOG`: the requests that took longest, as of late.

use super::commandlog::{count, show};
use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const SLOWLOG: CommandSpec = CommandSpec {
    name: "SLOWLOG",
    group: Group::Server,
    summary: "Holds the commands about requests that took long.",
    syntax: "SLOWLOG subcommand [argument ...]",
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

const SLOWLOG_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const GET: CommandSpec = CommandSpec {
    name: "SLOWLOG|GET",
    group: Group::Server,
    summary: "Returns the latest requests that took long, the newest first.",
    syntax: "SLOWLOG GET [count]",
    complexity: "O(N) where N is the number of requests returned",
    since: "0.1.0",
    compat: Compat::Differs(
        "Times of requests that came many at a time are exact to a few milliseconds, unless the threshold is \
         lower than that.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: SLOWLOG_FLAGS,
    run: Run::Server(get),
};

const HELP: CommandSpec = CommandSpec {
    name: "SLOWLOG|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of SLOWLOG.",
    syntax: "SLOWLOG HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const LEN: CommandSpec = CommandSpec {
    name: "SLOWLOG|LEN",
    group: Group::Server,
    summary: "Returns how many requests that took long are kept.",
    syntax: "SLOWLOG LEN",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: SLOWLOG_FLAGS,
    run: Run::Server(|cx, _, reply| {
        super::number(cx.server.journals.slow.len(), reply);
        Ok(())
    }),
};

const RESET: CommandSpec = CommandSpec {
    name: "SLOWLOG|RESET",
    group: Group::Server,
    summary: "Forgets the requests that took long.",
    syntax: "SLOWLOG RESET",
    complexity: "O(N) where N is the number of requests kept",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: SLOWLOG_FLAGS,
    run: Run::Server(|cx, _, reply| {
        cx.server.journals.slow.reset();
        reply.ok();
        Ok(())
    }),
};

/// How many are returned when nothing is said.
const COUNT_DEFAULT: usize = 10;

fn get(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let count = match args.peek() {
        Some(_) => count(&mut args)?,
        None => COUNT_DEFAULT,
    };
    args.finish()?;
    show(&cx.server.journals.slow, count, reply);
    Ok(())
}
