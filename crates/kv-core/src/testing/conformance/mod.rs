//! What every store must do: each obligation a function, each with a fresh store.
//!
//! [`key_value`] has those of [`KeyValue`](crate::KeyValue), so for stores at the other end of a connection
//! too; [`store`] has those of [`Store`](crate::Store). None depends on the speed of the clock.

pub mod key_value;
pub mod store;

use crate::UnixMillis;

/// A time long gone.
const PAST: UnixMillis = UnixMillis(1);

/// A time that no test lives to see.
const FUTURE: UnixMillis = UnixMillis(1 << 52);

/// How many threads the tests with threads have.
const THREADS: usize = 8;

/// Rounds of a test with threads; fewer where an interpreter runs them.
const ROUNDS: usize = if cfg!(miri) { 5 } else { 500 };

fn named(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| format!("key:{n}").into_bytes())
        .collect()
}
