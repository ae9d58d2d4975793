//! The threads of one life: they write, read and wait, and note what they did and were told.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use kv_core::{At, KeySet, Lsn, Refusal, Store, UnixMillis};

use super::history::Unit;
use super::model::{Sight, Step};
use super::notes::Notes;
use super::plan::{Cheat, Plan, Task, Waits, any_key};
use crate::testing::chance::Chance;
use crate::testing::disk::fingerprint;
use crate::{Durability, DurableStore};

/// Looks of one reader, at most.
const LOOKS_MAX: usize = 60;

/// Lets the threads of `plan` use `store`, until all are done or the log has failed.
pub(super) fn run_threads(store: &DurableStore, notes: &Notes<'_>, plan: &Plan) {
    let writing = AtomicUsize::new(plan.writers);
    thread::scope(|scope| {
        for writer in 0..plan.writers {
            let writing = &writing;
            scope.spawn(move || {
                write(store, notes, plan, &plan.script(writer));
                writing.fetch_sub(1, SeqCst);
            });
        }
        scope.spawn(|| make_snapshots(store, notes, plan));
        for reader in 0..plan.readers {
            let writing = &writing;
            scope.spawn(move || read(store, notes, plan, reader, writing));
        }
    });
}

/// Makes snapshots one after the other; one may fail only if the disk has trouble.
fn make_snapshots(store: &DurableStore, notes: &Notes<'_>, plan: &Plan) {
    for _ in 0..plan.snapshots {
        if store.snapshot().is_err() {
            return notes.fail();
        }
        thread::yield_now();
    }
}

fn write(store: &DurableStore, notes: &Notes<'_>, plan: &Plan, script: &[Task]) {
    let mut last = Lsn::ZERO;
    for task in script {
        match transact(store, notes, task) {
            Ok(lsn) => last = last.max(lsn),
            Err(Refusal::Behind) => store.wait_until_caught_up(),
            // There will be room again, or the log fails; this one is not done.
            Err(Refusal::DiskFull) => thread::yield_now(),
            Err(Refusal::Failed | Refusal::TooLarge) => return notes.fail(),
        }
        if task.waits != Waits::No && !settle(store, notes, plan, last, task.waits) {
            return;
        }
    }
    settle(store, notes, plan, last, Waits::Promise);
}

/// Waits and notes that the wait is over; false when the log has failed.
fn settle(store: &DurableStore, notes: &Notes<'_>, plan: &Plan, lsn: Lsn, waits: Waits) -> bool {
    let outcome = match waits {
        Waits::Promise | Waits::No if plan.cheat == Cheat::AcknowledgeEarly => Ok(()),
        Waits::Durable => store.gate().wait(lsn, Durability::Always),
        Waits::Promise | Waits::No => store.wait(lsn),
    };
    if outcome.is_err() {
        notes.fail();
        return false;
    }
    notes.acknowledged(lsn);
    if waits == Waits::Durable || plan.promised == Durability::Always {
        notes.durable(lsn);
    }
    true
}

fn transact(store: &DurableStore, notes: &Notes<'_>, task: &Task) -> Result<Lsn, Refusal> {
    let keys = task.keys();
    let set = match (task.needs_all, keys.as_slice()) {
        (true, _) => KeySet::All,
        (false, [one]) => KeySet::One(one),
        (false, many) => KeySet::Many(many),
    };
    let (db, now) = (task.db, task.now);
    let mut done = Vec::new();
    let lsn = store.write(At { db, now }, set, &mut |txn| {
        done.clear();
        if let (1.., Some(key)) = (txn.effects(), keys.first()) {
            done.push((db, Step::Delete(key.to_vec())));
        }
        for (db, step) in &task.steps {
            if txn.in_db(*db, KeySet::None, |txn| step.run(txn)) {
                done.push((*db, step.clone()));
            }
        }
    })?;
    if !done.is_empty() {
        notes.did(Unit {
            last: lsn,
            steps: done,
        });
    }
    Ok(lsn)
}

fn read(
    store: &DurableStore,
    notes: &Notes<'_>,
    plan: &Plan,
    reader: usize,
    writing: &AtomicUsize,
) {
    let mut chance = Chance::of(&[plan.seed, 3, reader as u64]);
    for _ in 0..LOOKS_MAX {
        if writing.load(SeqCst) == 0 {
            return;
        }
        let (db, key) = any_key(&mut chance);
        let not_before = notes.reached();
        let mut value = None;
        let at = At {
            db,
            now: UnixMillis(0),
        };
        let lsn = store.read(at, KeySet::One(&key), &mut |view| {
            let string = view.string(&key).ok().flatten();
            value = string.map(|string| fingerprint(&string.to_bytes()));
        });
        if plan.cheat != Cheat::ShowEarly && store.wait(lsn).is_err() {
            return notes.fail();
        }
        notes.saw(Sight {
            db,
            key,
            value,
            not_before,
        });
        thread::yield_now();
    }
}
