//! `XGROUP`: makes, moves and ends consumer groups.

use kv_core::{StreamChange, StreamId};

use super::delivery::Recipient;
use super::id::{parse, strict};
use super::show;
use crate::command::error::shown;
use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const XGROUP: CommandSpec = CommandSpec {
    name: "XGROUP",
    group: Group::Stream,
    summary: "Holds the commands about consumer groups.",
    syntax: "XGROUP subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[CREATE, CREATECONSUMER, DELCONSUMER, DESTROY, HELP, SETID],
    },
};

const CREATE: CommandSpec = CommandSpec {
    name: "XGROUP|CREATE",
    group: Group::Stream,
    summary: "Makes a consumer group, which is given entries from a place of the stream on.",
    syntax: "XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "Of a stream that is made here ENTRIESREAD is believed, as in Valkey; Redis takes 0.",
    ),
    arity: Arity::at_least(5),
    keys: Keys::one(2, Access::INSERT),
    flags: Flags::NONE,
    run: Run::Write(create),
};

const CREATECONSUMER: CommandSpec = CommandSpec {
    name: "XGROUP|CREATECONSUMER",
    group: Group::Stream,
    summary: "Makes a consumer of a group; whether it is new.",
    syntax: "XGROUP CREATECONSUMER key group consumer",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(5),
    keys: Keys::one(2, Access::INSERT),
    flags: Flags::NONE,
    run: Run::Write(create_consumer),
};

const DELCONSUMER: CommandSpec = CommandSpec {
    name: "XGROUP|DELCONSUMER",
    group: Group::Stream,
    summary: "Ends a consumer of a group and returns how many entries were pending for it.",
    syntax: "XGROUP DELCONSUMER key group consumer",
    complexity: "O(N) in the number of entries pending for it",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(5),
    keys: Keys::one(2, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(delete_consumer),
};

const DESTROY: CommandSpec = CommandSpec {
    name: "XGROUP|DESTROY",
    group: Group::Stream,
    summary: "Ends a consumer group; whether it was there.",
    syntax: "XGROUP DESTROY key group",
    complexity: "O(N) in the number of its pending entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(2, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(destroy),
};

const HELP: CommandSpec = CommandSpec {
    name: "XGROUP|HELP",
    group: Group::Stream,
    summary: "Lists the subcommands of XGROUP.",
    syntax: "XGROUP HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const SETID: CommandSpec = CommandSpec {
    name: "XGROUP|SETID",
    group: Group::Stream,
    summary: "Moves a group to another place of the stream.",
    syntax: "XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::one(2, Access::UPDATE),
    flags: Flags::NONE,
    run: Run::Write(set_id),
};

const NO_KEY: CommandError = CommandError::fixed(
    "ERR",
    "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
     to create an empty stream automatically.",
);

/// What stands behind the ID.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    makes_stream: bool,
    read: Option<u64>,
}

impl Options {
    fn parse(mut args: Args<'_>, subcommand: &str) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if subcommand == "CREATE" && args.eat(b"MKSTREAM") {
                options.makes_stream = true;
            } else if args.len() > 1 && args.eat(b"ENTRIESREAD") {
                options.read = match args.int()? {
                    -1 => None,
                    number => Some(u64::try_from(number).map_err(|_| {
                        CommandError::err("value for ENTRIESREAD must be positive or -1")
                    })?),
                };
            } else {
                return Err(CommandError::err(format!(
                    "unknown subcommand or wrong number of arguments for '{subcommand}'. Try XGROUP HELP."
                )));
            }
        }
        Ok(options)
    }
}

/// There is no such group.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (shown(key), shown(group));
    CommandError {
        code: "NOGROUP",
        message: format!("No such consumer group '{group}' for key name '{key}'").into(),
    }
}

fn create(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, group, place) = (args.key()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(args, "CREATE")?;
    let stream = txn.stream(key)?;
    if stream.is_none() && !options.makes_stream {
        return Err(NO_KEY);
    }
    let last = match place {
        b"$" => stream.map_or(StreamId::MIN, |stream| stream.last_id()),
        place => strict(place, 0)?,
    };
    if stream.is_some_and(|stream| stream.group(group).is_some()) {
        return Err(CommandError::fixed(
            "BUSYGROUP",
            "Consumer Group name already exists",
        ));
    }
    // As with Valkey whatever is said of a stream that is made here is believed.
    let most = stream.map_or(u64::MAX, |stream| stream.added());
    let read = options.read.map(|read| read.min(most));
    txn.change_stream(key, StreamChange::SetGroup { group, last, read })?;
    txn.announce(key, event::XGROUP_CREATE);
    reply.ok();
    Ok(())
}

fn set_id(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, group, place) = (args.key()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(args, "SETID")?;
    let stream = txn.stream(key)?.ok_or(NO_KEY)?;
    if stream.group(group).is_none() {
        return Err(no_group(key, group));
    }
    let last = match place {
        b"$" => stream.last_id(),
        place => parse(place, 0)?,
    };
    let read = options.read.map(|read| read.min(stream.added()));
    txn.change_stream(key, StreamChange::SetGroup { group, last, read })?;
    txn.announce(key, event::XGROUP_SETID);
    reply.ok();
    Ok(())
}

fn destroy(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, group) = (args.key()?, args.bytes()?);
    let stream = txn.stream(key)?.ok_or(NO_KEY)?;
    let is_there = stream.group(group).is_some();
    if is_there {
        txn.change_stream(key, StreamChange::DestroyGroup { group })?;
        txn.announce(key, event::XGROUP_DESTROY);
    }
    reply.int(i64::from(is_there));
    Ok(())
}

/// A consumer of a group that is there.
fn consumer<'r>(
    txn: &mut Txn<'_>,
    args: &mut Args<'r>,
) -> Result<(Recipient<'r>, Option<usize>), CommandError> {
    let of = Recipient {
        key: args.key()?,
        group: args.bytes()?,
        consumer: args.bytes()?,
    };
    let stream = txn.stream(of.key)?.ok_or(NO_KEY)?;
    let group = stream
        .group(of.group)
        .ok_or_else(|| no_group(of.key, of.group))?;
    let pending = group
        .consumer(of.consumer)
        .map(|consumer| consumer.pending_len());
    Ok((of, pending))
}

fn create_consumer(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (of, pending) = consumer(txn, &mut args)?;
    if pending.is_none() {
        of.see(txn, false)?;
    }
    reply.int(i64::from(pending.is_none()));
    Ok(())
}

fn delete_consumer(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (of, pending) = consumer(txn, &mut args)?;
    if pending.is_some() {
        let change = StreamChange::DeleteConsumer {
            group: of.group,
            consumer: of.consumer,
        };
        txn.change_stream(of.key, change)?;
        txn.announce(of.key, event::XGROUP_DELCONSUMER);
    }
    show::count(pending.unwrap_or(0) as u64, reply);
    Ok(())
}
