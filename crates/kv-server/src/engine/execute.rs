//! From a request to its reply: gates, locks, the handler, the commit.
//!
//! Invariant: one request writes one reply; what a failing handler had written of one is taken back.
//! Invariant: a handler that fails has changed nothing.

use std::borrow::Cow;

use kv_core::{At, KeySet, Lsn, Refusal, Size, Txn, UnixMillis};
use kv_proto::{Reply, ReplyBuffer, RequestRef};
use smallvec::SmallVec;

use std::cell::RefCell;

use super::ServerCx;
use super::blocked::{Asking, Entered};
use super::evict::Room;
use super::transaction;
use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::spec::{Attempt, CommandSpec, Flags, Outcome, Run, Turn};
use crate::command::{gate, table};
use crate::meter::Stopwatch;
use crate::session::later::Later;
use crate::session::{Ran, Replies, SessionCx};

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

/// What a request is answered that is larger than the log takes as one.
const TOO_LARGE: CommandError = CommandError {
    code: "ERR",
    message: Cow::Borrowed(
        "the transaction is larger than the log takes as one; nothing was changed",
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
    let room = match cx.server.is_memory_full() {
        false => Room::Enough,
        true => make_room(cx, out),
    };
    let mark = out.mark();
    let mut reply = Reply::new(out, cx.state.decoder.format());
    let answer = match admitted(cx, spec, request, room) {
        Ok(spec) if cx.state.multi.is_some() && !spec.flags.contains(Flags::NOT_QUEUED) => {
            Ok((queue(cx, spec, request, &mut reply), Lsn::ZERO))
        }
        Ok(spec) => {
            let stopwatch = Stopwatch::begin(cx.state.times_exactly);
            let before = reply.buffer().len();
            if spec.is_script() {
                cx.tell_monitors(spec, request, false);
            }
            let answer = run(cx, spec, request, now, &mut reply);
            if !matches!(answer, Err(Refusal::Behind)) {
                cx.ran(Ran {
                    spec,
                    request,
                    nanos: stopwatch.nanos(),
                    failed: !matches!(answer, Ok((Ok(()), _))),
                    reply_bytes: reply.buffer().len() - before,
                    by_script: false,
                });
            }
            answer
        }
        Err(error) => {
            if let Some(spec) = spec {
                cx.meters().rejected(spec);
            }
            Ok((Err(error), Lsn::ZERO))
        }
    };
    let (outcome, shows) = match answer {
        Ok(answer) => answer,
        Err(Refusal::Behind) => return Executed::LogBehind,
        Err(Refusal::DiskFull) => (Err(DISK_FULL), Lsn::ZERO),
        Err(Refusal::TooLarge) => (Err(TOO_LARGE), Lsn::ZERO),
        Err(Refusal::Failed) => (Err(LOG_FAILED), Lsn::ZERO),
    };
    if cx.state.caching.is_some() && cx.state.multi.is_none() {
        cx.state.end_caching(spec);
    }
    let failed = outcome.is_err();
    if let Err(error) = outcome {
        cx.server.stats.error_codes.add(error.code);
        reply.buffer().truncate(mark);
        // A handler may have changed the format: the error is written in the one that holds now.
        Reply::new(out, cx.state.decoder.format()).error(error.code, &error.message);
    }
    Executed::Replied { shows, failed }
}

/// Makes room, if that is possible. Whoever asks hears before the reply which keys went.
#[cold]
fn make_room(cx: &mut SessionCx<'_>, out: &mut ReplyBuffer) -> Room {
    let room = cx.server.make_room();
    if cx.state.replies == Replies::On && cx.state.client.inbox.has_mail() {
        cx.state.collect_mail(out);
    }
    room
}

/// The command, if it may run now or be kept for `EXEC`. One that may not spoils the transaction that it would
/// be part of.
fn admitted(
    cx: &mut SessionCx<'_>,
    spec: Option<&'static CommandSpec>,
    request: RequestRef<'_>,
    room: Room,
) -> Result<&'static CommandSpec, CommandError> {
    let in_multi = cx.state.multi.is_some();
    let found = match spec {
        Some(spec) => Ok(spec),
        // Whoever has not logged in learns nothing about commands.
        None => cx.user().map(drop).and_then(|()| table::find(request)),
    };
    let is_subscriber = cx.state.is_subscriber();
    let checked = found.and_then(|spec| {
        gate::check(spec, request, in_multi).or_else(|error| {
            match spec.flags.contains(Flags::NO_AUTH) {
                true => Err(error),
                false => cx.user().map(drop).and(Err(error)),
            }
        })?;
        cx.permit(spec, request)?;
        if is_subscriber {
            gate::subscribed(spec)?;
        }
        if cx.server.settings.replicas_min.get() > 0 {
            gate::replicas(spec, cx.state.multi.as_deref())?;
        }
        if room == Room::None {
            gate::memory(spec, cx.state.multi.as_deref())?;
        }
        Ok(spec)
    });
    match (checked, &mut cx.state.multi) {
        (Err(error), _) if spec.is_some_and(|spec| matches!(spec.run, Run::Exec(_))) => {
            cx.state.multi = None;
            cx.state.watching = None;
            match error.code {
                "EXECABORT" => Err(error),
                _ => Err(CommandError::exec_aborted_because(&error)),
            }
        }
        (Err(error), Some(multi)) => {
            multi.is_spoilt = true;
            Err(error)
        }
        (checked, _) => checked,
    }
}

/// Keeps `request` for `EXEC`.
fn queue(
    cx: &mut SessionCx<'_>,
    spec: &'static CommandSpec,
    request: RequestRef<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    if let Some(multi) = &mut cx.state.multi {
        multi.push(spec, request)?;
    }
    reply.simple("QUEUED");
    Ok(())
}

/// What a handler answered, and the newest change that its reply shows.
pub(crate) type Answer = Result<(Outcome, Lsn), Refusal>;

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
            let ((outcome, met_expired), shows) = memory.read_with(at, keys, |view| {
                cx.state.trace(view);
                let outcome = look(view, args, reply);
                // Now, while the stripes of the keys are locked.
                if let Some(tracker) = cx.state.remembering() {
                    cx.server.remember(tracker, keys);
                }
                (outcome, view.met_expired())
            });
            if met_expired && !cx.server.pause.holds_up_writes() {
                // A write that does nothing else removes it. If the log does not take that, it stays for later.
                let _ = memory.write_with(at, keys, |_| ());
            }
            Ok((outcome, shows))
        }),
        Run::Write(change) => {
            let answer = with_keys(spec, request, |keys| {
                memory.write_sized(at, keys, size(keys, request), |txn| {
                    txn.set_origin(cx.state.client.id);
                    cx.state.trace(txn);
                    all_or_nothing(spec, txn, |txn| change(txn, args, reply))
                })
            });
            cx.server.blocked.serve(memory, now);
            answer
        }
        Run::Block(attempt) => {
            let answer = run_or_wait(cx, (spec, *attempt), request, at, reply);
            cx.server.blocked.serve(memory, now);
            answer
        }
        Run::Exec(exec) => {
            let answer = exec(cx, now, reply);
            // It may have taken long, and what it left may have expired meanwhile.
            cx.server.engine.serve(&cx.server.blocked);
            answer
        }
        Run::Script { changes, run } | Run::Library { changes, run } => {
            let answer = transaction::script(cx, (*changes, *run), args, now, reply);
            cx.server.engine.serve(&cx.server.blocked);
            answer
        }
        Run::Pure(answer)
        | Run::Group {
            alone: Some(answer),
            ..
        } => Ok((answer(args, reply), Lsn::ZERO)),
        Run::Group { alone: None, .. } => Ok((Err(args.wrong_arity()), Lsn::ZERO)),
        Run::Session(talk) => Ok((talk(cx, args, reply), Lsn::ZERO)),
        Run::Server(steer) => {
            let mut store = memory;
            let server_cx = ServerCx {
                server: cx.server,
                db: at.db,
                now,
                shows: Default::default(),
                whole: RefCell::new(&mut store),
            };
            let outcome = steer(&server_cx, args, reply);
            Ok((outcome, server_cx.shows.get()))
        }
    }
}

/// What goes with one argument into the log, in bytes and at most.
const BYTES_WITH_ARGUMENT: usize = 64;

/// What is known of the size of a request that touches `keys`. A change of one key is looked at when it is made.
fn size(keys: KeySet<'_>, request: RequestRef<'_>) -> Size {
    match keys {
        KeySet::None | KeySet::One(_) => Size::Unknown,
        KeySet::Many(_) | KeySet::All => Size::AtMost(bytes_at_most(request)),
    }
}

/// How large a change that takes its contents from `request` can be, in bytes.
pub(super) fn bytes_at_most(request: RequestRef<'_>) -> usize {
    let arguments = request.iter();
    arguments
        .map(|argument| argument.len() + BYTES_WITH_ARGUMENT)
        .sum()
}

/// Runs a request that may have to wait; if it must, the session is told so.
fn run_or_wait(
    cx: &mut SessionCx<'_>,
    (spec, attempt): (&'static CommandSpec, Attempt),
    request: RequestRef<'_>,
    at: At,
    reply: &mut Reply<'_>,
) -> Answer {
    let memory = cx.server.engine.memory();
    let args = Args::new(spec, request);
    let (turn, shows) = with_keys(spec, request, |keys| {
        memory.write_sized(at, keys, size(keys, request), |txn| {
            txn.set_origin(cx.state.client.id);
            cx.state.trace(txn);
            all_or_nothing(spec, txn, |txn| attempt(txn, args, reply))
        })
    })?;
    match turn {
        Ok(Turn::Done) => return Ok((Ok(()), shows)),
        Err(error) => return Ok((Err(error), shows)),
        Ok(Turn::Wait(_) | Turn::WaitAs(..)) => {}
    }
    let asking = Asking {
        id: cx.state.client.id,
        spec,
        attempt,
        request,
        at,
    };
    match cx.server.blocked.enter(memory, asking, reply)? {
        Entered::Run(outcome, shows) => Ok((outcome, shows)),
        Entered::Waits(ticket) => {
            cx.state.later = Some(Later::Blocked(ticket));
            Ok((Ok(()), Lsn::ZERO))
        }
    }
}

/// Runs `act` with the keys that `spec` finds in `request`.
fn with_keys<R>(
    spec: &CommandSpec,
    request: RequestRef<'_>,
    act: impl FnOnce(KeySet<'_>) -> R,
) -> R {
    if spec.flags.contains(Flags::WHOLE_KEYSPACE) || spec.keys.are_hidden(request) {
        return act(KeySet::All);
    }
    if let Some(key) = spec.keys.only_place().and_then(|place| request.get(place)) {
        return act(KeySet::One(key));
    }
    let keys: SmallVec<[&[u8]; 16]> = spec.keys.of(request).collect();
    match *keys {
        [key] => act(KeySet::One(key)),
        _ => act(KeySet::Many(&keys)),
    }
}

/// Runs a handler that changes data, and makes sure that it did not if it fails.
///
/// # Panics
///
/// When it did: the effects are recorded and could not be taken back. Where assertions are on, also when it
/// succeeded and has not announced what it changed: see [`event`](crate::command::event).
pub(super) fn all_or_nothing<R>(
    spec: &CommandSpec,
    txn: &mut Txn<'_>,
    change: impl FnOnce(&mut Txn<'_>) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
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
