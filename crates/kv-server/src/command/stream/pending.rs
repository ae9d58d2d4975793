//! `XPENDING`: what was delivered and not acknowledged.

use kv_core::{Group, Pending, StreamId, UnixMillis};

use super::delivery::Recipient;
use super::{id, show};
use crate::command::prelude::{Group as CommandGroup, *};

pub(super) const XPENDING: CommandSpec = CommandSpec {
    name: "XPENDING",
    group: CommandGroup::Stream,
    summary: "Returns what is pending in a group: how much in all, or entry by entry within a range of IDs.",
    syntax: "XPENDING key group [[IDLE min-idle-time] start end count [consumer]]",
    complexity: "O(N) in the number of consumers, or of entries looked at",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(xpending),
};

/// Which entries are shown.
struct Wanted<'r> {
    idle_millis_min: i64,
    from: StreamId,
    to: StreamId,
    count: usize,
    consumer: Option<&'r [u8]>,
}

impl<'r> Wanted<'r> {
    fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        if args.len() < 3 || args.len() > 6 {
            return Err(CommandError::SYNTAX);
        }
        let mut idle_millis_min = 0;
        if args.eat(b"IDLE") {
            idle_millis_min = args.int()?;
            if args.len() < 3 {
                return Err(CommandError::SYNTAX);
            }
        }
        // As with Redis up to two words may follow that mean nothing.
        let (from, to) = (args.bytes()?, args.bytes()?);
        let count = usize::try_from(args.int()?).unwrap_or(0);
        Ok(Self {
            idle_millis_min,
            from: id::from(from)?,
            to: id::to(to)?,
            count,
            consumer: args.bytes().ok(),
        })
    }
}

fn xpending(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let of = Recipient {
        key: args.key()?,
        group: args.bytes()?,
        consumer: b"",
    };
    let wanted = match args.len() {
        0 => None,
        _ => Some(Wanted::parse(args)?),
    };
    let now = view.now();
    let stream = view.stream(of.key)?;
    let group = stream
        .and_then(|stream| stream.group(of.group))
        .ok_or_else(|| of.no_group())?;
    match wanted {
        None => show_sum(group, reply),
        Some(wanted) => show_each(group, &wanted, now, reply),
    }
    Ok(())
}

fn show_sum(group: &Group, reply: &mut Reply<'_>) {
    let mut pending = group.pending_from(StreamId::MIN);
    reply.array(4);
    show::count(group.pending_len() as u64, reply);
    let Some(first) = pending.next() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    show::id(first.id(), reply);
    show::id(pending.next_back().unwrap_or(first).id(), reply);
    let busy = |consumer: &&kv_core::Consumer| consumer.pending_len() > 0;
    reply.array(group.consumers().filter(busy).count());
    for consumer in group.consumers().filter(busy) {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk(consumer.pending_len().to_string().as_bytes());
    }
}

fn show_each(group: &Group, wanted: &Wanted<'_>, now: UnixMillis, reply: &mut Reply<'_>) {
    let idle = |pending: &Pending| now.0.saturating_sub(pending.delivered().0).max(0);
    let is_wanted = |pending: &&Pending| idle(pending) >= wanted.idle_millis_min;
    let in_range = |pending: &&Pending| pending.id() <= wanted.to;
    let shown: Vec<&Pending> = match wanted.consumer {
        None => group
            .pending_from(wanted.from)
            .take_while(in_range)
            .filter(is_wanted)
            .take(wanted.count)
            .collect(),
        Some(name) => {
            let consumer = group.consumer(name).into_iter();
            consumer
                .flat_map(|consumer| consumer.pending_from(wanted.from))
                .filter_map(|id| group.pending(id))
                .take_while(in_range)
                .filter(is_wanted)
                .take(wanted.count)
                .collect()
        }
    };
    reply.array(shown.len());
    for pending in shown {
        reply.array(4);
        show::id(pending.id(), reply);
        reply.bulk(pending.consumer());
        reply.int(idle(pending));
        show::count(pending.deliveries(), reply);
    }
}
