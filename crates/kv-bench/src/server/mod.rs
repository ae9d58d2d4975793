//! The servers of a comparison: found, started on a free loopback port with a directory of their own, stopped.
//!
//! Invariant: a [`Server`] owns its process and its directory; dropping it ends both.
//! Invariant: a process is stopped by the id it was started with, never by name.

mod ask;
mod field;
mod kind;
pub mod pin;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::interrupt::Interrupt;
pub use ask::{ask, ask_text, tell};
pub use field::{Entrant, Field};
pub use kind::{Durability, ServerKind};

/// How long a server may take from its start to its first answer, loading included.
const START_TIMEOUT: Duration = Duration::from_secs(900);

/// How long one PING may take before the server is looked at again.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a server may take to end by itself before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How long between two looks at a server that starts or stops.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How much of a failed server's output is shown, in bytes.
const OUTPUT_SHOWN: u64 = 2_000;

/// How a server is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// The cores it is bound to; none named: any.
    pub cores: Vec<usize>,
    /// How much longer each fsync takes, in microseconds, by syscall injection; `None`: as it is.
    pub fsync_delay_us: Option<u32>,
}

impl Setup {
    /// On all cores, with the disk as it is.
    #[must_use]
    pub fn plain(durability: Durability) -> Self {
        Self {
            durability,
            cores: Vec::new(),
            fsync_delay_us: None,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    start_took: Duration,
}

impl Server {
    /// Starts `entrant` with its data in `dir`, which may hold data already, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends early or does not answer in time; the error shows the end of what it
    /// printed. Also when interrupted.
    pub fn start(
        entrant: &Entrant,
        setup: &Setup,
        dir: &Path,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let output_path = dir.join("output.txt");
        let output = File::create(&output_path)
            .with_context(|| format!("cannot create {}", output_path.display()))?;
        let words = command_line(entrant, setup, address.port(), dir);
        let began = Instant::now();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // A group of its own: Ctrl-C reaches this process only, which then stops the server.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", words[0].display()))?;
        let mut server = Self {
            child,
            address,
            start_took: Duration::ZERO,
        };
        server
            .wait_until_it_answers(interrupt)
            .map_err(|error| with_output(error, entrant, &output_path))?;
        server.start_took = began.elapsed();
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How long it took from its start to its first answer.
    #[must_use]
    pub fn start_took(&self) -> Duration {
        self.start_took
    }

    /// Ends it as an operator would, so that its data is complete on disk.
    ///
    /// # Errors
    ///
    /// When it does not end by itself in time; it is then killed.
    pub fn stop(mut self) -> anyhow::Result<()> {
        if self.end_within(STOP_TIMEOUT) {
            Ok(())
        } else {
            Err(anyhow!(
                "the server (process {}) did not end within {} s of SIGTERM and was killed",
                self.child.id(),
                STOP_TIMEOUT.as_secs()
            ))
        }
    }

    fn wait_until_it_answers(&mut self, interrupt: &Interrupt) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            interrupt.check()?;
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once ({status})");
            }
            if ask(self.address, &["PING"], PING_TIMEOUT).is_ok_and(|reply| reply == "+PONG") {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("it does not answer on {}", self.address)
    }

    /// Asks it to end and kills it if it does not; whether it ended by itself.
    fn end_within(&mut self, patience: Duration) -> bool {
        let asked = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let began = Instant::now();
        while asked && began.elapsed() < patience {
            match self.child.try_wait() {
                Ok(Some(_)) => return true,
                Ok(None) => std::thread::sleep(LOOK_AGAIN),
                Err(_) => break,
            }
        }
        // Both fail only when it has ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // What it would still write is of no use to anybody.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A new directory under `parent` for one server's data, removed when dropped.
///
/// # Errors
///
/// When `parent` cannot be written to.
pub fn data_dir(parent: &Path) -> anyhow::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("data-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot make a directory in {}", parent.display()))
}

/// A loopback address that nobody listens on at this moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}

/// The calls that strace looks at: those that it slows, and the two that every new thread begins with. It stops
/// a thread at each call of any kind until the first one that it looks at, and a thread that serves connections
/// makes no sync.
const SLOW_DISK_TRACE: &str = "trace=fdatasync,fsync,rseq,set_robust_list";

/// The whole command line: what bounds and slows the server comes before it and runs as the same process.
fn command_line(entrant: &Entrant, setup: &Setup, port: u16, dir: &Path) -> Vec<PathBuf> {
    let mut words: Vec<PathBuf> = Vec::new();
    if !setup.cores.is_empty() {
        words.extend(["taskset", "--cpu-list"].map(PathBuf::from));
        words.push(pin::list(&setup.cores).into());
    }
    if let Some(delay_us) = setup.fsync_delay_us {
        let inject = format!("inject=fdatasync,fsync:delay_exit={delay_us}");
        words.extend(["strace", "--daemonize", "-qq", "-f", "--seccomp-bpf"].map(PathBuf::from));
        words.extend(["-o", "/dev/null", "-e", SLOW_DISK_TRACE, "-e"].map(PathBuf::from));
        words.push(inject.into());
    }
    words.push(entrant.binary.clone());
    words.extend(entrant.kind.args(setup.durability, port, dir));
    words
}

fn with_output(error: anyhow::Error, entrant: &Entrant, output: &Path) -> anyhow::Error {
    let shown = end_of(output).unwrap_or_default();
    let name = entrant.kind.name();
    error.context(format!("{name} did not start; it printed:\n{shown}"))
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(OUTPUT_SHOWN)))?;
    let mut shown = Vec::new();
    file.take(OUTPUT_SHOWN).read_to_end(&mut shown)?;
    Ok(String::from_utf8_lossy(&shown).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrant(binary: &str) -> Entrant {
        Entrant {
            kind: ServerKind::Kv,
            binary: binary.into(),
            version: String::new(),
        }
    }

    #[test]
    fn what_slows_and_bounds_comes_before_the_server() {
        let setup = Setup {
            durability: Durability::Always,
            cores: vec![1],
            fsync_delay_us: Some(1_000),
        };
        let words = command_line(&entrant("/x/kv-server"), &setup, 7, Path::new("/d"));
        let line: Vec<String> = words
            .iter()
            .map(|word| word.display().to_string())
            .collect();
        let line = line.join(" ");
        assert!(line.starts_with("taskset --cpu-list 1 strace --daemonize "));
        assert!(line.contains("inject=fdatasync,fsync:delay_exit=1000 /x/kv-server "));
        assert!(line.contains("--port 7"));
    }

    #[test]
    fn a_server_that_ends_at_once_is_told_with_its_output() {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup::plain(Durability::Off);
        let error = Server::start(
            &entrant("/bin/false"),
            &setup,
            dir.path(),
            &Interrupt::default(),
        )
        .unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("kv-server did not start"), "{text}");
        assert!(text.contains("ended at once"), "{text}");
    }

    #[test]
    fn a_dropped_server_is_gone() {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        drop(Server {
            child,
            address: ([127, 0, 0, 1], 1).into(),
            start_took: Duration::ZERO,
        });
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
