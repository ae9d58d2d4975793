//! Counters that are read without a lock, in every order that memory allows.
//!
//! Where the code leans on system calls, which order memory for everybody, the model has a fence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Count, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kv_core::Lsn;
use loom::model::Builder;
use loom::sync::atomic::{AtomicBool, Ordering::SeqCst, fence};

use crate::CommitGate;
use crate::headroom::Headroom;
use crate::pace::Pace;
use crate::primitives::{let_time_pass, thread};
use crate::testing::figures;

/// The row of the table in `docs/testing.md`.
const ROW: u32 = 6;

/// All executions of `model`; how many there were.
fn explore(model: impl Fn() + Send + Sync + 'static) -> u64 {
    let executions = Arc::new(Count::new(0));
    let counted = Arc::clone(&executions);
    Builder::new().check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    executions.load(Relaxed)
}

fn search(model: impl Fn() + Send + Sync + 'static) {
    let begun = Instant::now();
    let executions = explore(model);
    assert!(executions > 1, "there is nothing to choose");
    figures::note(ROW, executions, "memory orders", begun.elapsed());
}

fn catch(bug: &str, model: impl Fn() + Send + Sync + 'static) {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| explore(model)));
    assert!(outcome.is_err(), "{bug}: not caught");
    println!("planted: {bug}: caught by memory orders");
    figures::note(8, 1, "planted bugs caught", begun.elapsed());
}

#[test]
fn durable_is_never_ahead_of_written() {
    search(|| {
        let gate = Arc::new(CommitGate::new(Lsn::ZERO));
        let publishing = Arc::clone(&gate);
        let publisher = thread::spawn(move || {
            for lsn in [Lsn(1), Lsn(2)] {
                publishing.publish_written(lsn);
                publishing.publish_durable(lsn);
            }
        });
        let durable = gate.durable();
        assert!(durable <= gate.written());
        publisher.join().expect("it does not panic");
        assert_eq!((gate.durable(), gate.written()), (Lsn(2), Lsn(2)));
    });
}

const SEGMENT_BYTES: u64 = 1 << 20;

fn a_blank_goes_live(take: fn(&Headroom)) {
    let headroom = Arc::new(Headroom::new(SEGMENT_BYTES, SEGMENT_BYTES, SEGMENT_BYTES));
    headroom.blank_is(SEGMENT_BYTES);
    let taking = Arc::clone(&headroom);
    let writer = thread::spawn(move || take(&taking));
    assert!(headroom.is_enough_for(0), "the blank is lost from sight");
    writer.join().expect("it does not panic");
    assert!(headroom.is_enough_for(0));
}

#[test]
fn a_blank_is_in_sight_while_it_goes_live() {
    search(|| a_blank_goes_live(|headroom| headroom.blank_goes_live(SEGMENT_BYTES, SEGMENT_BYTES)));
}

#[test]
fn a_blank_that_is_taken_before_it_is_live_is_caught() {
    catch("take the blank before it is live", || {
        a_blank_goes_live(|headroom| {
            headroom.blank_is(0);
            headroom.blank_goes_live(SEGMENT_BYTES, SEGMENT_BYTES);
        });
    });
}

/// Something is written while a sync begins. If the sync does not cover it, it is overdue after a while.
fn a_write_meets_a_sync(write: fn(&Pace, &AtomicBool)) {
    let pace = Arc::new(Pace::new());
    let written = Arc::new(AtomicBool::new(false));
    // An earlier write, which this sync covers.
    pace.wrote();
    let syncing = {
        let (pace, written) = (Arc::clone(&pace), Arc::clone(&written));
        thread::spawn(move || {
            pace.sync_begins();
            fence(SeqCst);
            let covered = written.load(SeqCst);
            pace.sync_done();
            covered
        })
    };
    write(&pace, &written);
    let covered = syncing.join().expect("it does not panic");
    let_time_pass(Duration::from_secs(3));
    assert!(covered || pace.is_overdue(), "a write is forgotten");
}

#[test]
fn no_write_is_forgotten_by_the_pace() {
    search(|| {
        a_write_meets_a_sync(|pace, written| {
            written.store(true, SeqCst);
            fence(SeqCst);
            pace.wrote();
        });
    });
}

#[test]
fn telling_the_pace_before_writing_is_caught() {
    catch("tell the pace before the write", || {
        a_write_meets_a_sync(|pace, written| {
            pace.wrote();
            fence(SeqCst);
            written.store(true, SeqCst);
        });
    });
}
