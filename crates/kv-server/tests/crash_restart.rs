//! `kill -9` at a random moment under load and in the middle of snapshots, again and again on one directory: after
//! each restart no acknowledged write is missing, and nothing that any reply has shown is gone.
//!
//! Each key has one connection that writes it and many that read it. Its values are numbers that only grow, so
//! what must be there after a restart is a range: at least the newest number that was acknowledged to the
//! writer or shown to a reader, at most the newest that was sent.

mod figures;
mod process;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use process::{Process, Wire, resp};

const ROUNDS: u32 = 30;
const ROUNDS_LONG: u32 = 1000;
const CONNECTIONS: usize = 16;
/// The first so many connections write and read; the others only read, so that nothing but the rule for reads
/// holds their replies back.
const WRITERS: usize = 8;
const KEYS_PER_WRITER: usize = 2;
const PIPELINE_MAX: u64 = 16;

/// Small enough that the log changes files under load.
const ARGUMENTS: [&str; 2] = ["--segment-size", "64kb"];

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The newest number that was sent for it.
    sent: u64,
    /// The newest number that was acknowledged, or shown to anybody.
    certain: u64,
}

/// What is known of all keys, shared by all connections.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<String, Known>>);

impl Ledger {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0
            .lock()
            .expect("no connection panics while it writes here")
    }

    fn sent(&self, key: &str) -> u64 {
        let mut keys = self.keys();
        let known = keys.entry(key.to_owned()).or_default();
        known.sent += 1;
        known.sent
    }

    fn certain(&self, key: &str, number: u64) {
        let mut keys = self.keys();
        let known = keys.entry(key.to_owned()).or_default();
        assert!(number <= known.sent, "{key}: {number} was shown, {known:?}");
        known.certain = known.certain.max(number);
    }
}

/// Numbers that look random and come again with the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn nothing_acknowledged_or_shown_is_lost() {
    let rounds = match std::env::var_os("KV_TEST_LONG") {
        Some(_) => ROUNDS_LONG,
        None => ROUNDS,
    };
    let seed = u64::from(std::process::id()) << 20 | 1;
    println!("seed {seed}");
    let begun = Instant::now();
    let mut dice = Dice(seed);
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    for round in 0..rounds {
        let server = Process::start(dir.path(), &ARGUMENTS);
        check(&server, &ledger, round);
        let pause = Duration::from_millis(20 + dice.below(230));
        let seed = dice.below(u64::MAX) | 1;
        load_until_killed(server, &ledger, pause, seed);
    }
    let server = Process::start(dir.path(), &ARGUMENTS);
    let checked = check(&server, &ledger, rounds);
    assert!(checked >= WRITERS, "the load has written something");
    assert!(files(dir.path(), "wal-") >= 2, "the log has changed files");
    assert_eq!(files(dir.path(), "snap-"), 2);
    assert_eq!(server.terminate().code(), Some(0));
    figures::note(7, u64::from(rounds), "kills under load", begun);
}

/// Compares what the server has with what it must have; how many keys that were.
fn check(server: &Process, ledger: &Ledger, round: u32) -> usize {
    let keys = ledger.keys().clone();
    let mut wire = server.connect();
    for (key, known) in &keys {
        wire.send(resp(&["GET", key])).expect("the server listens");
        let found = number(&mut wire).expect("the server answers").unwrap_or(0);
        assert!(
            (known.certain..=known.sent).contains(&found),
            "round {round}: {key} is {found}, {known:?}\n{}",
            server.greeting
        );
    }
    keys.len()
}

fn load_until_killed(server: Process, ledger: &Ledger, pause: Duration, seed: u64) {
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let wire = server.connect();
            let dice = Dice(seed.wrapping_mul(2 * connection as u64 + 1) | 1);
            scope.spawn(move || {
                // It ends with the server, in the middle of whatever it does.
                let ended = load(wire, connection, ledger, dice);
                assert!(ended.is_err());
            });
        }
        let mut wire = server.connect();
        // One snapshot after the other, so that most kills meet one.
        scope.spawn(move || {
            while let Ok(reply) = save(&mut wire) {
                assert_eq!(reply, "+OK\r\n");
            }
        });
        std::thread::sleep(pause);
        server.kill();
    });
}

fn save(wire: &mut Wire) -> io::Result<String> {
    wire.send(resp(&["SAVE"]))?;
    wire.line()
}

/// One request of a batch, and what its reply will prove.
enum Asked {
    /// The newest number of the key is this.
    Set(String, u64),
    /// The reply is the newest number of the key.
    Incr(String),
    /// The reply is some number that the key has had.
    Get(String),
}

/// Writes own keys and reads all keys until the connection breaks.
fn load(mut wire: Wire, own: usize, ledger: &Ledger, mut dice: Dice) -> io::Result<()> {
    loop {
        let mut batch = Vec::new();
        let mut bytes = Vec::new();
        for _ in 0..=dice.below(PIPELINE_MAX) {
            let key_number = dice.below(KEYS_PER_WRITER as u64);
            let other = dice.below(WRITERS as u64);
            let kind = if own < WRITERS {
                dice.below(4)
            } else {
                2 + dice.below(2)
            };
            let (asked, request) = match kind {
                0 => {
                    let key = format!("set:{own}:{key_number}");
                    let value = ledger.sent(&key);
                    let request = resp(&["SET", &key, &value.to_string()]);
                    (Asked::Set(key, value), request)
                }
                1 => {
                    let key = format!("incr:{own}:{key_number}");
                    ledger.sent(&key);
                    let request = resp(&["INCR", &key]);
                    (Asked::Incr(key), request)
                }
                kind => {
                    let family = if kind == 2 { "set" } else { "incr" };
                    let key = format!("{family}:{other}:{key_number}");
                    let request = resp(&["GET", &key]);
                    (Asked::Get(key), request)
                }
            };
            batch.push(asked);
            bytes.extend(request);
        }
        wire.send(bytes)?;
        for asked in batch {
            match asked {
                Asked::Set(key, value) => {
                    assert_eq!(wire.line()?, "+OK\r\n");
                    ledger.certain(&key, value);
                }
                Asked::Incr(key) | Asked::Get(key) => {
                    if let Some(shown) = number(&mut wire)? {
                        ledger.certain(&key, shown);
                    }
                }
            }
        }
    }
}

/// The number that the next reply shows; `None` for nothing.
fn number(wire: &mut Wire) -> io::Result<Option<u64>> {
    let head = wire.line()?;
    let text = match head.as_bytes().first() {
        Some(b':') => head[1..].to_owned(),
        Some(b'$') if head == "$-1\r\n" => return Ok(None),
        Some(b'$') => wire.line()?,
        _ => panic!("not a number: {head:?}"),
    };
    Ok(Some(text.trim_end().parse().expect("values are numbers")))
}

/// How many files of the log there are or have been.
fn files(dir: &Path, start: &str) -> usize {
    std::fs::read_dir(dir.join("data"))
        .expect("the server has made it")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .count()
}
