//! Messages over many connections and threads: every one, once, in order, whatever happens to others.

mod process;

use std::collections::BTreeMap;
use std::thread;

use process::{Process, Wire, resp};

const PUBLISHERS: usize = 4;
const SUBSCRIBERS: usize = 50;
/// Of these subscribers, every one with a number that it divides is cut off on the way.
const CUT_EVERY: usize = 5;
const MESSAGES: usize = 400;

fn start(arguments: &[&str]) -> (tempfile::TempDir, Process) {
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::start(dir.path(), arguments);
    (dir, process)
}

/// The strings of the next array or push.
fn strings(wire: &mut Wire) -> std::io::Result<Vec<String>> {
    let head = wire.line()?;
    assert!(head.starts_with(['*', '>']), "{head:?}");
    let count: usize = head[1..].trim_end().parse().expect("a length");
    (0..count)
        .map(|_| {
            let head = wire.line()?;
            let Some(length) = head.strip_prefix('$') else {
                return Ok(head[1..].trim_end().to_owned());
            };
            let length: usize = length.trim_end().parse().expect("a length");
            let bytes = wire.receive(length + 2)?;
            Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
        })
        .collect()
}

fn id(wire: &mut Wire) -> String {
    wire.send(resp(&["CLIENT", "ID"]))
        .expect("the server listens");
    let line = wire.line().expect("a number");
    line[1..].trim_end().to_owned()
}

/// Reads until each publisher has said its last word; what came, by publisher.
fn listen(wire: &mut Wire) -> BTreeMap<String, Vec<usize>> {
    let mut heard: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    while heard.values().map(Vec::len).sum::<usize>() < PUBLISHERS * MESSAGES {
        let words = strings(wire).expect("a message");
        let [kind, .., text] = words.as_slice() else {
            panic!("{words:?}");
        };
        assert!(kind == "message" || kind == "pmessage", "{words:?}");
        let (publisher, number) = text.split_once(':').expect("publisher:number");
        let number = number.parse().expect("a number");
        heard.entry(publisher.to_owned()).or_default().push(number);
    }
    heard
}

#[test]
fn every_subscriber_gets_every_message_in_the_order_of_its_publisher() {
    let (_dir, server) = start(&["--threads", "4"]);
    let mut subscribers: Vec<Wire> = (0..SUBSCRIBERS).map(|_| server.connect()).collect();
    let mut ids = Vec::new();
    for (number, wire) in subscribers.iter_mut().enumerate() {
        ids.push(id(wire));
        let word = ["SUBSCRIBE", "PSUBSCRIBE"][number % 2];
        wire.send(resp(&[word, "news"]))
            .expect("the server listens");
        assert_eq!(strings(wire).expect("a confirmation")[2], "1");
    }
    let publish = |publisher: usize| {
        let mut wire = server.connect();
        for number in 0..MESSAGES {
            let text = format!("p{publisher}:{number}");
            wire.send(resp(&["PUBLISH", "news", &text]))
                .expect("the server listens");
            let reached = wire.line().expect("a number");
            let reached: usize = reached[1..].trim_end().parse().expect("a number");
            let cut_at_most = SUBSCRIBERS / CUT_EVERY;
            assert!((SUBSCRIBERS - cut_at_most..=SUBSCRIBERS).contains(&reached));
        }
    };
    let cut = || {
        let mut wire = server.connect();
        for id in ids.iter().step_by(CUT_EVERY) {
            wire.talk(resp(&["CLIENT", "KILL", "ID", id]), ":1\r\n");
        }
    };
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            scope.spawn(move || publish(publisher));
        }
        scope.spawn(cut);
        for (number, wire) in subscribers.iter_mut().enumerate() {
            if number % CUT_EVERY != 0 {
                scope.spawn(move || {
                    let heard = listen(wire);
                    let expected: Vec<usize> = (0..MESSAGES).collect();
                    assert_eq!(heard.len(), PUBLISHERS);
                    assert!(heard.values().all(|numbers| *numbers == expected));
                });
            }
        }
    });
    let mut wire = server.connect();
    let left = format!(
        "*2\r\n$4\r\nnews\r\n:{}\r\n",
        SUBSCRIBERS / 2 - SUBSCRIBERS / CUT_EVERY / 2
    );
    wire.talk(resp(&["PUBSUB", "NUMSUB", "news"]), left);
}

/// A client that subscribes and never reads may cost its limit and not more, and nobody waits for it.
#[test]
fn a_subscriber_that_does_not_read_is_cut_off() {
    let (_dir, server) = start(&["--threads", "2"]);
    let mut publisher = server.connect();
    let limit = "pubsub 1mb 0 0";
    publisher.talk(
        resp(&["CONFIG", "SET", "client-output-buffer-limit", limit]),
        "+OK\r\n",
    );
    let (mut deaf, mut keen) = (server.connect(), server.connect());
    for wire in [&mut deaf, &mut keen] {
        wire.send(resp(&["SUBSCRIBE", "a"]))
            .expect("the server listens");
        strings(wire).expect("a confirmation");
    }
    let text = "x".repeat(64 * 1024);
    let mut sent = 0;
    loop {
        publisher
            .send(resp(&["PUBLISH", "a", &text]))
            .expect("the server listens");
        let reached = publisher.line().expect("a number");
        assert_eq!(strings(&mut keen).expect("a message")[2].len(), text.len());
        sent += text.len();
        if reached == ":1\r\n" {
            break;
        }
        assert!(
            sent < 256 << 20,
            "its limit and what the kernel's buffers take"
        );
    }
    // Its connection ends a moment after it was cut off.
    loop {
        publisher
            .send(resp(&["PUBSUB", "NUMSUB", "a"]))
            .expect("the server listens");
        let left = strings(&mut publisher).expect("a channel and a number");
        if left[1] == "1" {
            break;
        }
        assert_eq!(left[1], "2");
        thread::yield_now();
    }
}

/// A connection in the older protocol hears of changes through one that it has subscribed with.
#[test]
fn invalidations_go_where_they_are_redirected() {
    let (_dir, server) = start(&["--threads", "2"]);
    let (mut reader, mut ear, mut writer) = (server.connect(), server.connect(), server.connect());
    let ear_id = id(&mut ear);
    ear.send(resp(&["SUBSCRIBE", "__redis__:invalidate"]))
        .expect("the server listens");
    strings(&mut ear).expect("a confirmation");
    reader.talk(
        resp(&["CLIENT", "TRACKING", "ON", "REDIRECT", &ear_id]),
        "+OK\r\n",
    );
    reader.talk(resp(&["CLIENT", "GETREDIR"]), format!(":{ear_id}\r\n"));
    reader.talk(resp(&["GET", "k"]), "$-1\r\n");
    writer.talk(resp(&["SET", "k", "v"]), "+OK\r\n");
    let head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    ear.talk("", format!("{head}*1\r\n$1\r\nk\r\n"));
    writer.talk(resp(&["FLUSHALL"]), "+OK\r\n");
    ear.talk("", format!("{head}$-1\r\n"));

    // When it is gone, the reader is told in the protocol that can tell.
    ear.talk(resp(&["QUIT"]), "+OK\r\n");
    assert_eq!(ear.rest(), "");
    reader.talk(resp(&["GET", "k"]), "$-1\r\n");
    reader
        .send(resp(&["HELLO", "3"]))
        .expect("the server listens");
    while reader.line().expect("an answer") != "modules\r\n" {}
    reader.talk("", "*0\r\n");
    writer.talk(resp(&["SET", "k", "v"]), "+OK\r\n");
    reader.talk(
        "",
        format!(">2\r\n$21\r\ntracking-redir-broken\r\n:{ear_id}\r\n"),
    );
}

/// With a log that is synced once a second, a subscriber that wants durable changes only hears of none before
/// it is durable: `log_durable_lsn` has reached what was written.
#[test]
fn an_event_waits_until_its_change_is_safe() {
    let (_dir, server) = start(&["--durability", "everysec", "--threads", "2"]);
    let (mut listener, mut writer) = (server.connect(), server.connect());
    writer.talk(
        resp(&["CONFIG", "SET", "notify-keyspace-events", "E$"]),
        "+OK\r\n",
    );
    listener.talk(resp(&["CLIENT", "DURABILITY", "always"]), "+OK\r\n");
    listener
        .send(resp(&["SUBSCRIBE", "__keyevent@0__:set", "told"]))
        .expect("the server listens");
    for _ in 0..2 {
        strings(&mut listener).expect("a confirmation");
    }
    for _ in 0..3 {
        writer.talk(resp(&["SET", "k", "v"]), "+OK\r\n");
        let written = lsn(&mut writer, "log_written_lsn");
        writer.talk(resp(&["PUBLISH", "told", "k"]), ":1\r\n");
        for expected in ["__keyevent@0__:set", "told"] {
            assert_eq!(strings(&mut listener).expect("a message")[1], expected);
            assert!(lsn(&mut writer, "log_durable_lsn") >= written);
        }
    }
}

fn lsn(wire: &mut Wire, name: &str) -> u64 {
    wire.send(resp(&["INFO", "persistence"]))
        .expect("the server listens");
    let length = wire.line().expect("a text");
    let length: usize = length[1..].trim_end().parse().expect("a length");
    let text = wire.receive(length + 2).expect("a text");
    let text = String::from_utf8_lossy(&text).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value[1..].parse().ok())
        .expect("an LSN")
}

/// Between a read and its being remembered no change is lost: after the last change every reader that cached
/// the value before it has been told.
#[test]
fn no_invalidation_is_lost_between_a_read_and_a_change() {
    const READERS: usize = 4;
    const ROUNDS: usize = 500;
    let (_dir, server) = start(&["--durability", "off", "--threads", "4"]);
    let read = |mut wire: Wire| {
        wire.send("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")
            .expect("the server listens");
        while wire.line().expect("an answer") != "modules\r\n" {}
        wire.talk("", "*0\r\n");
        wire.talk(resp(&["CLIENT", "TRACKING", "ON"]), "+OK\r\n");
        // Reads again whenever it was told that what it has is void.
        let mut last = String::new();
        loop {
            wire.send(resp(&["GET", "k"])).expect("the server listens");
            let mut is_void = false;
            let value = loop {
                match wire.line().expect("an answer").as_str() {
                    ">2\r\n" => {
                        wire.receive("$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n".len())
                            .expect("a key");
                        is_void = true;
                    }
                    "_\r\n" => break String::new(),
                    _ => break wire.line().expect("a value").trim_end().to_owned(),
                }
            };
            if !is_void && value == last && value == ROUNDS.to_string() {
                return;
            }
            last = value;
            if last != ROUNDS.to_string() {
                // Nothing else tells it to look again.
                assert_eq!(wire.line().expect("a push"), ">2\r\n");
                wire.receive("$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n".len())
                    .expect("a key");
            }
        }
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                let wire = server.connect();
                scope.spawn(move || read(wire))
            })
            .collect();
        let mut writer = server.connect();
        for round in 1..=ROUNDS {
            writer.talk(resp(&["SET", "k", &round.to_string()]), "+OK\r\n");
        }
        for reader in readers {
            reader.join().expect("every reader comes to the last value");
        }
    });
}
