//! The load generator against a tiny RESP server in this process: what it sends, what it counts.
//!
//! Nothing here looks at how long anything takes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_bench::interrupt::{Interrupt, Interrupted};
use kv_bench::load::{KeyDistribution, LoadOutcome, LoadSpec, Pace, Stop, ValueSizes, run};
use kv_bench::progress::Progress;

/// What the responder saw: each command name with its count, the distinct keys, and the last value of each.
#[derive(Default)]
struct Seen {
    commands: HashMap<String, u64>,
    keys: HashMap<Vec<u8>, u64>,
    values: HashMap<Vec<u8>, Vec<u8>>,
}

/// Starts a server that answers everything it knows, and refuses `refused`.
fn responder(refused: &'static str) -> (SocketAddr, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream, refused, &seen));
        }
    });
    (address, seen)
}

fn serve(stream: TcpStream, refused: &str, seen: &Mutex<Seen>) {
    let mut requests = BufReader::new(stream.try_clone().unwrap());
    let mut replies = stream;
    while let Some(words) = read_request(&mut requests) {
        let name = String::from_utf8_lossy(&words[0]).into_owned();
        let reply = {
            let mut seen = seen.lock().unwrap();
            *seen.commands.entry(name.clone()).or_default() += 1;
            if let Some(key) = words.get(1) {
                *seen.keys.entry(key.clone()).or_default() += 1;
            }
            match name.as_str() {
                name if name == refused => b"-NOPERM not you\r\n".to_vec(),
                "GET" => bulk(seen.values.get(&words[1]).map_or(UNSET, Vec::as_slice)),
                "SET" => {
                    seen.values.insert(words[1].clone(), words[2].clone());
                    b"+OK\r\n".to_vec()
                }
                "INCR" => b":1\r\n".to_vec(),
                "PING" => b"+PONG\r\n".to_vec(),
                _ => b"+OK\r\n".to_vec(),
            }
        };
        if replies.write_all(&reply).is_err() {
            return;
        }
    }
}

/// What the responder says is at a key that nobody has set.
const UNSET: &[u8] = b"va\r\nl";

fn bulk(value: &[u8]) -> Vec<u8> {
    let head = format!("${}\r\n", value.len());
    [head.as_bytes(), value, b"\r\n"].concat()
}

fn read_request(from: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let count = read_header(from, '*')?;
    (0..count)
        .map(|_| {
            let mut word = vec![0; read_header(from, '$')? + 2];
            from.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(word)
        })
        .collect()
}

fn read_header(from: &mut impl BufRead, mark: char) -> Option<usize> {
    let mut line = String::new();
    from.read_line(&mut line).ok()?;
    line.strip_prefix(mark)?.trim_end().parse().ok()
}

fn load(spec: &LoadSpec) -> anyhow::Result<LoadOutcome> {
    run(spec, &Interrupt::default(), &Progress::hidden())
}

fn short(target: SocketAddr) -> LoadSpec {
    LoadSpec {
        connections: 4,
        stop: Stop::Requests(1_000),
        ..LoadSpec::new(target)
    }
}

#[test]
fn a_counted_load_sends_exactly_that_many_requests() {
    let (target, seen) = responder("");
    let outcome = load(&LoadSpec {
        mix: "get=2,set=1,incr=1,mset=1,ping=1".parse().unwrap(),
        pipeline: 16,
        threads: 2,
        ..short(target)
    })
    .unwrap();
    assert_eq!(outcome.replies, 1_000);
    assert_eq!((outcome.errors, outcome.unanswered), (0, 0));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.commands.values().sum::<u64>(), 1_000);
    assert_eq!(seen.commands.len(), 5, "{:?}", seen.commands);
}

#[test]
fn a_sequential_load_names_each_key_once() {
    let (target, seen) = responder("");
    let mut spec = LoadSpec {
        pipeline: 7,
        threads: 3,
        stop: Stop::Requests(300),
        ..short(target)
    };
    spec.keys.count = 300;
    spec.keys.distribution = KeyDistribution::Sequential;
    load(&spec).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.keys.len(), 300);
    assert!(seen.keys.values().all(|count| *count == 1));
}

#[test]
fn values_larger_than_a_socket_buffer_go_out_whole() {
    let (target, seen) = responder("");
    let outcome = load(&LoadSpec {
        value_bytes: ValueSizes::exactly(4 << 20),
        pipeline: 2,
        stop: Stop::Requests(8),
        ..short(target)
    })
    .unwrap();
    assert_eq!(outcome.replies, 8);
    assert_eq!(seen.lock().unwrap().commands["SET"], 8);
}

#[test]
fn values_have_the_lengths_that_were_asked_for() {
    let (target, seen) = responder("");
    load(&LoadSpec {
        value_bytes: "40..50,7=1".parse().unwrap(),
        ..short(target)
    })
    .unwrap();
    let seen = seen.lock().unwrap();
    let mut lengths = seen.values.values().map(Vec::len);
    assert!(lengths.all(|bytes| bytes == 7 || (40..=50).contains(&bytes)));
}

#[test]
fn a_verifying_load_believes_what_was_written_and_nothing_else() {
    let (target, seen) = responder("");
    let mut spec = LoadSpec {
        verify: true,
        value_bytes: "36..5000".parse().unwrap(),
        stop: Stop::Requests(200),
        ..short(target)
    };
    spec.keys.count = 200;
    spec.keys.distribution = KeyDistribution::Sequential;
    load(&spec).unwrap();
    // Another load reads them, and writes some anew.
    spec.mix = "get=9,set=1".parse().unwrap();
    spec.value_bytes = ValueSizes::exactly(36);
    spec.pipeline = 4;
    let outcome = load(&spec).unwrap();
    assert_eq!(outcome.wrong_values, 0, "{:?}", outcome.first_wrong_value);
    assert!(seen.lock().unwrap().commands["GET"] > 0);

    let changed = b"key:000000000007".to_vec();
    seen.lock()
        .unwrap()
        .values
        .entry(changed)
        .and_modify(|value| value[20] ^= 1);
    spec.mix = "get".parse().unwrap();
    spec.pipeline = 1;
    let outcome = load(&spec).unwrap();
    assert_eq!(outcome.wrong_values, 1);
    let told = outcome.believed().unwrap_err().to_string();
    assert!(
        told.contains("key:000000000007") && told.contains("checksum"),
        "{told}"
    );
}

#[test]
fn a_load_keeps_latencies_over_time_when_asked() {
    let (target, _) = responder("");
    let outcome = load(&LoadSpec {
        warmup: Duration::ZERO,
        stop: Stop::After(Duration::from_secs(1)),
        window: Some(Duration::from_millis(200)),
        ..short(target)
    })
    .unwrap();
    let seconds: Vec<f64> = outcome
        .over_time_us(99.9)
        .iter()
        .map(|(second, _)| *second)
        .collect();
    assert!(!seconds.is_empty());
    assert!(
        seconds.iter().all(|second| (0.0..1.0).contains(second)),
        "{seconds:?}"
    );
}

#[test]
fn a_timed_load_measures_closed_and_open_loops() {
    let (target, _) = responder("");
    for pace in [Pace::Closed, Pace::Open { per_second: 200.0 }] {
        let outcome = load(&LoadSpec {
            pace,
            warmup: Duration::from_millis(10),
            stop: Stop::After(Duration::from_millis(200)),
            server_pid: Some(std::process::id()),
            ..short(target)
        })
        .unwrap()
        .believed()
        .unwrap();
        assert!(outcome.server_cpu.is_some());
        assert!(outcome.latency_us(50.0) <= outcome.latency_us(99.9));
        assert!(outcome.latency_us(99.9) <= outcome.latency_max_us() * 1.01);
    }
}

#[test]
fn error_replies_are_counted_and_told() {
    let (target, _) = responder("SET");
    let outcome = load(&short(target)).unwrap();
    assert_eq!(outcome.errors, 1_000);
    assert_eq!(outcome.first_error.as_deref(), Some("NOPERM not you"));
    assert!(outcome.believed().is_err());
}

#[test]
fn a_server_that_is_not_there_or_hangs_up_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    let refused = load(&short(target)).unwrap_err();
    assert!(format!("{refused:#}").contains("does a server listen there"));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut some = [0; 4];
            let _ = stream.read(&mut some);
        }
    });
    let closed = format!("{:#}", load(&short(target)).unwrap_err());
    assert!(
        closed.contains("closed a connection")
            || closed.contains("cannot receive from")
            || closed.contains("cannot send to"),
        "{closed}"
    );
}

#[test]
fn an_interrupt_ends_a_load() {
    let (target, _) = responder("");
    let interrupt = Interrupt::default();
    interrupt.raise();
    let spec = LoadSpec {
        stop: Stop::After(Duration::from_secs(3_600)),
        ..short(target)
    };
    let error = run(&spec, &interrupt, &Progress::hidden()).unwrap_err();
    assert!(error.is::<Interrupted>());
}

#[test]
fn a_load_that_makes_no_sense_is_refused() {
    let (target, _) = responder("");
    let refused = |spec: LoadSpec| load(&spec).unwrap_err().to_string();
    let no_connection = LoadSpec {
        connections: 0,
        ..short(target)
    };
    assert!(refused(no_connection).contains("needs a connection"));
    let no_rate = LoadSpec {
        pace: Pace::Open { per_second: 0.0 },
        ..short(target)
    };
    assert!(refused(no_rate).contains("rate is above 0"));
    let too_much = LoadSpec {
        pipeline: 1 << 20,
        value_bytes: ValueSizes::exactly(1 << 20),
        ..short(target)
    };
    assert!(refused(too_much).contains("bytes in flight"));
    let too_short = LoadSpec {
        verify: true,
        value_bytes: "8..64".parse().unwrap(),
        ..short(target)
    };
    assert!(refused(too_short).contains("at least 36 bytes"));
}
