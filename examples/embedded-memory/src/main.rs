//! Eight threads share one store in memory: they store, read, expire and iterate.

use std::sync::Arc;

use kv_core::{Clock, Cursor, Expiry, KeyValue, ManualClock, MemoryOptions, MemoryStore, StoreError, UnixMillis};

const THREADS: usize = 8;
const KEYS_PER_THREAD: usize = 10_000;

fn main() -> Result<(), StoreError> {
    // Your program would take the default clock; this one shows expiry without waiting for it.
    let clock = Arc::new(ManualClock::new(UnixMillis(1_000)));
    let store =
        MemoryStore::new(MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() });

    on_all_threads(|thread| {
        for number in 0..KEYS_PER_THREAD {
            let key = format!("{thread}:{number}");
            store.set(key.as_bytes(), number.to_string().as_bytes())?;
            assert_eq!(store.get(key.as_bytes())?.as_deref(), Some(number.to_string().as_bytes()));
            if number % 2 == 0 {
                assert!(store.expire(key.as_bytes(), clock.now().checked_add(100))?);
            }
        }
        Ok(())
    })?;
    assert_eq!(store.expiry(b"0:0")?, Expiry::At(UnixMillis(1_100)));
    println!("stored {} keys", count(&store)?);

    clock.advance(100);
    on_all_threads(|_| {
        assert_eq!(count(&store)?, THREADS * KEYS_PER_THREAD / 2);
        Ok(())
    })?;
    assert_eq!(store.get(b"0:0")?, None);
    println!("after expiry {} keys are left", count(&store)?);
    Ok(())
}

/// Runs `work` on every thread at once.
fn on_all_threads(work: impl Fn(usize) -> Result<(), StoreError> + Sync) -> Result<(), StoreError> {
    std::thread::scope(|threads| {
        let work = &work;
        let started: Vec<_> =
            (0..THREADS).map(|thread| threads.spawn(move || work(thread))).collect();
        started.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })
}

/// Iterates over every key that has not expired.
fn count(store: &dyn KeyValue) -> Result<usize, StoreError> {
    let (mut cursor, mut count) = (Cursor::START, 0);
    loop {
        let (next, keys) = store.scan(cursor, 100)?;
        count += keys.len();
        if next == Cursor::START {
            return Ok(count);
        }
        cursor = next;
    }
}
