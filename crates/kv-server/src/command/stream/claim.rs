//! `XCLAIM`, `XAUTOCLAIM`: take entries over that are pending for another consumer.

use kv_core::{Stream, StreamChange, StreamId, UnixMillis};

use super::delivery::Recipient;
use super::{id, show};
use crate::command::error::shown;
use crate::command::prelude::*;

pub(super) const XCLAIM: CommandSpec = CommandSpec {
    name: "XCLAIM",
    group: Group::Stream,
    summary: "Makes pending entries those of another consumer and returns them.",
    syntax: "XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] \
             [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
    complexity: "O(log(N)) for each ID, in the number of pending entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST,
    run: Run::Write(xclaim),
};

pub(super) const XAUTOCLAIM: CommandSpec = CommandSpec {
    name: "XAUTOCLAIM",
    group: Group::Stream,
    summary: "Looks for entries that have been pending for long and makes them those of another consumer.",
    syntax: "XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]",
    complexity: "O(1) if COUNT is small",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE.union(Access::READ)),
    flags: Flags::FAST,
    run: Run::Write(xautoclaim),
};

/// How entries are claimed.
#[derive(Clone, Copy, Debug)]
struct Claiming {
    idle_millis_min: i64,
    /// When they count as delivered.
    delivered: UnixMillis,
    /// How often they count as delivered; `None`: once more than before.
    deliveries: Option<u64>,
    /// Whether entries that are pending for nobody are claimed too.
    forced: bool,
    only_ids: bool,
    last: Option<StreamId>,
}

/// What becomes of one entry.
enum Fate {
    /// It is claimed, and was delivered so many times.
    Claimed(u64),
    /// It is no more.
    Gone,
    /// It stays whose it is.
    Stays,
}

impl Claiming {
    fn new(idle_millis_min: i64, now: UnixMillis) -> Self {
        Self {
            idle_millis_min,
            delivered: now,
            deliveries: None,
            forced: false,
            only_ids: false,
            last: None,
        }
    }

    fn eat_options(&mut self, args: &mut Args<'_>, now: UnixMillis) -> Result<(), CommandError> {
        let number = |args: &mut Args<'_>, option: &str| {
            let invalid = format!("Invalid {option} option argument for XCLAIM");
            args.int().map_err(|_| CommandError::err(invalid))
        };
        let mut delivered = now.0;
        while args.len() > 0 {
            let has_value = args.len() > 1;
            if args.eat(b"FORCE") {
                self.forced = true;
            } else if args.eat(b"JUSTID") {
                self.only_ids = true;
            } else if has_value && args.eat(b"IDLE") {
                delivered = now.0.saturating_sub(number(args, "IDLE")?);
            } else if has_value && args.eat(b"TIME") {
                delivered = number(args, "TIME")?;
            } else if has_value && args.eat(b"RETRYCOUNT") {
                self.deliveries = u64::try_from(number(args, "RETRYCOUNT")?).ok();
            } else if has_value && args.eat(b"LASTID") {
                self.last = Some(id::strict(args.bytes()?, 0)?);
            } else {
                let word = shown(args.bytes()?);
                return Err(CommandError::err(format!(
                    "Unrecognized XCLAIM option '{word}'"
                )));
            }
        }
        if (0..=now.0).contains(&delivered) {
            self.delivered = UnixMillis(delivered);
        }
        Ok(())
    }

    fn fate(&self, of: &Recipient<'_>, stream: &Stream, id: StreamId, now: UnixMillis) -> Fate {
        let pending = stream.group(of.group).and_then(|group| group.pending(id));
        let before = match pending {
            Some(_) if stream.get(id).is_none() => return Fate::Gone,
            Some(pending) => {
                let idle = now.0.saturating_sub(pending.delivered().0);
                if self.idle_millis_min > 0 && idle < self.idle_millis_min {
                    return Fate::Stays;
                }
                pending.deliveries()
            }
            None if self.forced && stream.get(id).is_some() => 1,
            None => return Fate::Stays,
        };
        let once_more = u64::from(!self.only_ids);
        Fate::Claimed(self.deliveries.unwrap_or(before.saturating_add(once_more)))
    }
}

/// Most entries that `XAUTOCLAIM` may be asked for.
const COUNT_MAX: usize = isize::MAX.cast_unsigned() / 16;

/// How long an entry must have been pending, at least.
fn idle_millis_min(args: &mut Args<'_>) -> Result<i64, CommandError> {
    let name = args.spec().name;
    let millis = args
        .int()
        .map_err(|_| CommandError::err(format!("Invalid min-idle-time argument for {name}")))?;
    Ok(millis.max(0))
}

fn recipient<'r>(args: &mut Args<'r>) -> Result<Recipient<'r>, CommandError> {
    Ok(Recipient {
        key: args.key()?,
        group: args.bytes()?,
        consumer: args.bytes()?,
    })
}

fn xclaim(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let of = recipient(&mut args)?;
    of.group(txn)?;
    let now = txn.now();
    let mut claiming = Claiming::new(idle_millis_min(&mut args)?, now);
    let mut ids = Vec::new();
    while let Some(next) = args.peek().and_then(|word| id::strict(word, 0).ok()) {
        ids.push(next);
        args.bytes()?;
    }
    claiming.eat_options(&mut args, now)?;
    if let Some(last) = claiming.last {
        let group = of.group(txn)?;
        let (before, read) = (group.last_id(), group.entries_read());
        if last > before {
            let group = of.group;
            txn.change_stream(of.key, StreamChange::SetGroup { group, last, read })?;
            txn.announce_nothing(of.key);
        }
    }
    of.see(txn, false)?;
    let (mut claimed, mut gone) = (Vec::new(), Vec::new());
    if let Some(stream) = txn.stream(of.key)? {
        for id in ids {
            match claiming.fate(&of, stream, id, now) {
                Fate::Claimed(deliveries) => claimed.push((id, deliveries)),
                Fate::Gone => gone.push(id),
                Fate::Stays => {}
            }
        }
    }
    claim(txn, &of, &claiming, &claimed, &gone)?;
    show_claimed(txn, &of, &claiming, &claimed, reply)
}

/// Notes what was claimed, and forgets what is no more.
fn claim(
    txn: &mut Txn<'_>,
    of: &Recipient<'_>,
    claiming: &Claiming,
    claimed: &[(StreamId, u64)],
    gone: &[StreamId],
) -> Result<(), CommandError> {
    of.forget(txn, gone)?;
    of.give(txn, claiming.delivered, claimed)?;
    of.see(txn, !claimed.is_empty())
}

fn show_claimed(
    txn: &mut Txn<'_>,
    of: &Recipient<'_>,
    claiming: &Claiming,
    claimed: &[(StreamId, u64)],
    reply: &mut Reply<'_>,
) -> Outcome {
    reply.array(claimed.len());
    if let Some(stream) = txn.stream(of.key)? {
        for (id, _) in claimed {
            match stream.get(*id) {
                Some(entry) if !claiming.only_ids => show::entry(entry, reply),
                _ => show::id(*id, reply),
            }
        }
    }
    Ok(())
}

fn xautoclaim(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let of = recipient(&mut args)?;
    let now = txn.now();
    let mut claiming = Claiming::new(idle_millis_min(&mut args)?, now);
    let from = id::from(args.bytes()?)?;
    let mut count = 100;
    while args.len() > 0 {
        if args.len() > 1 && args.eat(b"COUNT") {
            const TOO_FEW: &str = "COUNT must be > 0";
            count = args.at_least(1, TOO_FEW)?;
            if count > COUNT_MAX {
                return Err(CommandError::err(TOO_FEW));
            }
        } else if args.eat(b"JUSTID") {
            claiming.only_ids = true;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    of.group(txn)?;
    of.see(txn, false)?;
    let (mut claimed, mut gone, mut next) = (Vec::new(), Vec::new(), StreamId::MIN);
    if let Some(stream) = txn.stream(of.key)?
        && let Some(group) = stream.group(of.group)
    {
        /// How many entries are looked at for each that is wanted.
        const LOOKS: usize = 10;

        for (looked_at, pending) in group.pending_from(from).enumerate() {
            let is_enough = claimed.len() + gone.len() >= count;
            if is_enough || looked_at >= count.saturating_mul(LOOKS) {
                next = pending.id();
                break;
            }
            match claiming.fate(&of, stream, pending.id(), now) {
                Fate::Claimed(deliveries) => claimed.push((pending.id(), deliveries)),
                Fate::Gone => gone.push(pending.id()),
                Fate::Stays => {}
            }
        }
    }
    claim(txn, &of, &claiming, &claimed, &gone)?;
    reply.array(3);
    show::id(next, reply);
    show_claimed(txn, &of, &claiming, &claimed, reply)?;
    reply.array(gone.len());
    gone.into_iter().for_each(|id| show::id(id, reply));
    Ok(())
}
