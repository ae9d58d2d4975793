//! `cargo xtask compat`: the text scripts against the servers whose behaviour they describe.
//!
//! Owns starting and stopping the peers. The scripts and their runner are a test of kv-server,
//! which is told by its environment what to talk to.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::peers;
use crate::process::{cargo, root};

/// A peer that does not answer by then has not started.
const START_WAIT_MAX: Duration = Duration::from_secs(20);

/// What the runner's line of totals contains; without that line no script has run.
const TOTALS: &str = " scripts passed, ";

/// Runs the scripts whose path contains `scripts` against every peer, or against the server at
/// `against`.
///
/// # Errors
///
/// A peer is not installed or does not start, or a reply differs from its script.
pub(crate) fn run(scripts: Option<&str>, against: Option<&str>) -> Result<()> {
    if let Some(address) = against {
        let outcome = run_scripts(scripts, address)?;
        ensure!(outcome.agrees, "replies differ: {}", outcome.totals);
        return Ok(());
    }
    let missing = peers::SERVERS
        .iter()
        .any(|name| !peers::program(name).exists());
    ensure!(
        !missing,
        "the peers are not installed: run cargo xtask peers"
    );

    let mut outcomes = Vec::new();
    for name in peers::SERVERS {
        let server = PeerServer::start(name)?;
        outcomes.push((name, run_scripts(scripts, &server.address.to_string())?));
    }
    for (name, outcome) in &outcomes {
        eprintln!("{name:<16} {}", outcome.totals);
    }
    ensure!(
        outcomes.iter().all(|(_, outcome)| outcome.agrees),
        "replies differ"
    );
    Ok(())
}

/// What came of the scripts on one server.
struct Outcome {
    agrees: bool,
    /// The runner's line of totals.
    totals: String,
}

/// Runs the scripts against the server at `address` and passes on what the runner says.
fn run_scripts(scripts: Option<&str>, address: &str) -> Result<Outcome> {
    let mut test = cargo([
        "test",
        "--quiet",
        "-p",
        "kv-server",
        "--test",
        "scripts",
        "--",
    ]);
    test.args(["--exact", "every_script_passes", "--nocapture"]);
    test.env("KV_SCRIPTS_AGAINST", address)
        .env("KV_SCRIPTS_ONLY", scripts.unwrap_or_default());
    // The difference is the message; where the test stands is not.
    test.env("RUST_BACKTRACE", "0");
    let mut child = test.stdout(Stdio::piped()).spawn()?;
    let mut totals = None;
    for line in BufReader::new(child.stdout.take().context("stdout is piped")?).lines() {
        let line = line?;
        eprintln!("{line}");
        if line.contains(TOTALS) {
            totals = Some(line);
        }
    }
    let agrees = child.wait()?.success();
    let totals = totals.context("no script has run")?;
    Ok(Outcome { agrees, totals })
}

/// A peer in a folder of its own; stopped and removed when dropped.
struct PeerServer {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl PeerServer {
    fn start(name: &str) -> Result<PeerServer> {
        let folder = root()
            .join("target/xtask")
            .join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let address = free_address()?;
        let child = Command::new(peers::program(name))
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
                "--enable-debug-command",
                "yes",
                "--dir",
            ])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("log"))?)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let mut server = PeerServer {
            child,
            folder,
            address,
        };
        server
            .wait_for_answer()
            .with_context(|| format!("start {name}"))?;
        Ok(server)
    }

    fn wait_for_answer(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_WAIT_MAX;
        while !answers(self.address) {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!(
                    "no answer; it wrote: {}",
                    fs::read_to_string(self.folder.join("log"))?
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for PeerServer {
    fn drop(&mut self) {
        // It may have ended by itself, and a folder that stays behind does no harm under target.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An address of this machine that nobody listens on. Somebody may take it before it is used; the
/// peer then says so and the task fails.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Says whether a server at `address` answers a PING.
fn answers(address: SocketAddr) -> bool {
    let mut reply = [0; 5];
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        stream.read_exact(&mut reply)
    });
    asked.is_ok() && &reply == b"+PONG"
}

#[test]
fn a_server_answers_and_silence_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        stream.write_all(b"+PONG\r\n").unwrap();
    });
    assert!(answers(address));
    server.join().unwrap();
    assert!(!answers(free_address().unwrap()));
}
