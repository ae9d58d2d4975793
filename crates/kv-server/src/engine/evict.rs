//! Room: what is removed when the data takes more memory than it may.
//!
//! Room is made by whoever asks for something while there is none, before it runs, and ten times a second by the
//! clock; each key goes through a transaction and the log like any other change. While clients that write are
//! paused, nothing is removed.

use std::sync::Arc;
use std::sync::TryLockError;
use std::time::{Duration, Instant};

use kv_core::{EvictionRule, Uses, Worst};

use crate::command::event::EVICTED;
use crate::server::Server;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing: what would add to the data is refused.
    Nothing,
    /// One key of a few.
    Some {
        worst: Worst,
        only_expiring: bool,
        uses: Uses,
    },
}

/// The policies by their names.
const POLICIES: [(&str, Policy); 8] = [
    ("volatile-lru", policy(Worst::Stalest, true, Uses::Recency)),
    (
        "volatile-lfu",
        policy(Worst::Stalest, true, Uses::Frequency),
    ),
    ("volatile-random", policy(Worst::Any, true, Uses::Recency)),
    ("volatile-ttl", policy(Worst::Soonest, true, Uses::Recency)),
    ("allkeys-lru", policy(Worst::Stalest, false, Uses::Recency)),
    (
        "allkeys-lfu",
        policy(Worst::Stalest, false, Uses::Frequency),
    ),
    ("allkeys-random", policy(Worst::Any, false, Uses::Recency)),
    ("noeviction", Policy::Nothing),
];

const fn policy(worst: Worst, only_expiring: bool, uses: Uses) -> Policy {
    Policy::Some {
        worst,
        only_expiring,
        uses,
    }
}

/// The number of [`Policy::Nothing`].
pub(crate) const NO_EVICTION: u64 = POLICIES.len() as u64 - 1;

/// The number of the policy called `name`.
pub(crate) fn policy_number(name: &str) -> Option<u64> {
    let mut names = (0..).zip(POLICIES);
    let found = names.find(|(_, (known, _))| known.eq_ignore_ascii_case(name));
    found.map(|(number, _)| number)
}

/// The names of all policies.
pub(crate) fn policy_names() -> String {
    POLICIES.map(|(name, _)| name).join(", ")
}

/// Most keys that go before whoever asks for something goes on.
const KEYS_AT_ONCE: usize = 64;

/// The most time that the clock makes room in one round.
const ROUND_TIME_MAX: Duration = Duration::from_millis(25);

/// Whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is.
    Enough,
    /// There is not, but there will be.
    Soon,
    /// There is not.
    None,
}

impl Server {
    fn policy(&self) -> (&'static str, Policy) {
        let number = usize::try_from(self.settings.policy.get()).unwrap_or(usize::MAX);
        *POLICIES
            .get(number)
            .unwrap_or(&("noeviction", Policy::Nothing))
    }

    /// The name of the policy.
    pub(crate) fn policy_name(&self) -> &'static str {
        self.policy().0
    }

    /// Lets the store remember what the policy looks at.
    pub(crate) fn remember_uses(&self) {
        let uses = match self.policy().1 {
            Policy::Nothing => Uses::Recency,
            Policy::Some { uses, .. } => uses,
        };
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let settings = &self.settings;
        let log_factor = number(settings.lfu_log_factor.get());
        let decay_minutes = number(settings.lfu_decay_minutes.get());
        self.engine.remember(uses, log_factor, decay_minutes);
    }

    /// Counts the bytes of the data while they are limited.
    pub(crate) fn count_memory(&self) {
        self.engine.count_memory(self.settings.memory_max.get() > 0);
    }

    /// Removes keys until the data takes no more memory than it may, as far as the policy has it.
    #[cold]
    pub(crate) fn make_room(&self) -> Room {
        let Policy::Some {
            worst,
            only_expiring,
            ..
        } = self.policy().1
        else {
            return Room::None;
        };
        if self.pause.holds_up_writes() {
            return Room::Soon;
        }
        let _alone = match self.makes_room.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
            Err(TryLockError::WouldBlock) => return Room::Soon,
        };
        let samples = usize::try_from(self.settings.memory_samples.get()).unwrap_or(usize::MAX);
        let rule = EvictionRule {
            worst,
            only_expiring,
            samples,
        };
        for _ in 0..KEYS_AT_ONCE {
            if !self.is_memory_full() {
                return Room::Enough;
            }
            match self.engine.evict(rule, EVICTED) {
                Ok(Some(_)) => {}
                Ok(None) => return Room::None,
                // The log says itself what it does not take.
                Err(_) => return Room::Soon,
            }
        }
        Room::Soon
    }
}

/// One round of the clock.
pub(crate) async fn make_room(server: &Arc<Server>) {
    let begun = Instant::now();
    while server.is_memory_full() && begun.elapsed() < ROUND_TIME_MAX {
        let turn = server.scripts.gate.turn().await;
        let room = server.make_room();
        drop(turn);
        if room == Room::None || server.pause.holds_up_writes() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_found_by_their_names() {
        assert_eq!(policy_number("noeviction"), Some(NO_EVICTION));
        assert_eq!(policy_number("ALLKEYS-lru"), Some(4));
        assert_eq!(policy_number("lru"), None);
        assert!(policy_names().starts_with("volatile-lru, volatile-lfu"));
    }
}
