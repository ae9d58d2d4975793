//! What every command that writes has done is there again after `kill -9` and a restart, to the last bit.
//!
//! The commands of the scripts are sent again, each script several times, cut off at different places and with keys
//! of its own, so that states in between are left standing; then random sequences. The whole state is read, the
//! server killed and started again, and the state must be the same: kinds, contents, the order of lists, times.
//!
//! Invariant: every command of the table that writes has written something here. A new one without a script that
//! makes it write fails the test.

mod forms;
mod proof;

#[path = "../process/mod.rs"]
mod process;
#[path = "../script_runner/mod.rs"]
mod script_runner;
#[path = "../sequences/mod.rs"]
mod sequences;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use forms::Forms;
use process::Process;
use script_runner::client::Client;
use script_runner::reply::{Reply, quote};
use script_runner::server::Server;
use sequences::state::{self, Depth, Held, State};
use sequences::table;

/// All that a server has.
const DATABASES: usize = 16;

#[test]
fn a_binary_log_brings_everything_back() -> Result<()> {
    survives("binary", false)
}

#[test]
fn a_binary_log_behind_a_snapshot_brings_everything_back() -> Result<()> {
    survives("binary", true)
}

#[test]
fn a_json_log_brings_everything_back() -> Result<()> {
    survives("json", false)
}

#[test]
fn a_json_log_behind_a_snapshot_brings_everything_back() -> Result<()> {
    survives("json", true)
}

fn survives(encoding: &str, snapshot: bool) -> Result<()> {
    let dir = tempfile::tempdir()?;
    // Replies leave when the kernel has the log: nothing is lost with the process, and the disk is not waited for.
    let options = ["--durability", "everysec", "--wal-format", encoding];
    let process = Process::start(dir.path(), &options);
    let server = Server::running(&process.address().to_string())?;
    let mut client = Client::connect(process.address())?;
    let table = table::read(&mut client)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");

    let forms = Forms::read(&folder, &table)?;
    forms.write(&server, snapshot)?;
    add_libraries(&mut client)?;
    let libraries = client.call(LIBRARIES)?;
    let before = read(&mut client, &table)?;
    ensure!(
        before.len() > 100,
        "only {} keys are left to compare",
        before.len()
    );
    drop(client);
    process.kill();

    let process = Process::start(dir.path(), &options);
    let mut client = Client::connect(process.address())?;
    let after = read(&mut client, &table)?;
    ensure!(
        client.call(LIBRARIES)? == libraries,
        "libraries are not what they were"
    );
    let answer = client.call(&["FCALL", "kept", "0"])?;
    ensure!(
        answer == Some(Reply::Integer("7".to_owned())),
        "a function answered {answer:?}"
    );
    compare(&before, &after)
}

/// What shows all libraries of functions.
const LIBRARIES: &[&str] = &["FUNCTION", "LIST", "WITHCODE"];

/// Leaves a library of functions, one that was replaced, and none where one was.
fn add_libraries(client: &mut Client) -> Result<()> {
    let code = |name: &str, answer: u8| {
        format!(
            "#!lua name={name}\nredis.register_function('{name}', function() return {answer} end)"
        )
    };
    for (name, answer) in [("kept", 1), ("gone", 2), ("kept", 7)] {
        let loaded = client.call(&["FUNCTION", "LOAD", "REPLACE", &code(name, answer)])?;
        ensure!(
            loaded == Some(Reply::Bulk(name.into())),
            "FUNCTION LOAD answered {loaded:?}"
        );
    }
    client.call(&["FUNCTION", "DELETE", "gone"])?;
    Ok(())
}

fn read(client: &mut Client, table: &table::Table) -> Result<State> {
    state::read(client, DATABASES, Depth::of(table))
}

/// The two states are the same, but for what has expired meanwhile.
fn compare(before: &State, after: &State) -> Result<()> {
    for (place, held) in after {
        ensure!(
            before.contains_key(place),
            "{} is new: {held:?}",
            shown(place)
        );
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let over = |ms: i64| ms >= 0 && u128::from(ms.unsigned_abs()) <= now;
    for (place, held) in before {
        match after.get(place) {
            None => ensure!(over(held.expires), "{} is gone: {held:?}", shown(place)),
            Some(again) => ensure!(
                held == again || (held.expires == again.expires && lost_fields(held, again, over)),
                "{} was {held:?}, is {again:?}",
                shown(place)
            ),
        }
    }
    Ok(())
}

/// Whether all that a hash has lost is fields whose time is over.
fn lost_fields(before: &Held, after: &Held, over: impl Fn(i64) -> bool) -> bool {
    let fields = |held: &Held| match held.content.as_slice() {
        [Reply::Map(pairs), Reply::List { elements, .. }] => {
            let each = pairs.iter().cloned().zip(elements.iter().cloned());
            Some(each.collect::<Vec<_>>())
        }
        _ => None,
    };
    let ends = |time: &Reply| match time {
        Reply::Integer(digits) => digits.parse().is_ok_and(&over),
        _ => false,
    };
    match (fields(before), fields(after)) {
        (Some(mut left), Some(after)) => {
            left.retain(|(_, time)| !ends(time));
            left == after
        }
        _ => false,
    }
}

fn shown((db, key): &(usize, Vec<u8>)) -> String {
    format!("database {db}, key {}", quote(key))
}
