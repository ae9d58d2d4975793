//! `XADD`: adds an entry.

use kv_core::{Elements, Stream, StreamChange, StreamId, UnixMillis};

use super::id::{NewId, new_id};
use super::show;
use super::trim::Trimming;
use crate::command::prelude::*;

pub(super) const XADD: CommandSpec = CommandSpec {
    name: "XADD",
    group: Group::Stream,
    summary: "Adds an entry at the end of a stream, which is made if it is missing, and returns its ID.",
    syntax: "XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] \
             <* | id> field value [field value ...]",
    complexity: "O(1), and O(N) in the number of entries that are trimmed",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST,
    run: Run::Write(xadd),
};

const TOO_LOW: CommandError = CommandError::fixed(
    "ERR",
    "The ID specified in XADD is equal or smaller than the target stream top item",
);

fn xadd(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let mut trimming = Trimming::default();
    let mut only_old = false;
    while args.peek() != Some(b"*") && trimming.eat(&mut args, Some(&mut only_old))? {}
    let wanted = match args.peek() {
        Some(_) => Some(new_id(args.bytes()?)?),
        None => None,
    };
    trimming.check(txn)?;
    let Some(wanted) = wanted else {
        return Err(args.wrong_arity());
    };
    let fields = args.words();
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(args.wrong_arity());
    }
    if wanted == NewId::Exactly(StreamId::MIN) {
        return Err(CommandError::err(
            "The ID specified in XADD must be greater than 0-0",
        ));
    }
    let now = txn.now();
    let id = match txn.stream(key)? {
        None if only_old => {
            reply.null();
            return Ok(());
        }
        None => id_after(StreamId::MIN, wanted, now)?,
        Some(stream) => id_after(stream.last_id(), wanted, now)?,
    };
    let fields = Elements::new(&fields);
    txn.change_stream(key, StreamChange::Add { id, fields })?;
    txn.announce(key, event::XADD);
    if trimming.run(txn, key)? > 0 {
        txn.announce(key, event::XTRIM);
    }
    show::id(id, reply);
    Ok(())
}

/// The ID of a new entry behind `last`.
fn id_after(last: StreamId, wanted: NewId, now: UnixMillis) -> Result<StreamId, CommandError> {
    let next = last.next().ok_or_else(|| {
        CommandError::err("The stream has exhausted the last possible ID, unable to add more items")
    })?;
    let of_ms = |ms| match next {
        next if next.ms == ms => Some(next),
        next if next.ms < ms => Some(StreamId::new(ms, 0)),
        _ => None,
    };
    match wanted {
        NewId::Next => Ok(of_ms(u64::try_from(now.0).unwrap_or(0)).unwrap_or(next)),
        NewId::NextOf(ms) => of_ms(ms).ok_or(TOO_LOW),
        NewId::Exactly(id) if id > last => Ok(id),
        NewId::Exactly(_) => Err(TOO_LOW),
    }
}

/// The index behind the entries up to `id`.
pub(super) fn count_up_to(stream: &Stream, id: StreamId) -> usize {
    id.next()
        .map_or(stream.len(), |next| stream.count_before(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_clock_and_never_go_back() {
        let now = UnixMillis(5);
        let after = |ms, seq, wanted| id_after(StreamId::new(ms, seq), wanted, now);
        assert_eq!(after(4, 9, NewId::Next), Ok(StreamId::new(5, 0)));
        assert_eq!(after(5, 9, NewId::Next), Ok(StreamId::new(5, 10)));
        assert_eq!(after(7, u64::MAX, NewId::Next), Ok(StreamId::new(8, 0)));
        assert_eq!(after(7, 1, NewId::NextOf(7)), Ok(StreamId::new(7, 2)));
        assert_eq!(after(0, 0, NewId::NextOf(0)), Ok(StreamId::new(0, 1)));
        assert_eq!(after(7, u64::MAX, NewId::NextOf(7)), Err(TOO_LOW));
        assert_eq!(after(7, 1, NewId::NextOf(6)), Err(TOO_LOW));
        assert!(id_after(StreamId::MAX, NewId::Next, now).is_err());
    }
}
