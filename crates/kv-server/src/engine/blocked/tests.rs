//! Who is served, in which order, and that nobody is forgotten.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::AtomicU64;
use std::thread;

use kv_core::{ListEnd, MemoryOptions};

use super::*;
use crate::command::spec::Run;
use crate::command::table;
use crate::command::testing::with_request;

const AT: At = At {
    db: Db::FIRST,
    now: UnixMillis(1_000),
};

/// Waits of all threads together.
const ROUNDS: u64 = 100_000;
const CONSUMERS: u64 = 4;
const PRODUCERS: u64 = 3;

struct Setting {
    memory: MemoryStore,
    blocked: Blocked,
}

impl Setting {
    fn new() -> Self {
        Self {
            memory: MemoryStore::new(MemoryOptions {
                stripes: 8,
                ..MemoryOptions::default()
            }),
            blocked: Blocked::new(),
        }
    }

    /// Lets the client `id` ask for `words`.
    fn enter(&self, id: u64, words: &[&[u8]]) -> Result<Ticket, Vec<u8>> {
        let mut out = ReplyBuffer::new();
        let entered = with_request(words, |request| {
            let spec = table::find(request).expect("a command");
            let Run::Block(attempt) = spec.run else {
                panic!("{} never waits", spec.name)
            };
            let asking = Asking {
                id,
                spec,
                attempt,
                request,
                at: AT,
            };
            let mut reply = Reply::new(&mut out, Format::Resp2);
            let entered = self.blocked.enter(&self.memory, asking, &mut reply);
            entered.expect("no log refuses")
        });
        match entered {
            Entered::Waits(ticket) => Ok(ticket),
            Entered::Run(Ok(()), _) => Err(bytes(out)),
            Entered::Run(Err(error), _) => panic!("{error}"),
        }
    }

    fn push(&self, key: &[u8], element: &[u8]) {
        let push = |txn: &mut kv_core::Txn<'_>| {
            let pushed = txn.list_push(key, ListEnd::Back, &[element]);
            pushed.expect("a list");
        };
        let written = self.memory.write_with(AT, KeySet::One(key), push);
        written.expect("no log refuses");
        self.blocked.serve(&self.memory, AT.now);
    }

    /// Pushes to all of `keys` in one transaction, as `EXEC` does.
    fn push_to_all(&self, keys: &[&[u8]], number: u64) {
        let push = |txn: &mut kv_core::Txn<'_>| {
            for (place, key) in keys.iter().enumerate() {
                let element = format!("{number}-{place}");
                let pushed = txn.list_push(key, ListEnd::Back, &[element.as_bytes()]);
                pushed.expect("a list");
            }
        };
        let written = self.memory.write_with(AT, KeySet::Many(keys), push);
        written.expect("no log refuses");
        self.blocked.serve(&self.memory, AT.now);
    }

    /// Pushes to `key`, whose time comes in the same transaction: who is woken finds nothing.
    fn push_in_vain(&self, key: &[u8]) {
        let push = |txn: &mut kv_core::Txn<'_>| {
            let pushed = txn.list_push(key, ListEnd::Back, &[b"nobody gets this"]);
            pushed.expect("a list");
            assert!(txn.set_expiry(key, Some(AT.now)));
        };
        let written = self.memory.write_with(AT, KeySet::One(key), push);
        written.expect("no log refuses");
        self.blocked.serve(&self.memory, AT.now);
    }

    fn backlog(&self, key: &[u8]) -> usize {
        let length = |view: &mut kv_core::View<'_>| {
            let list = view.list(key).expect("a list");
            list.map_or(0, |list| list.len())
        };
        self.memory.read_with(AT, KeySet::One(key), length).0
    }
}

fn bytes(mut out: ReplyBuffer) -> Vec<u8> {
    use bytes::Buf as _;
    out.copy_to_bytes(out.remaining()).into()
}

fn served(ticket: Ticket) -> Vec<u8> {
    match ticket.wake.blocking_recv() {
        Ok(Wake::Served(served)) => bytes(served.reply),
        other => panic!("{other:?}"),
    }
}

/// The last word of a reply of bulk strings.
fn last_word(reply: &[u8]) -> Vec<u8> {
    let mut lines = reply.split(|byte| *byte == b'\n').rev().skip(1);
    let line = lines.next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line).to_vec()
}

#[test]
fn who_came_first_is_served_first() {
    let setting = Setting::new();
    let tickets: Vec<_> = (0..50)
        .map(|id| setting.enter(id, &[b"BLPOP", b"k", b"0"]).unwrap())
        .collect();
    assert!(setting.blocked.leave(&setting.memory, 7));
    assert!(!setting.blocked.leave(&setting.memory, 7));
    for number in 0..49u8 {
        setting.push(b"k", &[b'A' + number]);
    }
    for (id, ticket) in (0..).zip(tickets) {
        match id {
            7 => assert!(ticket.wake.blocking_recv().is_err()),
            0..7 => assert_eq!(last_word(&served(ticket)), [b'A' + id]),
            _ => assert_eq!(last_word(&served(ticket)), [b'A' + id - 1]),
        }
    }
    assert!(setting.enter(99, &[b"BLPOP", b"k", b"0"]).is_ok());
}

#[test]
fn nobody_is_left_in_a_queue_and_nothing_watched() {
    let setting = Setting::new();
    let one = setting
        .enter(1, &[b"BLPOP", b"a", b"b", b"a", b"0"])
        .unwrap();
    let two = setting
        .enter(2, &[b"BLMOVE", b"b", b"c", b"LEFT", b"LEFT", b"0"])
        .unwrap();
    let three = setting.enter(3, &[b"BRPOP", b"c", b"0"]).unwrap();
    setting.push(b"b", b"x");
    assert_eq!(last_word(&served(one)), b"x");
    // What the second moves is what the third waits for.
    setting.push(b"b", b"y");
    assert_eq!(last_word(&served(two)), b"y");
    assert_eq!(last_word(&served(three)), b"y");
    let queues = lock(&setting.blocked.queues);
    assert!(queues.clients.is_empty() && queues.of_keys.is_empty());
    drop(queues);
    setting.push(b"a", b"z");
    assert!(!setting.blocked.ready.any.load(Ordering::Relaxed));
}

/// Threads push, now and then to all keys in one transaction, now and then to a key that expires in the same
/// moment; threads wait on two keys each, some give up at once: what does not expire reaches exactly one of them, and nobody sleeps on while there is something for him. A lost wake-up leaves this test waiting.
#[test]
fn no_wake_up_is_lost_between_threads() {
    let setting = Setting::new();
    let keys: [&[u8]; 3] = [b"k0", b"k1", b"k2"];
    let (pushed, taken) = (AtomicU64::new(0), Mutex::new(BTreeSet::new()));
    let consuming = AtomicU64::new(CONSUMERS);
    let consume = |consumer: u64| {
        let mut own = Vec::new();
        for round in 0..ROUNDS / CONSUMERS {
            let first = keys[((consumer + round) % 3) as usize];
            let second = keys[((consumer + round * 2 + 1) % 3) as usize];
            loop {
                let reply = match setting.enter(consumer, &[b"BLPOP", first, second, b"0"]) {
                    Err(reply) => reply,
                    // Now and then the time is up at the very moment.
                    Ok(_)
                        if round % 16 == 0 && setting.blocked.leave(&setting.memory, consumer) =>
                    {
                        continue;
                    }
                    Ok(ticket) => served(ticket),
                };
                own.push(last_word(&reply));
                break;
            }
        }
        lock(&taken).extend(own);
        consuming.fetch_sub(1, Ordering::Relaxed);
    };
    let produce = || {
        while consuming.load(Ordering::Relaxed) > 0 {
            let number = pushed.fetch_add(1, Ordering::Relaxed);
            let key = keys[(number % 3) as usize];
            match number % 8 {
                _ if setting.backlog(key) >= 4 => thread::yield_now(),
                3 => setting.push_to_all(&keys, number),
                5 => setting.push_in_vain(key),
                _ => setting.push(key, number.to_string().as_bytes()),
            }
        }
    };
    thread::scope(|scope| {
        for consumer in 0..CONSUMERS {
            let consume = &consume;
            scope.spawn(move || consume(consumer));
        }
        for _ in 0..PRODUCERS {
            scope.spawn(produce);
        }
    });
    let taken = lock(&taken);
    assert_eq!(taken.len() as u64, ROUNDS);
    assert!(!taken.contains(&b"nobody gets this"[..]));
    // Nobody can be told that there is no standard error.
    let _ = writeln!(
        std::io::stderr(),
        "blocked: {ROUNDS} waits of {CONSUMERS} threads, none forgotten"
    );
}
