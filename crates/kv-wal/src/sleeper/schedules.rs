//! Schedules of a sleeper: no wake-up is lost. The search and what is planted are told in
//! `crate::schedules`.

use std::sync::Arc;

use super::Sleeper;
use crate::primitives::atomic::{AtomicU64, Ordering::SeqCst};
use crate::primitives::thread;
use crate::schedules::search::{catch, search};

const THINGS: u64 = 3;

/// One thread sleeps until there is something to see, another one shows it as `show` does.
fn something_is_shown(show: fn(&AtomicU64, &Sleeper), looks: bool) {
    let (sleeper, shown) = (Arc::<Sleeper>::default(), Arc::<AtomicU64>::default());
    let sleeping = {
        let (sleeper, shown) = (Arc::clone(&sleeper), Arc::clone(&shown));
        thread::spawn(move || {
            let mut seen = 0;
            while seen < THINGS {
                sleeper.sleep(None, || looks && shown.load(SeqCst) > seen);
                seen = shown.load(SeqCst);
            }
        })
    };
    for _ in 0..THINGS {
        show(&shown, &sleeper);
    }
    sleeping.join().expect("its panic ends the schedule");
}

fn show(shown: &AtomicU64, sleeper: &Sleeper) {
    shown.fetch_add(1, SeqCst);
    sleeper.wake();
}

#[test]
fn no_wake_up_is_lost() {
    search(1_000, || something_is_shown(show, true));
}

#[test]
fn waking_too_early_is_caught() {
    catch("wake before there is something to see", || {
        let early = |shown: &AtomicU64, sleeper: &Sleeper| {
            sleeper.wake();
            shown.fetch_add(1, SeqCst);
        };
        something_is_shown(early, true);
    });
}

#[test]
fn sleeping_without_a_look_is_caught() {
    catch("sleep without another look", || {
        something_is_shown(show, false);
    });
}
