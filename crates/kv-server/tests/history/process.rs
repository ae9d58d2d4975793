//! One life of the server: a real process on a directory, killed without warning.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::client::ask_once;
use super::plan::Options;

/// A server that takes longer than this to start hangs.
const START_MAX: Duration = Duration::from_secs(60);

/// A server that takes longer than this to end hangs.
const SHUTDOWN_MAX: Duration = Duration::from_secs(30);

/// Between two looks at a process.
const POLL: Duration = Duration::from_millis(2);

/// What kv-server prints before its address.
const LISTENING: &str = "listening on ";

/// Which server it is.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The kv-server of this workspace.
    Own,
    /// A shell command in which `{dir}` and `{port}` are replaced, for comparison.
    Other(String),
}

impl Program {
    /// Whether `SET` has the option `IFEQ`.
    pub(crate) fn has_ifeq(&self) -> bool {
        matches!(self, Self::Own)
    }
}

/// Where the processes of one history live.
#[derive(Debug)]
pub(crate) struct Home {
    program: Program,
    directory: PathBuf,
}

impl Home {
    pub(crate) fn new(program: Program, directory: &Path) -> Result<Self> {
        let home = Self {
            program,
            directory: directory.to_owned(),
        };
        std::fs::create_dir(home.data())?;
        Ok(home)
    }

    /// Starts a server and waits until it can be asked.
    ///
    /// # Errors
    ///
    /// It ended, or is not ready after a minute.
    pub(crate) fn start(&self, options: &Options) -> Result<Process> {
        let mut process = self.spawn(options)?;
        let ready = match process.child.stdout.take() {
            Some(stdout) => announced_address(stdout),
            None => process.answering_address(),
        };
        process.address = ready?;
        Ok(process)
    }

    /// Starts a server and kills it after `delay`, wherever it is then.
    pub(crate) fn start_in_vain(&self, options: &Options, delay: Duration) -> Result<()> {
        let process = self.spawn(options)?;
        thread::sleep(delay);
        process.kill()
    }

    /// What the servers of this history said last.
    pub(crate) fn said(&self) -> String {
        const BYTES_MAX: usize = 8 * 1024;
        let said = std::fs::read(self.said_file()).unwrap_or_default();
        let last = &said[said.len().saturating_sub(BYTES_MAX)..];
        String::from_utf8_lossy(last).into_owned()
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn said_file(&self) -> PathBuf {
        self.directory.join("stderr.txt")
    }

    fn spawn(&self, options: &Options) -> Result<Process> {
        let said = File::options()
            .create(true)
            .append(true)
            .open(self.said_file())?;
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut command = match &self.program {
            Program::Own => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_kv-server"));
                command.args(["--bind", "127.0.0.1", "--port", "0", "--dir"]);
                command.arg(self.data()).args(options.arguments());
                command.stdout(Stdio::piped());
                command
            }
            Program::Other(line) => {
                address.set_port(free_port()?);
                let line = line.replace("{dir}", &self.data().to_string_lossy());
                let line = line.replace("{port}", &address.port().to_string());
                let mut command = Command::new("sh");
                command.args(["-c", &format!("exec {line}")]);
                command.stdout(said.try_clone()?);
                command
            }
        };
        let child = command.stdin(Stdio::null()).stderr(said).spawn()?;
        Ok(Process { child, address })
    }
}

/// A running server; it dies with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Kills it at once; after return it is gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end in good order; after return it has.
    ///
    /// # Errors
    ///
    /// It refused, or ended in another way than with success, or not at all.
    pub(crate) fn shut_down(mut self) -> Result<()> {
        // A connection that just ends is what success looks like from here.
        if let Ok(reply) = ask_once(self.address, &["SHUTDOWN"]) {
            ensure!(!reply.is_error(), "SHUTDOWN was answered with {reply:?}");
        }
        let begun = Instant::now();
        while begun.elapsed() < SHUTDOWN_MAX {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "SHUTDOWN ended with {status}");
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the server goes on after SHUTDOWN")
    }

    /// Asks for a snapshot; whether one was begun.
    pub(crate) fn save(&self) -> bool {
        ask_once(self.address, &["BGSAVE"]).is_ok_and(|reply| !reply.is_error())
    }

    /// Waits until a server that announces nothing answers.
    fn answering_address(&mut self) -> Result<SocketAddr> {
        let begun = Instant::now();
        while begun.elapsed() < START_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            let pong = ask_once(self.address, &["PING"]);
            if pong.is_ok_and(|reply| !reply.is_error()) {
                return Ok(self.address);
            }
            thread::sleep(POLL);
        }
        bail!("the server does not answer")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A port that nobody listens on, outside of those that connections get.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        ensure!(port < 32_000, "there is no free port");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
}

/// Reads where kv-server listens, and lets it go on printing.
fn announced_address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (sender, announced) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(LISTENING) {
                let address = rest.split_whitespace().next().unwrap_or_default();
                // Nobody waits any more when a second address comes.
                let _heard = sender.send(address.to_owned());
            }
        }
    });
    let address = announced.recv_timeout(START_MAX);
    let address = address.context("the server did not say where it listens")?;
    address
        .parse()
        .with_context(|| format!("the server listens on {address:?}"))
}
