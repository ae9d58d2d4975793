//! Schedules of the gate: nobody who waits is forgotten, and a failure stops the watermarks. The search and
//! what is planted are told in `crate::schedules`.

use std::sync::Arc;

use kv_core::{Lsn, StoreError};

use super::{Armed, CommitGate, Subscription};
use crate::Durability;
use crate::primitives::atomic::{AtomicBool, Ordering::SeqCst};
use crate::primitives::{Condvar, Mutex, thread};
use crate::schedules::search::{catch, search};

const LSNS: u64 = 3;

/// What a model does in place of what the gate does.
type Publish = fn(&CommitGate, Lsn);
type Arm = fn(&Subscription, Lsn) -> Armed;
type Release = fn(&CommitGate);

fn new_gate() -> Arc<CommitGate> {
    Arc::new(CommitGate::new(Lsn::ZERO))
}

/// Threads wait for each LSN, one publishes them.
fn threads_wait(publish: Publish) {
    let gate = new_gate();
    let waiting: Vec<_> = (1..=LSNS)
        .map(|lsn| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                assert_eq!(gate.wait(Lsn(lsn), Durability::No), Ok(()));
                assert!(gate.written() >= Lsn(lsn));
            })
        })
        .collect();
    for lsn in 1..=LSNS {
        publish(&gate, Lsn(lsn));
    }
    for thread in waiting {
        thread.join().expect("its panic ends the schedule");
    }
}

/// The bed of an event loop.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().expect("nobody panics here") = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().expect("nobody panics here");
        while !std::mem::take(&mut *rung) {
            rung = self.changed.wait(rung).expect("nobody panics here");
        }
    }
}

fn subscribe(gate: &Arc<CommitGate>) -> (Subscription, Arc<Bell>) {
    let bell = Arc::<Bell>::default();
    let ringing = Arc::clone(&bell);
    (gate.subscribe(Box::new(move || ringing.ring())), bell)
}

/// An event loop waits for one LSN after the other.
fn an_event_loop_waits(arm: Arm) {
    let gate = new_gate();
    let (subscription, bell) = subscribe(&gate);
    let event_loop = thread::spawn(move || {
        for lsn in (1..=LSNS).map(Lsn) {
            while subscription.gate().durable() < lsn {
                if arm(&subscription, lsn) == Armed::Pending {
                    bell.wait();
                }
            }
        }
    });
    for lsn in (1..=LSNS).map(Lsn) {
        gate.publish_written(lsn);
        gate.publish_durable(lsn);
    }
    event_loop.join().expect("its panic ends the schedule");
}

/// A thread and an event loop are refused, and try again when they may.
fn the_refused_wait(release: Release) {
    let gate = new_gate();
    let full = Arc::new(AtomicBool::new(true));
    let (subscription, bell) = subscribe(&gate);
    let refused = [
        {
            let (gate, full) = (Arc::clone(&gate), Arc::clone(&full));
            thread::spawn(move || gate.wait_admission(|| !full.load(SeqCst)))
        },
        {
            let full = Arc::clone(&full);
            thread::spawn(move || {
                while full.load(SeqCst) {
                    subscription.arm_admission();
                    if full.load(SeqCst) {
                        bell.wait();
                    }
                }
            })
        },
    ];
    full.store(false, SeqCst);
    release(&gate);
    for thread in refused {
        thread.join().expect("its panic ends the schedule");
    }
}

/// The log fails while another thread publishes and others wait.
fn the_log_fails(publish: Publish) {
    let gate = new_gate();
    let (subscription, bell) = subscribe(&gate);
    let waiting: Vec<_> = [1, LSNS]
        .map(|lsn| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                let waited = gate.wait(Lsn(lsn), Durability::No);
                assert!(matches!(waited, Ok(()) | Err(StoreError::LogFailed)));
            })
        })
        .into();
    let event_loop = thread::spawn(move || {
        while !subscription.gate().has_failed() {
            if subscription.arm(Durability::Always, Lsn(LSNS)) == Armed::Pending {
                bell.wait();
            }
        }
    });
    let publisher = {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            for lsn in 1..=LSNS {
                publish(&gate, Lsn(lsn));
            }
        })
    };
    gate.fail();
    let stood = gate.written();
    publisher.join().expect("its panic ends the schedule");
    assert_eq!(gate.written(), stood, "moved after the failure");
    for thread in waiting {
        thread.join().expect("its panic ends the schedule");
    }
    event_loop.join().expect("its panic ends the schedule");
}

#[test]
fn no_waiting_thread_is_forgotten() {
    search(2_000, || threads_wait(CommitGate::publish_written));
}

#[test]
fn no_event_loop_is_forgotten() {
    search(1_500, || {
        an_event_loop_waits(|subscription, lsn| subscription.arm(Durability::Always, lsn));
    });
}

#[test]
fn nobody_who_was_refused_is_forgotten() {
    search(1_500, || the_refused_wait(CommitGate::release_admission));
}

#[test]
fn a_failure_stops_the_watermarks() {
    search(1_500, || the_log_fails(CommitGate::publish_written));
}

#[test]
fn releasing_before_publishing_is_caught() {
    catch("release before publish", || {
        threads_wait(|gate, lsn| {
            gate.for_written.release(lsn.0);
            gate.written.fetch_max(lsn.0, SeqCst);
        });
    });
}

#[test]
fn looking_before_arming_is_caught() {
    catch("look before arming", || {
        an_event_loop_waits(|subscription, lsn| {
            if subscription.gate().durable() >= lsn {
                return Armed::Reached;
            }
            subscription.arm_unlooked(Durability::Always, lsn);
            Armed::Pending
        });
    });
}

#[test]
fn telling_the_refused_without_the_lock_is_caught() {
    catch("tell the refused without the lock", || {
        the_refused_wait(|gate| {
            gate.admitted.notify_all();
            for subscriber in &*gate.subscribers() {
                subscriber.release_admission();
            }
        });
    });
}

#[test]
fn publishing_after_a_failure_is_caught() {
    catch("publish after a failure", || {
        the_log_fails(|gate, lsn| {
            gate.written.fetch_max(lsn.0, SeqCst);
            gate.for_written.release(lsn.0);
        });
    });
}
