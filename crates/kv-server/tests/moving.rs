//! Values move between kv, Redis and Valkey with `DUMP` and `RESTORE`, and are the same afterwards; libraries of
//! functions do with `FUNCTION DUMP` and `FUNCTION RESTORE`.
//!
//! Owns values of every form that the servers have: short and long, packed and not, with times of their own.
//! Invariant: with `KV_PEERS=required` nothing is left out; else a peer that is not installed is said not to have run.

#[path = "script_runner/mod.rs"]
mod script_runner;
#[path = "sequences/mod.rs"]
mod sequences;

use std::env;
use std::io::Write as _;

use anyhow::{Result, ensure};
use script_runner::client::Client;
use script_runner::reply::Reply;
use script_runner::server::Server;
use sequences::state::{self, Depth, State};

/// A request.
type Words = Vec<Vec<u8>>;

/// A time that no test lives to see.
const LATER_MS: &str = "4102444800123";

/// Hashes whose fields expire: each server writes them in a form that the other one does not know.
const EXPIRING: [&str; 2] = ["hash-times", "hash-times-large"];

#[test]
fn values_move_from_and_to_redis() -> Result<()> {
    move_both_ways("redis", &[])
}

#[test]
fn values_move_from_and_to_valkey() -> Result<()> {
    move_both_ways("valkey", &EXPIRING)
}

/// Makes the values on either server and moves them to the other one, but for those that `peer` does not know in the
/// form that kv writes.
fn move_both_ways(peer: &str, unknown: &[&str]) -> Result<()> {
    let Some(other) = Server::peer_of(peer)? else {
        let required = env::var("KV_PEERS").is_ok_and(|value| value == "required");
        ensure!(!required, "{peer} is not installed: run cargo xtask peers");
        // Nobody can be told that there is no standard error.
        let _ = writeln!(
            std::io::stderr(),
            "moving: NOT RUN, {peer} is not installed: run cargo xtask peers"
        );
        return Ok(());
    };
    let ours = Server::spawn_with("everysec")?;
    let mut own = Client::connect(ours.address())?;
    let mut theirs = Client::connect(other.address())?;
    moves(&mut theirs, &mut own, &[])?;
    moves(&mut own, &mut theirs, unknown)?;
    libraries_move(&mut theirs, &mut own)?;
    libraries_move(&mut own, &mut theirs)
}

/// Makes libraries on `from`, one of them so long that it is compressed, moves them to `to`, and calls them there.
fn libraries_move(from: &mut Client, to: &mut Client) -> Result<()> {
    let function = |command: &[&str]| [&words(&["FUNCTION"])[..], &words(command)].concat();
    for client in [&mut *from, &mut *to] {
        call(client, &function(&["FLUSH"]))?;
    }
    let long = "-- all the same\n".repeat(1000);
    for (name, comment) in [("short", ""), ("long", long.as_str())] {
        let code = format!(
            "#!lua name={name}\n{comment}redis.register_function('{name}', function() return '{name}' end)"
        );
        call(from, &function(&["LOAD", &code]))?;
    }
    let Reply::Bulk(payload) = call(from, &function(&["DUMP"]))? else {
        anyhow::bail!("FUNCTION DUMP answered no bytes");
    };
    let restore = [&function(&["RESTORE"])[..], &[payload]].concat();
    call(to, &restore)?;
    for name in ["short", "long"] {
        let answer = call(to, &words(&["FCALL", name, "0"]))?;
        ensure!(
            answer == Reply::Bulk(name.into()),
            "{name} answered {answer:?}"
        );
    }
    Ok(())
}

/// Makes the values on `from`, moves all but those of `left_out` to `to`, and compares.
fn moves(from: &mut Client, to: &mut Client, left_out: &[&str]) -> Result<()> {
    for client in [&mut *from, &mut *to] {
        call(client, &words(&["FLUSHALL"]))?;
    }
    for request in values() {
        call(from, &request)?;
    }
    if !left_out.is_empty() {
        call(from, &[&words(&["DEL"])[..], &words(left_out)].concat())?;
    }
    let made = read(from)?;
    ensure!(made.len() > 20, "only {} keys were made", made.len());
    for ((_, key), held) in &made {
        let dumped = call(from, &[b"DUMP".to_vec(), key.clone()])?;
        let Reply::Bulk(payload) = dumped else {
            anyhow::bail!("DUMP answered {dumped:?}");
        };
        let time = held.expires.max(0).to_string().into_bytes();
        let restore = [b"RESTORE".to_vec(), key.clone(), time, payload];
        let request = [&restore[..], &words(&["ABSTTL"])].concat();
        call(to, &request)?;
    }
    let moved = read(to)?;
    for (place, held) in &made {
        let key = String::from_utf8_lossy(&place.1);
        ensure!(moved.get(place) == Some(held), "{key} is another value");
    }
    ensure!(moved.len() == made.len(), "there are keys that nobody made");
    Ok(())
}

fn read(client: &mut Client) -> Result<State> {
    let depth = Depth {
        encodings: false,
        field_times: true,
    };
    state::read(client, 1, depth)
}

/// Sends a request that must not fail.
fn call(client: &mut Client, request: &[Vec<u8>]) -> Result<Reply> {
    match client.call(request)? {
        Some(Reply::Error(error)) => {
            let head = request.iter().take(2).map(|word| word.escape_ascii());
            let head: Vec<String> = head.map(|word| word.to_string()).collect();
            anyhow::bail!("{}: {error}", head.join(" "))
        }
        Some(reply) => Ok(reply),
        None => anyhow::bail!("the connection ended"),
    }
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Bytes that cannot be compressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [.., byte] = state.to_le_bytes();
        byte
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Requests that make values of every form.
fn values() -> Vec<Words> {
    let mut all = Vec::new();
    strings(&mut all);
    let mut add = |head: &[&str], elements: Vec<Vec<u8>>| {
        all.push([&words(head)[..], &elements].concat());
    };
    let numbered = |head: &str, count: u32| -> Words {
        let each = (0..count).map(|number| format!("{head}{number}").into_bytes());
        each.collect()
    };
    let pairs = |count: u32| -> Words {
        let each = (0..count).flat_map(|number| {
            let value = "value".repeat(number as usize % 20);
            [format!("f{number}").into_bytes(), value.into_bytes()]
        });
        each.collect()
    };
    let scored = |count: u32| -> Words {
        let each = (0..count).flat_map(|number| {
            let score = f64::from(number) / 7.0 - 10.0;
            [
                score.to_string().into_bytes(),
                format!("m{number}").into_bytes(),
            ]
        });
        each.collect()
    };
    add(
        &[
            "RPUSH",
            "list-small",
            "a",
            "",
            "-1",
            "12",
            "4000",
            "70000",
            "9223372036854775807",
        ],
        vec![],
    );
    add(&["RPUSH", "list-numbers"], numbered("-", 300));
    add(&["RPUSH", "list-large"], numbered("element ", 5000));
    add(
        &["RPUSH", "list-long", "a"],
        vec![noise(20_000), vec![b'x'; 20_000], b"z".to_vec()],
    );
    add(&["SADD", "set-numbers", "1", "-2", "40000"], vec![]);
    add(
        &["SADD", "set-long-numbers", "1", "-9223372036854775808"],
        vec![],
    );
    add(&["SADD", "set-many-numbers"], numbered("", 2000));
    add(&["SADD", "set-small", "a", "", "17"], vec![noise(40)]);
    add(&["SADD", "set-large"], numbered("m", 1000));
    add(
        &[
            "ZADD",
            "zset-small",
            "1.5",
            "a",
            "-inf",
            "b",
            "inf",
            "c",
            "1e300",
            "d",
            "17",
            "17",
            "0.1",
            "",
        ],
        vec![],
    );
    add(&["ZADD", "zset-large"], scored(1000));
    for count in [3, 2000] {
        let size = if count > 3 { "-large" } else { "" };
        add(&["HSET", &format!("hash{size}")], pairs(count));
        let key = format!("hash-times{size}");
        add(&["HSET", &key], pairs(count));
        add(&["HPEXPIREAT", &key, LATER_MS, "FIELDS", "1", "f1"], vec![]);
        add(
            &["HPEXPIREAT", &key, "4102444900000", "FIELDS", "1", "f2"],
            vec![],
        );
    }
    streams(&mut add);
    for key in ["list-small", "string", "hash-large", "stream"] {
        add(&["PEXPIREAT", key, LATER_MS], vec![]);
    }
    all
}

fn streams(add: &mut impl FnMut(&[&str], Words)) {
    add(
        &["XADD", "stream-small", "1-1", "f", "v", "g", "17"],
        vec![],
    );
    add(&["XADD", "stream-empty", "7-1", "f", "v"], vec![]);
    add(&["XDEL", "stream-empty", "7-1"], vec![]);
    for number in 1..=250_u32 {
        let id = format!("{}-{}", 1_000 + number / 3, number);
        let name = if number % 7 == 0 { "other" } else { "name" };
        let value = "x".repeat(number as usize);
        add(
            &[
                "XADD",
                "stream",
                &id,
                name,
                &value,
                "n",
                &number.to_string(),
            ],
            vec![],
        );
    }
    add(&["XGROUP", "CREATE", "stream", "group", "0"], vec![]);
    for consumer in ["ada", "eve"] {
        let read = [
            "XREADGROUP",
            "GROUP",
            "group",
            consumer,
            "COUNT",
            "20",
            "STREAMS",
            "stream",
            ">",
        ];
        add(&read, vec![]);
    }
    add(&["XACK", "stream", "group", "1000-1"], vec![]);
    add(&["XDEL", "stream", "1000-2"], vec![]);
}

fn strings(all: &mut Vec<Words>) {
    for (key, value) in [
        ("string", b"text".to_vec()),
        ("string-empty", Vec::new()),
        ("string-small-number", b"-7".to_vec()),
        ("string-number", b"40000".to_vec()),
        ("string-large-number", b"-2147483648".to_vec()),
        ("string-huge-number", b"9223372036854775807".to_vec()),
        ("string-no-number", b"007".to_vec()),
        ("string-repeats", b"abc".repeat(10_000)),
        ("string-noise", noise(300)),
        ("string-much-noise", noise(100_000)),
    ] {
        all.push(vec![b"SET".to_vec(), key.as_bytes().to_vec(), value]);
    }
}
