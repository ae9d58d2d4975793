//! The server that the scripts meet: one of our own, started and stopped here, or a running one.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::client::Client;
use super::peer::Peer;
use super::reply::Reply;

/// A server that has not said its address by then has not started.
const START_WAIT_MAX: Duration = Duration::from_secs(60);
/// What stands before the address in the line that says it.
const ADDRESS_MARK: &str = "listening on ";
/// Holds what an own server writes to stderr.
const LOG_FILE: &str = "stderr.txt";

/// A server that answers at an address.
pub(crate) struct Server {
    address: SocketAddr,
    peer: Peer,
    own: Option<OwnServer>,
}

/// A server that lives as long as this value, in a folder that does too.
struct OwnServer {
    child: Child,
    folder: TempDir,
}

impl OwnServer {
    /// What the server has written to stderr.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG_FILE)).unwrap_or_default()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the kv-server that cargo has built, on a free port and an empty directory.
    ///
    /// # Errors
    ///
    /// It ended, or did not say its address in time; carries what it wrote to stderr.
    pub(crate) fn spawn() -> Result<Server> {
        Self::spawn_with("always")
    }

    /// The same with another durability.
    ///
    /// # Errors
    ///
    /// Those of [`Server::spawn`].
    pub(crate) fn spawn_with(durability: &str) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv-server"))
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                "0",
                "--threads",
                "2",
                "--durability",
                durability,
                "--dir",
            ])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join(LOG_FILE))?)
            .spawn()?;
        let stdout = child.stdout.take();
        let own = OwnServer { child, folder };
        let said = stdout.context("stdout is piped").and_then(said_address);
        let address = said.with_context(|| format!("kv-server wrote: {}", own.log()))?;
        let peer = Peer::from_info(concat!("kv_version:", env!("CARGO_PKG_VERSION")))?;
        Ok(Server {
            address,
            peer,
            own: Some(own),
        })
    }

    /// Starts `valkey` or `redis` from `target/peers`, or takes the server that runs at an address; `None` when the
    /// peer is not installed.
    ///
    /// # Errors
    ///
    /// It does not start, or does not answer.
    pub(crate) fn peer_of(name: &str) -> Result<Option<Server>> {
        if name.contains(':') {
            return Server::running(name).map(Some);
        }
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin");
        let program = peers.join(format!("{name}-server"));
        if !program.exists() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(program)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            // How often it looks whose wait is over.
            .args(["--hz", "500", "--dynamic-hz", "no"])
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
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join(LOG_FILE))?)
            .spawn()?;
        let own = OwnServer { child, folder };
        let deadline = Instant::now() + START_WAIT_MAX;
        loop {
            match Server::running(&format!("127.0.0.1:{port}")) {
                Ok(server) => {
                    let own = Some(own);
                    return Ok(Some(Server { own, ..server }));
                }
                Err(error) if Instant::now() > deadline => {
                    return Err(error).with_context(|| format!("{name} wrote: {}", own.log()));
                }
                // There is nothing to wait on but the port itself.
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Takes a server that somebody else has started, and asks it what it is.
    ///
    /// # Errors
    ///
    /// Nothing answers there, or nothing that says its version.
    pub(crate) fn running(address: &str) -> Result<Server> {
        let resolved = address
            .to_socket_addrs()
            .with_context(|| format!("address {address:?}"))?;
        let address = resolved
            .into_iter()
            .next()
            .context("the address resolves to nothing")?;
        let peer = match Client::connect(address)?.call(&["INFO", "server"])? {
            Some(Reply::Bulk(info)) => Peer::from_info(&String::from_utf8_lossy(&info))?,
            other => bail!("INFO server answered {other:?}"),
        };
        Ok(Server {
            address,
            peer,
            own: None,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is.
    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// What can be told about a server that no longer answers.
    pub(crate) fn last_words(&self) -> String {
        match &self.own {
            Some(own) => format!("the server wrote: {}", own.log()),
            None => "it was started by somebody else".to_owned(),
        }
    }
}

/// Waits for the line that says the address; the rest of the output is read and dropped, so that
/// the server never waits for a reader.
fn said_address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                // The receiver is gone once it has the first address.
                let _ = sender.send(address);
            }
        }
    });
    receiver
        .recv_timeout(START_WAIT_MAX)
        .context("kv-server did not say where it listens")
}

/// The address that a line of the server's output names, if it names one.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once(ADDRESS_MARK)?;
    after
        .split_ascii_whitespace()
        .next()?
        .trim_end_matches(['.', ','])
        .parse()
        .ok()
}

#[test]
fn the_address_is_found_in_a_line() {
    let address = Some(SocketAddr::from(([127, 0, 0, 1], 6379)));
    assert_eq!(address_in("  listening on 127.0.0.1:6379"), address);
    assert_eq!(
        address_in("kv 0.1.0 listening on 127.0.0.1:6379, policy always"),
        address
    );
    assert_eq!(address_in("listening on the network"), None);
    assert_eq!(address_in("data in ./kv-data"), None);
}
