//! Writes numbered keys into a durable store until it is killed; started again, it shows that every
//! write that had returned is there.
//!
//! `embedded-durable DIR` opens the store in DIR, checks what is there, and prints each number after its
//! write returned. Kill it in any way, start it again.

use std::io::Write;

use kv_core::KeyValue;
use kv_wal::{DurableOptions, DurableStore};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: embedded-durable DIR")?;
    let store = DurableStore::open(directory, DurableOptions::default())?;

    let mut next = 0u64;
    while store.get(format!("key:{next}").as_bytes())?.is_some() {
        next += 1;
    }
    assert!(store.len()? == next, "the keys that came back have no holes");

    let mut out = std::io::stdout().lock();
    writeln!(out, "recovered {next}")?;
    loop {
        store.set(format!("key:{next}").as_bytes(), b"value")?;
        writeln!(out, "{next}")?;
        out.flush()?;
        next += 1;
    }
}
