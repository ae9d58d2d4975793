//! Removes keys whose time has come and that nobody asks for.
//!
//! A read removes what it finds expired too, see `execute`; where sweeps are turned off, so does a scan.
//!
//! A sweep runs ten times a second in short slices, longer while much has expired; each removal goes through
//! a transaction and the log like any other change. While clients that write are paused, nothing is removed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kv_core::ExpireSweep;

use super::evict::make_room;
use crate::server::Server;

/// From one sweep to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// The most time that one sweep takes: a quarter of the pause.
const SWEEP_TIME_MAX: Duration = Duration::from_millis(25);

/// Keys looked at in one slice, after which others get their turn.
const SLICE_KEYS: usize = 200;

/// A sweep goes on while at least one key in this many was due.
const WORTH_GOING_ON: usize = 10;

/// Sweeps for as long as it is polled.
pub(crate) async fn expire(server: Arc<Server>) {
    let mut rounds = tokio::time::interval(PAUSE);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let turn = server.scripts.gate.turn().await;
        server.engine.serve(&server.blocked);
        drop(turn);
        if server.settings.clockwork.get() == 0 {
            continue;
        }
        make_room(&server).await;
        if server.settings.sweeps.get() == 0 {
            continue;
        }
        let begun = Instant::now();
        while !server.pause.holds_up_writes()
            && slice(&server).await
            && begun.elapsed() < SWEEP_TIME_MAX
        {
            tokio::task::yield_now().await;
        }
    }
}

/// Whether nobody else removes what has expired.
pub(crate) fn is_left_to_reads(server: &Server) -> bool {
    server.settings.sweeps.get() == 0 && !server.pause.holds_up_writes()
}

/// One slice; whether another one is worth it.
async fn slice(server: &Server) -> bool {
    let _turn = server.scripts.gate.turn().await;
    let sweep = server.engine.expire_due(SLICE_KEYS);
    is_worth_another(&sweep)
}

/// A log that refuses writes leaves everything that is due where it is: then nothing is removed, and looking
/// again at once would find the same.
fn is_worth_another(sweep: &ExpireSweep) -> bool {
    let removed = sweep.removed + sweep.removed_fields;
    sweep.more && removed > 0 && removed * WORTH_GOING_ON >= sweep.looked_at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_that_may_not_remove_anything_waits_for_the_next_round() {
        let sweep = |removed, looked_at| ExpireSweep {
            removed,
            removed_fields: 0,
            looked_at,
            more: true,
        };
        assert!(is_worth_another(&sweep(20, 200)));
        assert!(!is_worth_another(&sweep(19, 200)));
        assert!(!is_worth_another(&sweep(0, 0)));
        assert!(is_worth_another(&ExpireSweep {
            removed_fields: 20,
            ..sweep(0, 200)
        }));
        assert!(!is_worth_another(&ExpireSweep {
            more: false,
            ..sweep(200, 200)
        }));
    }
}
