//! Random requests to kv and to a real Valkey: every reply and all data must agree.
//!
//! Owns which servers meet, how many requests they get, and what is said about it. What is sent comes from the
//! servers' own tables (`sequences`), when replies agree is said in `rule`.
//!
//! | set in the environment | |
//! |---|---|
//! | `KV_RANDOM_PEER` | `valkey` (the default) or `redis` of `target/peers`, or `HOST:PORT`: **all its keys are deleted** |
//! | `KV_RANDOM_COMMANDS` | how many requests, 100000 if nothing is said |
//! | `KV_RANDOM_SEED` | which ones; 1 if nothing is said |
//! | `KV_RANDOM_SEQUENCE` | only the sequence of this number |
//! | `KV_RANDOM_DIFFERENCES` | how many to look for before giving up, 1 if nothing is said |
//! | `KV_RANDOM_ENCODINGS` | if set, `OBJECT ENCODING` of every key must agree too |
//! | `KV_PEERS` | if `required`, a missing peer is a failure and not a reason to do nothing |
//!
//! Invariant: a run that compared nothing says so, and fails where peers are required.

mod play;
mod report;
mod rule;
mod shrink;

#[path = "../script_runner/mod.rs"]
mod script_runner;
#[path = "../sequences/mod.rs"]
mod sequences;

use std::env;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use play::Pair;
use script_runner::client::Client;
use script_runner::server::Server;
use sequences::draw::{Draw, Sequence};
use sequences::state::Depth;
use sequences::table::{self, Table};
use shrink::Shown;

/// Requests of a sequence, after which the data is compared and deleted.
const SEQUENCE_LENGTH: usize = 200;
/// Requests of a run that is not told how many.
const COMMANDS: u64 = 100_000;
/// How often to tell how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What a run is asked to do.
struct Plan {
    peer: String,
    commands: u64,
    seed: u64,
    only: Option<u64>,
    differences_max: usize,
}

impl Plan {
    fn from_environment() -> Result<Plan> {
        let number = |name: &str| match env::var(name) {
            Ok(text) => text
                .parse()
                .map(Some)
                .with_context(|| format!("{name}={text}")),
            Err(_) => Ok(None),
        };
        Ok(Plan {
            peer: env::var("KV_RANDOM_PEER").unwrap_or_else(|_| "valkey".to_owned()),
            commands: number("KV_RANDOM_COMMANDS")?.unwrap_or(COMMANDS),
            seed: number("KV_RANDOM_SEED")?.unwrap_or(1),
            only: number("KV_RANDOM_SEQUENCE")?,
            differences_max: usize::try_from(number("KV_RANDOM_DIFFERENCES")?.unwrap_or(1))?,
        })
    }

    /// What to type to see a sequence again.
    fn again(&self, number: u64) -> String {
        let peer = match self.peer.as_str() {
            "valkey" => String::new(),
            peer => format!(" --peer {peer}"),
        };
        format!(
            "cargo xtask compat --random{peer} --seed {} --sequence {number}",
            self.seed
        )
    }
}

/// Says something at once, also where the output of a test is kept back.
fn tell(line: &str) {
    // Nobody can be told that there is no standard error.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn replies_and_data_agree_with_the_peer() -> Result<()> {
    let plan = Plan::from_environment()?;
    let Some(peer) = Server::peer_of(&plan.peer)? else {
        let required = env::var("KV_PEERS").is_ok_and(|value| value == "required");
        ensure!(
            !required,
            "{} is not installed: run cargo xtask peers",
            plan.peer
        );
        tell("random: NOT RUN, the peer is not installed: run cargo xtask peers");
        return Ok(());
    };
    let ours = Server::spawn_with("everysec")?;
    compare(&plan, &ours, &peer).with_context(|| ours.last_words())
}

fn compare(plan: &Plan, ours: &Server, peer: &Server) -> Result<()> {
    let mut own = Client::connect(ours.address())?;
    let mut other = Client::connect(peer.address())?;
    let own_table = table::read(&mut own).context("kv's table")?;
    let peer_table = table::read(&mut other).context("the peer's table")?;
    let both = table::common(&own_table, &peer_table);
    let draw = Draw::new(&both);
    tell(&format!(
        "random: {} commands in common with {}, seed {}",
        draw.len(),
        peer.peer(),
        plan.seed
    ));
    let mut depth = Depth::of(&both);
    depth.encodings = env::var_os("KV_RANDOM_ENCODINGS").is_some();
    let mut pair = Pair {
        ours: own,
        theirs: other,
        table: &both,
        depth,
    };
    let found = run(plan, &draw, &mut pair, &peer.peer().to_string())?;
    ensure!(found == 0, "{found} sequences differ");
    Ok(())
}

/// Plays until there were enough requests or enough differences; how many differences.
fn run(plan: &Plan, draw: &Draw<'_>, pair: &mut Pair<'_>, peer: &str) -> Result<usize> {
    let started = Instant::now();
    let (mut told, mut sent, mut found) = (started, 0, 0);
    let numbers = plan.only.map_or(0..u64::MAX, |only| only..only + 1);
    for number in numbers {
        let sequence = draw.sequence(plan.seed, number, SEQUENCE_LENGTH, b"");
        sent += sequence.requests.len() as u64;
        let again = plan.again(number);
        if let Some(difference) = pair.play(&sequence).with_context(|| again.clone())? {
            found += 1;
            let shown = shrink::shrink(
                pair,
                Shown {
                    sequence,
                    difference,
                },
            )?;
            tell(&format!(
                "\n{}",
                report::script(&shown, &format!("again: {again}"), peer)
            ));
        }
        let ended = sent >= plan.commands || found >= plan.differences_max || plan.only.is_some();
        if told.elapsed() > TELL_EVERY || ended {
            told = Instant::now();
            let rate = sent as f64 / started.elapsed().as_secs_f64();
            tell(&format!(
                "random: {sent} commands in {} sequences, {rate:.0} a second, {found} differ",
                number + 1
            ));
        }
        if ended {
            break;
        }
    }
    Ok(found)
}

/// Two servers of our own agree with each other; a request that they answer differently is found, and nothing else
/// is left of the sequence.
#[test]
fn a_planted_difference_is_found_and_shrunk() -> Result<()> {
    let (left, right) = (
        Server::spawn_with("everysec")?,
        Server::spawn_with("everysec")?,
    );
    let mut ours = Client::connect(left.address())?;
    let theirs = Client::connect(right.address())?;
    let mut table: Table = table::read(&mut ours)?;
    // Their replies have an order, and nothing in them is a matter of chance.
    table.retain(|_, command| matches!(command.group.as_str(), "string" | "list"));
    let draw = Draw::new(&table);
    let mut pair = Pair {
        ours,
        theirs,
        table: &table,
        depth: Depth::of(&table),
    };
    for number in 0..10 {
        let sequence = draw.sequence(7, number, SEQUENCE_LENGTH, b"");
        if let Some(difference) = pair.play(&sequence)? {
            let shown = shrink::shrink(
                &mut pair,
                Shown {
                    sequence,
                    difference,
                },
            )?;
            panic!(
                "{}",
                report::script(&shown, "the same server twice", "the other one")
            );
        }
    }
    let mut sequence: Sequence = draw.sequence(7, 0, SEQUENCE_LENGTH, b"");
    let planted = planted();
    sequence
        .requests
        .insert(SEQUENCE_LENGTH / 2, planted.clone());
    let difference = pair
        .play(&sequence)?
        .expect("the port of a server is its own");
    let shown = shrink::shrink(
        &mut pair,
        Shown {
            sequence,
            difference,
        },
    )?;
    assert_eq!(shown.sequence.requests, [planted]);
    Ok(())
}

/// A request that two servers answer differently.
fn planted() -> sequences::draw::Request {
    sequences::draw::Request {
        name: "CONFIG|GET".to_owned(),
        words: ["CONFIG", "GET", "port"]
            .map(|word| word.as_bytes().to_vec())
            .to_vec(),
        clean: None,
    }
}
