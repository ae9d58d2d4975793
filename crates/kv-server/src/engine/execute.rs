//! From a request to its reply: gates, locks, the handler, the commit.
//!
//! Invariant: one request writes one reply; what a failing handler had written of one is taken back.
//! Invariant: a handler that fails has changed nothing.

use std::borrow::Cow;

use kv_core::{At, KeySet, Lsn, Refusal, Txn, UnixMillis};
use kv_proto::{Reply, ReplyBuffer, RequestRef};
use smallvec::SmallVec;

use super::ServerCx;
use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Flags, Outcome, Run};
use crate::command::{gate, table};
use crate::session::SessionCx;

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Executed {
    /// Its reply is written.
    Replied {
        /// The newest change that the reply shows.
        shows: Lsn,
        /// Whether the reply is an error.
        failed: bool,
    },
    /// The log takes no writes before it has caught up. Nothing happened; run the request again then.
    LogBehind,
}

/// What writes are answered while the disk is full.
const DISK_FULL: CommandError = CommandError {
    code: "MISCONF",
    message: Cow::Borrowed(
        "disk full, writes refused until there is room; nothing was changed and reads go on",
    ),
};

/// What is answered when the log has failed.
pub(crate) const LOG_FAILED: CommandError = CommandError {
    code: "IOERR",
    message: Cow::Borrowed("log sync failed, outcome unknown"),
};

/// Runs `request`, which asks for `spec` (`None`: there is no such command), at the time `now`.
pub(crate) fn execute(
    cx: &mut SessionCx<'_>,
    spec: Option<&'static CommandSpec>,
    request: RequestRef<'_>,
    now: UnixMillis,
    out: &mut ReplyBuffer,
) -> Executed {
    let mark = out.mark();
    let mut reply = Reply::new(out, cx.state.decoder.format());
    let answer = match admitted(cx, spec, request) {
        Ok(spec) => run(cx, spec, request, now, &mut reply),
        Err(error) => Ok((Err(error), Lsn::ZERO)),
    };
    let (outcome, shows) = match answer {
        Ok(answer) => answer,
        Err(Refusal::Behind) => return Executed::LogBehind,
        Err(Refusal::DiskFull) => (Err(DISK_FULL), Lsn::ZERO),
        Err(Refusal::Failed) => (Err(LOG_FAILED), Lsn::ZERO),
    };
    if cx.state.caching.is_some() {
        cx.state.end_caching(spec);
    }
    let failed = outcome.is_err();
    if let Err(error) = outcome {
        reply.buffer().truncate(mark);
        // A handler may have changed the format: the error is written in the one that holds now.
        Reply::new(out, cx.state.decoder.format()).error(error.code, &error.message);
    }
    Executed::Replied { shows, failed }
}

fn admitted(
    cx: &SessionCx<'_>,
    spec: Option<&'static CommandSpec>,
    request: RequestRef<'_>,
) -> Result<&'static CommandSpec, CommandError> {
    let spec = match spec {
        Some(spec) => spec,
        None => table::find(request)?,
    };
    gate::check(spec, request)?;
    if cx.state.is_subscriber() {
        gate::subscribed(spec)?;
    }
    Ok(spec)
}

/// What a handler answered, and the newest change that its reply shows.
type Answer = Result<(Outcome, Lsn), Refusal>;

fn run(
    cx: &mut SessionCx<'_>,
    spec: &'static CommandSpec,
    request: RequestRef<'_>,
    now: UnixMillis,
    reply: &mut Reply<'_>,
) -> Answer {
    let args = Args::new(spec, request);
    let memory = cx.server.engine.memory();
    let at = At {
        db: cx.state.db,
        now,
    };
    match &spec.run {
        Run::Read(look) => with_keys(spec, request, |keys| {
            Ok(memory.read_with(at, keys, |view| {
                let outcome = look(view, args, reply);
                // Now, while the stripes of the keys are locked.
                if let Some(tracker) = cx.state.remembering() {
                    cx.server.remember(tracker, keys);
                }
                outcome
            }))
        }),
        Run::Write(change) => with_keys(spec, request, |keys| {
            memory.write_with(at, keys, |txn| {
                txn.set_origin(cx.state.client.id);
                all_or_nothing(spec, txn, |txn| change(txn, args, reply))
            })
        }),
        Run::Pure(answer)
        | Run::Group {
            alone: Some(answer),
            ..
        } => Ok((answer(args, reply), Lsn::ZERO)),
        Run::Group { alone: None, .. } => Ok((Err(args.wrong_arity()), Lsn::ZERO)),
        Run::Session(talk) => Ok((talk(cx, args, reply), Lsn::ZERO)),
        Run::Server(steer) => {
            let server_cx = ServerCx {
                server: cx.server,
                db: at.db,
                now,
                shows: Default::default(),
            };
            let outcome = steer(&server_cx, args, reply);
            Ok((outcome, server_cx.shows.get()))
        }
    }
}

/// Runs `act` with the keys that `spec` finds in `request`.
fn with_keys<R>(
    spec: &CommandSpec,
    request: RequestRef<'_>,
    act: impl FnOnce(KeySet<'_>) -> R,
) -> R {
    if spec.flags.contains(Flags::WHOLE_KEYSPACE) {
        return act(KeySet::All);
    }
    let mut keys = spec.keys.of(request);
    if keys.len() == 1
        && let Some(key) = keys.next()
    {
        return act(KeySet::One(key));
    }
    let keys: SmallVec<[&[u8]; 16]> = keys.collect();
    act(KeySet::Many(&keys))
}

/// Runs a handler that changes data, and makes sure that it did not if it fails.
///
/// # Panics
///
/// When it did: the effects are recorded and could not be taken back. Where assertions are on, also when it
/// succeeded and has not announced what it changed: see [`event`](crate::command::event).
fn all_or_nothing(
    spec: &CommandSpec,
    txn: &mut Txn<'_>,
    change: impl FnOnce(&mut Txn<'_>) -> Outcome,
) -> Outcome {
    let before = txn.effects();
    let outcome = change(txn);
    assert!(
        outcome.is_ok() || txn.effects() == before,
        "a handler that fails has changed nothing"
    );
    let unannounced = txn.unannounced();
    debug_assert!(
        unannounced.is_none(),
        "{} changed {unannounced:?} and announced no event",
        spec.name
    );
    outcome
}
