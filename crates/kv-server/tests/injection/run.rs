//! One run: a server with a past, a failing call, a load, and what is left.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::ScopedJoinHandle;

use tempfile::TempDir;

use crate::case::Case;
use crate::load::{self, Told};
use crate::process::{Process, program, resp};
use crate::trace;

const CONNECTIONS: usize = 2;

/// Small segments, so that the log changes files.
pub(crate) const ARGUMENTS: [&str; 4] = ["--segment-size", "64kb", "--threads", "1"];

/// Keys that were there before.
const PAST_KEYS: u64 = 30;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The call that was to fail did not come.
    Untouched,
    /// Nothing came of it, or only a snapshot did not.
    WentOn,
    /// Writes were refused because of the disk, and the server went on.
    Refused,
    /// The log has failed: exit code 4.
    Stopped,
    /// The server was killed.
    Killed,
    /// It did not start: exit code 1, or 4 when its log failed at once.
    NotStarted,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Untouched,
        Self::WentOn,
        Self::Refused,
        Self::Stopped,
        Self::Killed,
        Self::NotStarted,
    ];
}

/// A directory that a killed server has left: several segments and a snapshot.
pub(crate) struct Template(TempDir);

impl Template {
    pub(crate) fn make() -> Self {
        let dir = tempfile::tempdir().expect("there is room for tests");
        let server = Process::start(dir.path(), &ARGUMENTS);
        let mut wire = server.connect();
        for number in 1..=PAST_KEYS {
            wire.talk(
                resp(&["SET", &past_key(number), &load::value(number)]),
                "+OK\r\n",
            );
            if number == PAST_KEYS / 2 {
                wire.talk(resp(&["SAVE"]), "+OK\r\n");
            }
        }
        server.kill();
        Self(dir)
    }

    fn copy_to(&self, dir: &Path) {
        let to = dir.join("data");
        std::fs::create_dir(&to).expect("it is a new directory");
        let files = std::fs::read_dir(self.0.path().join("data")).expect("it is there");
        for file in files.flatten() {
            std::fs::copy(file.path(), to.join(file.file_name())).expect("there is room");
        }
    }
}

fn past_key(number: u64) -> String {
    format!("past:{number}")
}

/// Runs `case` on a copy of `template` and checks what is left.
///
/// # Panics
///
/// When the promise is broken; the message says how to repeat the case.
pub(crate) fn run(case: &Case, template: &Template) -> Outcome {
    let dir = tempfile::tempdir().expect("there is room for tests");
    template.copy_to(dir.path());
    let trace_file = dir.path().join("trace");
    let (told, exit) = live(case, dir.path(), &trace_file);
    let calls = trace::read(&std::fs::read_to_string(&trace_file).unwrap_or_default());
    let retried = trace::retried_sync(&calls);
    assert!(
        retried.is_none() || case.interrupts(),
        "{case}: {retried:?} after a failed sync"
    );
    let stops = |call: &trace::Call| {
        call.injected && call.is_of_log() && (call.syncs() || call.name == "pwrite64")
    };
    let must_stop = calls.iter().any(stops) && !case.interrupts() && !case.kills();
    let outcome = match exit {
        Exit::Code(0) if told.iter().any(|told| told.refused) => Outcome::Refused,
        Exit::Code(0) if calls.iter().any(|call| call.injected) => Outcome::WentOn,
        Exit::Code(0) => Outcome::Untouched,
        Exit::Code(4) => Outcome::Stopped,
        Exit::Killed if case.kills() => Outcome::Killed,
        Exit::NotStarted(Some(1 | 4)) => Outcome::NotStarted,
        other => {
            let injected = calls.iter().find(|call| call.injected);
            panic!("{case}: ended with {other:?} after {injected:?}, {told:?}")
        }
    };
    assert!(
        !must_stop || matches!(outcome, Outcome::Stopped | Outcome::NotStarted),
        "{case}: {outcome:?} after the log has failed"
    );
    check(case, dir.path(), &told);
    outcome
}

#[derive(Debug)]
enum Exit {
    Code(i32),
    Killed,
    NotStarted(Option<i32>),
}

/// The life in which the call fails.
fn live(case: &Case, dir: &Path, trace_file: &Path) -> (Vec<Told>, Exit) {
    let policy = ["--durability", case.policy];
    let arguments = [&ARGUMENTS[..], &policy[..]].concat();
    let program = match case.starts {
        true => traced(case, dir, trace_file),
        false => program(),
    };
    let server = match Process::try_start(program, dir, &arguments) {
        Ok(server) => server,
        Err((status, _)) if status.signal().is_some() => return (Vec::new(), Exit::Killed),
        Err((status, _)) => return (Vec::new(), Exit::NotStarted(status.code())),
    };
    let tracer = (!case.starts).then(|| attach(case, dir, server.pid(), trace_file));
    let address = server.address();
    let told: Vec<Told> = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || load::write(address, number)))
            .collect();
        let join = |connection: ScopedJoinHandle<'_, Told>| {
            let told = connection.join();
            told.unwrap_or_else(|_| panic!("{case}: see above"))
        };
        connections.into_iter().map(join).collect()
    });
    // A server that ends by itself is not asked to: that would be a second reason.
    let status = match told.iter().any(|told| told.ended) {
        true => server.wait(),
        false => server.terminate(),
    };
    if let Some(mut tracer) = tracer {
        tracer.wait().expect("it ends with the server");
    }
    (told, status.code().map_or(Exit::Killed, Exit::Code))
}

/// The server under strace, which is its child and not its parent: exit codes and signals are the server's.
fn traced(case: &Case, dir: &Path, trace_file: &Path) -> Command {
    let mut strace = strace(case, dir, trace_file);
    strace.args(["-D", "--seccomp-bpf", "-qq"]);
    strace.arg(program().get_program());
    strace
}

/// Lets strace take hold of a server that runs.
pub(crate) fn attach(case: &Case, dir: &Path, pid: u32, trace_file: &Path) -> Child {
    let mut strace = strace(case, dir, trace_file);
    strace.args(["-p", &pid.to_string()]).stderr(Stdio::piped());
    let mut tracer = strace.spawn().expect("it is there");
    let said = tracer.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(said).lines().map_while(Result::ok);
    let attached = lines.any(|line| line.contains("attached"));
    assert!(attached, "{case}: strace cannot attach");
    // It says little more, and goes on without anybody who listens.
    std::thread::spawn(move || lines.for_each(drop));
    tracer
}

fn strace(case: &Case, dir: &Path, trace_file: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "8", "-o"]).arg(trace_file);
    if case.is_of_names() {
        // Only what is done through the handle of the directory: the program also opens its libraries.
        strace.arg("-P").arg(dir.join("data"));
    }
    let traced = format!("trace=fdatasync,fsync,pwrite64,{}", case.calls);
    strace.args(["-e", &traced, "-e", &case.inject()]);
    strace.stdin(Stdio::null());
    strace
}

/// What is there after the disk is well again.
fn check(case: &Case, dir: &Path, told: &[Told]) {
    let server = Process::try_start(program(), dir, &ARGUMENTS);
    let server = server.unwrap_or_else(|(status, said)| panic!("{case}: then {status}: {said}"));
    let mut wire = server.connect();
    for number in 1..=PAST_KEYS {
        let found = load::get(&mut wire, &past_key(number)).expect("the server answers");
        assert_eq!(found, number, "{case}: an old key");
    }
    for (connection, told) in told.iter().enumerate() {
        let found = load::get(&mut wire, &load::key(connection)).expect("the server answers");
        let known = &told.known;
        assert!(
            (known.acknowledged..=known.sent).contains(&found),
            "{case}: found {found}, {told:?}"
        );
    }
    wire.talk(resp(&["SET", "after", "1"]), "+OK\r\n");
    assert_eq!(server.terminate().code(), Some(0), "{case}");
    let verify = program()
        .args(["wal", "verify"])
        .arg(dir.join("data"))
        .output();
    let verify = verify.expect("the program is there");
    assert_eq!(verify.status.code(), Some(0), "{case}: {verify:?}");
}
