//! A real kv-server process and raw connections to it, for tests that need the whole program.

#![allow(
    dead_code,
    reason = "each test program uses the part that it needs of what they share"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A reply that has not come by then never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What stands before the address in the line that says it.
const ADDRESS_MARK: &str = "listening on ";

/// A running server. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    /// What it printed when it started.
    pub(crate) greeting: String,
    stderr: PathBuf,
}

impl Process {
    /// Starts a server on a free port with its data in `dir`/data, and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not start; the message has what it wrote to standard error.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        Self::try_start(program(), dir, arguments)
            .unwrap_or_else(|(_, said)| panic!("the server did not start: {said}"))
    }

    /// As [`Process::start`], with `program` for the first words of the command.
    ///
    /// # Errors
    ///
    /// How it ended instead, and what it wrote to standard error.
    pub(crate) fn try_start(
        mut program: Command,
        dir: &Path,
        arguments: &[&str],
    ) -> Result<Self, (ExitStatus, String)> {
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        let stderr = dir.join(format!("stderr-{number}.txt"));
        // However many cores there are: what two threads do to each other is to be seen.
        let threads: &[&str] = match arguments.contains(&"--threads") {
            true => &[],
            false => &["--threads", "2"],
        };
        let mut child = program
            .arg("--dir")
            .arg(dir.join("data"))
            .args(["--port", "0"])
            .args(threads)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr).expect("the test's directory is writable"))
            .spawn()
            .expect("the program is there");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut greeting = String::new();
        let mut address = None;
        while address.is_none() || !greeting.contains("stop it") {
            let Some(Ok(line)) = lines.next() else {
                let status = child.wait().expect("it is our child");
                let said = std::fs::read_to_string(&stderr).unwrap_or_default();
                return Err((status, said));
            };
            if let Some((_, said)) = line.split_once(ADDRESS_MARK) {
                address = said.parse().ok();
            }
            greeting.push_str(&line);
            greeting.push('\n');
        }
        Ok(Self {
            child,
            address: address.expect("the loop ends with an address"),
            greeting,
            stderr,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.address).expect("it listens")
    }

    /// What it has written to standard error.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Bytes of physical memory it takes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid()));
        let statm = statm.expect("it runs");
        let pages: u64 = statm
            .split_ascii_whitespace()
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .expect("the kernel writes numbers");
        pages * rustix::param::page_size() as u64
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our child");
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv-server"));
    command.stdin(Stdio::null());
    command
}

/// Runs `command`, which is to end by itself. Exit code (`None`: it had to be killed), standard output and
/// standard error.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    // Both are read while it runs: a program that nobody reads from stops when a pipe is full.
    let mut pipes: [Box<dyn Read + Send>; 2] = [
        Box::new(child.stdout.take().expect("it is piped")),
        Box::new(child.stderr.take().expect("it is piped")),
    ];
    let [stdout, stderr] = &mut pipes;
    let started = Instant::now();
    std::thread::scope(|scope| {
        let [stdout, stderr] = [stdout, stderr].map(|pipe| scope.spawn(|| all_of(pipe)));
        let status = loop {
            if let Some(status) = child.try_wait().expect("it is our child") {
                break status;
            }
            if started.elapsed() > PATIENCE {
                child.kill().expect("it runs");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |said: ScopedJoinHandle<'_, String>| said.join().expect("it only reads");
        (status.code(), text(stdout), text(stderr))
    })
}

fn all_of(pipe: &mut (impl Read + ?Sized)) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("it can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A raw connection.
pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// The operating system's: the server may be gone.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Exactly as many bytes as `count`.
    ///
    /// # Errors
    ///
    /// The operating system's: the server may be gone.
    pub(crate) fn receive(&mut self, count: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// One line, its end included.
    ///
    /// # Errors
    ///
    /// The operating system's: the server may be gone.
    pub(crate) fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.extend(self.receive(1)?);
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Sends `request` and checks that exactly `reply` comes.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing.
    #[track_caller]
    pub(crate) fn talk(&mut self, request: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.send(request).expect("the server listens");
        let reply = reply.as_ref();
        match self.receive(reply.len()) {
            Ok(got) => assert_eq!(
                got.escape_ascii().to_string(),
                reply.escape_ascii().to_string()
            ),
            Err(error) => panic!("instead of {}: {error}", reply.escape_ascii()),
        }
    }

    /// Sends a request whose reply is one line, which is returned.
    ///
    /// # Panics
    ///
    /// When none comes.
    #[track_caller]
    pub(crate) fn ask(&mut self, words: &[&str]) -> String {
        self.send(resp(words)).expect("the server listens");
        self.line().expect("the server answers")
    }

    /// The value of `field` in this section of `INFO`.
    ///
    /// # Panics
    ///
    /// When there is no such field.
    #[track_caller]
    pub(crate) fn info(&mut self, section: &str, field: &str) -> String {
        let head = self.ask(&["INFO", section]);
        assert!(head.starts_with('$'), "{head}");
        let mut found = None;
        loop {
            let line = self.line().expect("the server answers");
            if let Some((name, value)) = line.trim_end().split_once(':')
                && name == field
            {
                found = Some(value.to_owned());
            }
            // The text ends with a line end, and the reply with another.
            if line == "\r\n" {
                return found.expect("INFO has the field");
            }
        }
    }

    /// Everything until the server closes the connection.
    ///
    /// # Panics
    ///
    /// When it does not close it, or breaks it.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => panic!("after {}: {error}", bytes.escape_ascii()),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        // Fails only when the server has closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Sends as much of `bytes` as the other end takes without reading anything; how much that was.
    ///
    /// # Panics
    ///
    /// When the connection breaks.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        self.stream
            .set_write_timeout(Some(Duration::from_millis(300)))
            .expect("it is a socket");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => panic!("after {sent} bytes: {error}"),
            }
        }
        sent
    }
}

/// `words` as a RESP request.
pub(crate) fn resp(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}
