//! `EXEC`: all requests of a transaction, one after the other, as one transaction of the store.
//!
//! The stripes of all keys are locked before the first request runs and kept until the last one has: nobody
//! sees a part of it, and the log gets it as one unit. A request that fails changes nothing and leaves its error
//! in its place; the others go on.
//!
//! Invariant: nothing in here locks a stripe again. What looks at whole databases does so through the
//! transaction, see [`Whole`](super::Whole).

use std::cell::RefCell;

use kv_core::{At, KeySet, Lsn, Refusal, Size, Txn, UnixMillis, View};
use kv_proto::{Reply, RequestRef};
use smallvec::SmallVec;

use super::ServerCx;
use super::execute::{Answer, all_or_nothing, bytes_at_most};
use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Outcome, Run, ScriptRun};
use crate::meter::Stopwatch;
use crate::script::machine::Machine;
use crate::session::transaction::{Multi, Queued, Watching};
use crate::session::{Ran, SessionCx};
use crate::tracking::note_reads;

/// All data, in the hands of a program: to look at, or to change too.
pub(crate) enum Hold<'h, 's> {
    Look(&'h mut View<'s>),
    Change(&'h mut Txn<'s>),
}

impl<'s> Hold<'_, 's> {
    /// Runs one request of the program, which only looks where this may not be changed.
    pub(crate) fn run(
        &mut self,
        cx: &mut SessionCx<'_>,
        request: (&'static CommandSpec, RequestRef<'_>),
        now: UnixMillis,
        reply: &mut Reply<'_>,
    ) -> Outcome {
        match self {
            Self::Look(view) => look(cx, view, request, now, reply),
            Self::Change(txn) => change(cx, txn, request, now, reply),
        }
    }

    /// To change data.
    ///
    /// # Panics
    ///
    /// When it may not be changed: the command is not one that does.
    pub(crate) fn txn(&mut self) -> &mut Txn<'s> {
        match self {
            Self::Look(_) => unreachable!("a command that changes data got it to look at"),
            Self::Change(txn) => txn,
        }
    }

    /// To look at all data.
    pub(crate) fn view(&mut self) -> &mut View<'s> {
        match self {
            Self::Look(view) => view,
            Self::Change(txn) => txn,
        }
    }

    /// How many bytes of changes there are for the log.
    pub(crate) fn recorded_bytes(&self) -> usize {
        match self {
            Self::Look(_) => 0,
            Self::Change(txn) => txn.recorded_bytes(),
        }
    }

    /// Gives the program up: nothing of it has happened.
    pub(crate) fn give_up(&mut self) {
        self.view().forget_notes();
        match self {
            Self::Look(_) => {}
            Self::Change(txn) => txn.give_up(),
        }
    }

    /// Whether the log does not take the program's changes: none will stay.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Look(_) => false,
            Self::Change(txn) => txn.refusal().is_some(),
        }
    }
}

/// Runs the program that `request` holds, as one transaction over all data, or over the keys that it declares if it is
/// tried at once: what it changed before it failed stays, as one unit.
///
/// # Errors
///
/// The log's refusal.
pub(crate) fn script(
    cx: &mut SessionCx<'_>,
    (changes, run): (bool, ScriptRun),
    (spec, request): (&'static CommandSpec, RequestRef<'_>),
    now: UnixMillis,
    reply: &mut Reply<'_>,
) -> Answer {
    let server = cx.server;
    let memory = server.engine.memory();
    let at = At {
        db: cx.state.db,
        now,
    };
    let args = Args::new(spec, request);
    let declared: SmallVec<[&[u8]; 8]>;
    let (is_at_once, keys) = match cx.machine.is_some_and(Machine::tries_at_once) {
        true => {
            declared = spec.keys.of(request).collect();
            (true, KeySet::Many(&declared))
        }
        false => (false, KeySet::All),
    };
    cx.begin_publishing();
    let change = |txn: &mut Txn<'_>| {
        txn.set_origin(cx.state.client.id);
        cx.state.trace(txn);
        run(cx, &mut Hold::Change(txn), now, args, reply)
    };
    let answer = match (changes, is_at_once) {
        (true, true) => memory.write_or_give_up(at, keys, change),
        (true, false) => memory.write_with(at, keys, change),
        (false, _) => Ok(memory.read_with(at, keys, |view| {
            cx.state.trace(view);
            run(cx, &mut Hold::Look(view), now, args, reply)
        })),
    };
    let lsn = answer.as_ref().ok().map(|(_, lsn)| *lsn);
    cx.end_publishing(lsn.filter(|_| !cx.has_given_up()));
    answer
}

/// Runs what the connection has gathered since `MULTI`, at the time `now`, and forgets it with what it watches;
/// not so when the log is behind, after which it is to be run again.
///
/// # Errors
///
/// The log's refusal.
pub(crate) fn exec(cx: &mut SessionCx<'_>, now: UnixMillis, reply: &mut Reply<'_>) -> Answer {
    let Some(multi) = cx.state.multi.take() else {
        return Ok((Err(CommandError::err("EXEC without MULTI")), Lsn::ZERO));
    };
    let watching = cx.state.watching.take();
    if multi.is_spoilt {
        return Ok((Err(CommandError::EXEC_ABORTED), Lsn::ZERO));
    }
    let db = cx.state.db;
    cx.begin_publishing();
    let outcome = run(cx, &multi, watching.as_ref(), now, reply);
    cx.end_publishing(outcome.as_ref().ok().copied());
    if outcome == Err(Refusal::Behind) {
        cx.state.multi = Some(multi);
        cx.state.watching = watching;
        cx.state.db = db;
    }
    outcome.map(|lsn| (Ok(()), lsn))
}

fn run(
    cx: &mut SessionCx<'_>,
    multi: &Multi,
    watching: Option<&Watching>,
    now: UnixMillis,
    reply: &mut Reply<'_>,
) -> Result<Lsn, Refusal> {
    let keys: Vec<&[u8]> = keys(multi, watching);
    let keys = match multi.needs_all() {
        true => KeySet::All,
        false => KeySet::Many(&keys),
    };
    let server = cx.server;
    let memory = server.engine.memory();
    let db = cx.state.db;
    let at = At { db, now };
    if multi.writes() {
        let requests = multi.requests().iter();
        let bytes = requests.map(|queued| bytes_at_most(queued.request.as_ref()));
        let bytes = bytes.sum::<usize>();
        let size = match multi.is_bounded() {
            // Nothing is to be taken back then, and nothing kept for that: a sixth of the work of ten times `SET`.
            // Twice: what has expired of the keys goes first.
            true => Size::AtMost(bytes.saturating_mul(2)),
            // What a request takes from other keys is not in it.
            false => Size::Growing(bytes),
        };
        let ((), lsn) = memory.write_sized(at, keys, size, |txn| {
            txn.set_origin(cx.state.client.id);
            cx.state.trace(txn);
            if unless_touched(cx, watching, txn, multi, reply) {
                for queued in multi.requests() {
                    let request = (queued.spec, queued.request.as_ref());
                    answer(cx, reply, queued, |cx, reply| {
                        change(cx, txn, request, now, reply)
                    });
                }
            }
        })?;
        return Ok(lsn);
    }
    let ((), lsn) = memory.read_with(at, keys, |view| {
        cx.state.trace(view);
        if unless_touched(cx, watching, view, multi, reply) {
            for queued in multi.requests() {
                let request = (queued.spec, queued.request.as_ref());
                answer(cx, reply, queued, |cx, reply| {
                    look(cx, view, request, now, reply)
                });
            }
        }
    });
    Ok(lsn)
}

/// The keys of all requests and those that are watched.
fn keys<'m>(multi: &'m Multi, watching: Option<&'m Watching>) -> Vec<&'m [u8]> {
    let requests = multi.requests().iter();
    let of_requests = requests.flat_map(|queued| queued.spec.keys.of(queued.request.as_ref()));
    let watched = watching.into_iter().flat_map(Watching::keys);
    of_requests.chain(watched.map(|(_, key, _)| key)).collect()
}

/// Begins the reply: with `false`, and as nothing, when a watched key has changed; what has expired since has.
fn unless_touched(
    cx: &mut SessionCx<'_>,
    watching: Option<&Watching>,
    view: &mut View<'_>,
    multi: &Multi,
    reply: &mut Reply<'_>,
) -> bool {
    let touched = watching.and_then(Watching::touched);
    let mut keys = watching.into_iter().flat_map(Watching::keys);
    let expired =
        keys.any(|(db, key, was_there)| was_there && !view.in_db(db, |view| view.exists(key)));
    if touched.is_none() && !expired {
        reply.array(multi.requests().len());
        return true;
    }
    cx.state.shows(touched.unwrap_or_default());
    reply.null_array();
    false
}

/// Lets `act` write one element, or writes its error. A request may have changed the format for those behind
/// it.
fn answer(
    cx: &mut SessionCx<'_>,
    reply: &mut Reply<'_>,
    queued: &Queued,
    act: impl FnOnce(&mut SessionCx<'_>, &mut Reply<'_>) -> Outcome,
) {
    let out = reply.buffer();
    let (mark, before) = (out.mark(), out.len());
    let stopwatch = Stopwatch::begin(cx.state.times_exactly);
    if queued.spec.is_script() {
        cx.tell_monitors(queued.spec, queued.request.as_ref(), false);
    }
    // What the user may do can have changed since the request was kept.
    let permitted = cx.permit(queued.spec, queued.request.as_ref());
    let outcome = permitted.and_then(|()| act(cx, &mut Reply::new(out, cx.state.decoder.format())));
    let is_error = cx.state.script_errors.take_answer();
    cx.ran(Ran {
        spec: queued.spec,
        request: queued.request.as_ref(),
        nanos: stopwatch.nanos(),
        failed: is_error || outcome.is_err(),
        reply_bytes: out.len() - before,
        by_script: false,
    });
    if let Err(error) = outcome {
        cx.server.stats.error_codes.add(error.code);
        out.truncate(mark);
        Reply::new(out, cx.state.decoder.format()).error(error.code, &error.message);
    }
}

/// Runs one request of a transaction that may change data.
fn change(
    cx: &mut SessionCx<'_>,
    txn: &mut Txn<'_>,
    (spec, request): (&'static CommandSpec, RequestRef<'_>),
    now: UnixMillis,
    reply: &mut Reply<'_>,
) -> Outcome {
    let keys: SmallVec<[&[u8]; 8]> = spec.keys.of(request).collect();
    let args = Args::new(spec, request);
    txn.in_db(cx.state.db, KeySet::Many(&keys), |txn| match &spec.run {
        Run::Write(change) => all_or_nothing(spec, txn, |txn| change(txn, args, reply)),
        Run::Block(attempt) => {
            all_or_nothing(spec, txn, |txn| attempt(txn, args, reply))?.do_not_wait(reply);
            Ok(())
        }
        Run::Script { changes: true, run } | Run::Library { changes: true, run } => {
            run(cx, &mut Hold::Change(txn), now, args, reply)
        }
        _ => look(cx, txn, (spec, request), now, reply),
    })
}

/// Runs one request that changes no data.
fn look(
    cx: &mut SessionCx<'_>,
    view: &mut View<'_>,
    (spec, request): (&'static CommandSpec, RequestRef<'_>),
    now: UnixMillis,
    reply: &mut Reply<'_>,
) -> Outcome {
    let args = Args::new(spec, request);
    match &spec.run {
        Run::Read(look) => {
            let outcome = view.in_db(cx.state.db, |view| look(view, args, reply));
            if let Some(tracker) = cx.state.remembering() {
                let keys: SmallVec<[&[u8]; 8]> = spec.keys.of(request).collect();
                note_reads(&keys, view.to_tell());
                cx.server.remember(tracker, KeySet::Many(&keys));
            }
            outcome
        }
        Run::Pure(answer)
        | Run::Group {
            alone: Some(answer),
            ..
        } => answer(args, reply),
        Run::Group { alone: None, .. } => Err(args.wrong_arity()),
        Run::Session(talk) => {
            talk(cx, args, reply)?;
            if let Some(later) = cx.state.later.take() {
                later.answer_at_once(cx, reply);
            }
            Ok(())
        }
        Run::Server(steer) => {
            cx.end_streak();
            let db = cx.state.db;
            let server_cx = ServerCx {
                server: cx.server,
                db,
                now,
                shows: Default::default(),
                whole: RefCell::new(view),
            };
            let outcome = steer(&server_cx, args, reply);
            let shows = server_cx.shows.get();
            cx.state.shows(shows);
            outcome
        }
        Run::Script {
            changes: false,
            run,
        }
        | Run::Library {
            changes: false,
            run,
        } => run(cx, &mut Hold::Look(view), now, args, reply),
        Run::Write(_) | Run::Block(_) | Run::Script { .. } | Run::Library { .. } | Run::Exec(_) => {
            unreachable!("a transaction that looks has nothing that changes")
        }
    }
}
