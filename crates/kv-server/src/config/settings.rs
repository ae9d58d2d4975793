//! What can change while the server runs: read by sessions with one relaxed load, changed by `CONFIG SET`.

use std::sync::atomic::{AtomicU64, Ordering};

use kv_proto::Limits;

use super::kept::Kept;
use crate::engine::evict::NO_EVICTION;

/// Seconds after which a half-sent request is given up.
pub(crate) const REQUEST_TIMEOUT_S: u64 = 30;

/// Seconds between the probes of an idle connection.
pub(crate) const KEEPALIVE_S: u64 = 300;

/// Bytes of replies that may wait for a client at all; a whole value must fit.
pub(crate) const OUTPUT_HARD_BYTES: u64 = 1 << 30;

/// Bytes of replies that may wait for a client for [`OUTPUT_SOFT_S`] seconds.
pub(crate) const OUTPUT_SOFT_BYTES: u64 = 64 << 20;

/// Seconds for which more than [`OUTPUT_SOFT_BYTES`] may wait.
pub(crate) const OUTPUT_SOFT_S: u64 = 60;

/// Bytes of messages that may wait for a client at all.
pub(crate) const PUBSUB_HARD_BYTES: u64 = 32 << 20;

/// Bytes of messages that may wait for a client for [`OUTPUT_SOFT_S`] seconds.
pub(crate) const PUBSUB_SOFT_BYTES: u64 = 8 << 20;

/// How many keys are remembered for clients with caches.
pub(crate) const TRACKED_KEYS_MAX: u64 = 1_000_000;

/// Milliseconds that a script may run before others are told that the server is busy.
pub(crate) const BUSY_REPLY_THRESHOLD_MS: u64 = 5_000;

const _: () = assert!(OUTPUT_HARD_BYTES > kv_core::limits::STRING_BYTES_MAX as u64);

/// One number that can change at any time.
#[derive(Debug)]
pub(crate) struct Setting(AtomicU64);

impl Setting {
    const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// The settings of a running server.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Most client connections at a time.
    pub(crate) clients_max: Setting,
    /// The most that `clients_max` can be: what the limit on open files leaves.
    pub(crate) clients_possible: u64,
    /// Seconds after which an idle connection is closed; 0: never.
    pub(crate) idle_timeout_s: Setting,
    /// Seconds after which a half-sent request is given up; 0: never.
    pub(crate) request_timeout_s: Setting,
    /// Seconds between the probes of an idle connection; 0: none.
    pub(crate) keepalive_s: Setting,
    /// Bytes of replies that may wait for a client; 0: no limit.
    pub(crate) output_hard_bytes: Setting,
    /// Bytes of replies that may wait for `output_soft_s` seconds; 0: no limit.
    pub(crate) output_soft_bytes: Setting,
    /// Seconds for which more than `output_soft_bytes` may wait.
    pub(crate) output_soft_s: Setting,
    /// Bytes that one request may have.
    pub(crate) request_bytes_max: Setting,
    /// Bytes that one string of a request may have.
    pub(crate) bulk_bytes_max: Setting,
    /// Bytes that all connections together may take; 0: no limit.
    pub(crate) clients_bytes_max: Setting,
    /// That limit as a share of `memory_max`; 0: `clients_bytes_max` says it.
    pub(crate) clients_percent_max: Setting,
    /// How many replicas there must be for a write to run: there are none.
    pub(crate) replicas_min: Setting,
    /// Bytes of mail that may wait for a client; 0: no limit.
    pub(crate) pubsub_hard_bytes: Setting,
    /// Bytes of mail that may wait for `pubsub_soft_s` seconds; 0: no limit.
    pub(crate) pubsub_soft_bytes: Setting,
    /// Seconds for which more than `pubsub_soft_bytes` may wait.
    pub(crate) pubsub_soft_s: Setting,
    /// How many keys are remembered for clients with caches; 0: no limit.
    pub(crate) tracked_keys_max: Setting,
    /// Milliseconds after which a script that still runs lets others know that the server is busy; 0: never.
    pub(crate) busy_reply_threshold_ms: Setting,
    /// Which events of keys are published: the bits of [`NotifyFlags`](crate::notify::NotifyFlags).
    pub(crate) notify_flags: Setting,
    /// Bytes that the data may take before what would add to it is refused; 0: no limit.
    pub(crate) memory_max: Setting,
    /// What is removed to make room: the number of a [`Policy`](crate::engine::evict::Policy).
    pub(crate) policy: Setting,
    /// How many keys are looked at to find one to remove.
    pub(crate) memory_samples: Setting,
    /// How slowly counts of uses grow.
    pub(crate) lfu_log_factor: Setting,
    /// Minutes after which a count of uses becomes less by one; 0: it does not.
    pub(crate) lfu_decay_minutes: Setting,
    /// Whether what has expired is removed before anybody asks for it; 0: it is not.
    pub(crate) sweeps: Setting,
    /// Whether the work goes on that is done by the clock; 0: it does not.
    pub(crate) clockwork: Setting,
    /// What is remembered for clients and steers nothing.
    pub(crate) kept: Kept,
}

impl Settings {
    /// The settings at the start, for a process that can have `clients_possible` connections.
    pub(crate) fn new(clients_max: u64, clients_possible: u64) -> Self {
        Self {
            clients_max: Setting::new(clients_max.min(clients_possible)),
            clients_possible,
            idle_timeout_s: Setting::new(0),
            request_timeout_s: Setting::new(REQUEST_TIMEOUT_S),
            keepalive_s: Setting::new(KEEPALIVE_S),
            output_hard_bytes: Setting::new(OUTPUT_HARD_BYTES),
            output_soft_bytes: Setting::new(OUTPUT_SOFT_BYTES),
            output_soft_s: Setting::new(OUTPUT_SOFT_S),
            request_bytes_max: Setting::new(kv_proto::REQUEST_BYTES_MAX as u64),
            bulk_bytes_max: Setting::new(kv_proto::BULK_BYTES_MAX as u64),
            clients_bytes_max: Setting::new(0),
            clients_percent_max: Setting::new(0),
            replicas_min: Setting::new(0),
            pubsub_hard_bytes: Setting::new(PUBSUB_HARD_BYTES),
            pubsub_soft_bytes: Setting::new(PUBSUB_SOFT_BYTES),
            pubsub_soft_s: Setting::new(OUTPUT_SOFT_S),
            tracked_keys_max: Setting::new(TRACKED_KEYS_MAX),
            busy_reply_threshold_ms: Setting::new(BUSY_REPLY_THRESHOLD_MS),
            notify_flags: Setting::new(0),
            memory_max: Setting::new(0),
            policy: Setting::new(NO_EVICTION),
            memory_samples: Setting::new(5),
            lfu_log_factor: Setting::new(10),
            lfu_decay_minutes: Setting::new(1),
            sweeps: Setting::new(1),
            clockwork: Setting::new(1),
            kept: Kept::default(),
        }
    }

    /// What a client may send in one request.
    pub(crate) fn request_limits(&self) -> Limits {
        let bytes = |setting: &Setting| usize::try_from(setting.get()).unwrap_or(usize::MAX);
        Limits {
            request_bytes_max: bytes(&self.request_bytes_max),
            bulk_bytes_max: bytes(&self.bulk_bytes_max),
            ..Limits::default()
        }
    }

    /// Bytes that all connections together may take; `None`: there is no limit.
    pub(crate) fn clients_bytes_max(&self) -> Option<u64> {
        let percent = self.clients_percent_max.get();
        let limit = match percent {
            0 => self.clients_bytes_max.get(),
            _ => self.memory_max.get() / 100 * percent,
        };
        (limit > 0).then_some(limit)
    }
}
