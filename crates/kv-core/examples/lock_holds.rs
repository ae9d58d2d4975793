//! How long one change of a value of a million elements takes, while it grows and beside a walk of the store: the
//! longest time that other keys of its stripe may have to wait for it.
//!
//! ```sh
//! cargo run --release -p kv-core --example lock_holds
//! ```

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use kv_core::{At, Db, KeySet, ListEnd, MemoryOptions, MemoryStore, Txn, UnixMillis};

const ELEMENTS: usize = 1_000_000;

const KEY: &[u8] = b"large";

/// What changes one element, new or old.
type Change = fn(&mut Txn<'_>, usize);

const KINDS: &[(&str, Change)] = &[
    ("list", |txn, number| {
        let element = format!("element:{number:08}");
        if number < ELEMENTS {
            let _ = txn.list_push(KEY, ListEnd::Back, &[element.as_bytes()]);
        } else {
            let _ = txn.list_set(KEY, scattered(number), element.as_bytes());
        }
    }),
    ("hash", |txn, number| {
        let field = format!("field:{:08}", scattered(number));
        let value = format!("value:{number:08}");
        let _ = txn.hash_set(KEY, &[field.as_bytes(), value.as_bytes()]);
    }),
    ("set", |txn, number| {
        let member = format!("member:{:08}", scattered(number));
        if number >= ELEMENTS && number % 2 == 0 {
            let _ = txn.set_remove(KEY, &[member.as_bytes()]);
        } else {
            let _ = txn.set_add(KEY, &[member.as_bytes()]);
        }
    }),
    ("zset", |txn, number| {
        let member = format!("member:{:08}", scattered(number));
        let score = f64::from(u32::try_from(number % 65_536).unwrap_or(0));
        let _ = txn.zset_add(KEY, &[(score, member.as_bytes())]);
    }),
];

/// Any number below [`ELEMENTS`], each once in as many.
fn scattered(number: usize) -> usize {
    number * 7_919 % ELEMENTS
}

/// The longest of some changes, and how long the longest but one in ten thousand took.
fn longest(store: &MemoryStore, change: Change, numbers: impl Iterator<Item = usize>) -> String {
    let at = At {
        db: Db::FIRST,
        now: UnixMillis(0),
    };
    let mut took: Vec<Duration> = Vec::new();
    for number in numbers {
        let begun = Instant::now();
        let done = store.write_with(at, KeySet::One(KEY), |txn| change(txn, number));
        took.push(begun.elapsed());
        assert!(done.is_ok(), "nothing refuses");
    }
    took.sort_unstable();
    let all = took.len();
    let late = took
        .get(all - all / 10_000 - 1)
        .copied()
        .unwrap_or_default();
    let last = took.last().copied().unwrap_or_default();
    format!(
        "{all} changes: median {:?}, 99.99 % {late:?}, longest {last:?}",
        took[all / 2]
    )
}

fn main() {
    for (kind, change) in KINDS {
        let store = MemoryStore::new(MemoryOptions::default());
        let grown = longest(&store, *change, 0..ELEMENTS);
        let megabytes = store.memory_used() >> 20;
        // Always some walk under way, each new one sharing everything again.
        let done = AtomicBool::new(false);
        let walked = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    let Some(mut walk) = store.walk() else { break };
                    // What a snapshot keeps of a large value is a clone, for as long as it is written.
                    thread::sleep(Duration::from_millis(10));
                    while walk.slice(|_| {}) {}
                }
            });
            let walked = longest(&store, *change, ELEMENTS..ELEMENTS + ELEMENTS / 2);
            done.store(true, Relaxed);
            walked
        });
        let begun = Instant::now();
        let at = At {
            db: Db::FIRST,
            now: UnixMillis(0),
        };
        let _ = store.write_with(at, KeySet::One(KEY), |txn| txn.delete(KEY));
        let deleted = begun.elapsed();
        show(&format!(
            "{kind}: {megabytes} MiB\n  growing: {grown}\n  beside walks: {walked}\n  deleted in {deleted:?}"
        ));
    }
}

#[expect(clippy::print_stdout, reason = "what this program is for")]
fn show(text: &str) {
    println!("{text}");
}
