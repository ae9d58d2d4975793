//! Thread schedules: the threads of the log run under a scheduler that switches between them at every lock,
//! atomic and parking, as chance decides, thousands of times. What is searched is the code that is shipped:
//! see `primitives`.
//!
//! `cargo xtask schedules` runs this; `KV_SCHEDULES_SEED` begins with another seed. A failure prints its
//! schedule.
//!
//! | planted bug | what catches it |
//! |---|---|
//! | waiters are released before the watermark moves | a waiting thread is never woken |
//! | an event loop looks before it arms | it is never called back |
//! | whoever is refused is told without the lock that it looks under | it is never woken |
//! | what is written after a failure is published | the watermark moves after the failure |
//! | a sleeper is woken before there is something to see | it is never woken |
//! | a sleeper does not look again before it sleeps | it is never woken |
//! | writes are admitted without headroom | on a full disk, one waits for ever |
//! | the blank is taken before it counts as live | writes are refused though there is room |
//! | the pace is told of a write before it is written | the write is forgotten by the age limit |
//!
//! Shuttle takes every atomic as sequentially consistent, which those of the hand-overs are. Loom also knows
//! weaker memory, but takes `SeqCst` for `AcqRel` and would report what cannot be: it is used for the counters
//! whose order is by acquire and release alone.

#[cfg(kv_loom)]
mod counters;
#[cfg(kv_shuttle)]
mod full_disk;
#[cfg(kv_shuttle)]
mod life;
#[cfg(kv_shuttle)]
pub(crate) mod search;
#[cfg(kv_shuttle)]
mod slow_disk;
