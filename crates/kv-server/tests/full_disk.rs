//! A small file system that is full: a tmpfs of 100 MiB, mounted for the test in a name space of its own.
//!
//! Clients write until the server refuses, while something else on the disk takes the last room at once.
//! Nobody is left waiting, reads go on, and when there is room again writes resume by themselves; a kill while
//! the disk is full, and one after it, lose nothing that was acknowledged, and the log is whole. A transaction
//! that turns out to be larger than the disk has room for was never there; a snapshot that finds none is told,
//! and the next one makes up for it.

mod figures;
mod process;
mod tools;

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, io};

use process::{Process, Wire, program, resp};

/// Set inside of the name space: where the file system is mounted.
const INSIDE: &str = "KV_FULL_DISK_INSIDE";

/// Mounts the file system at the first argument and becomes the rest of them.
const MOUNT: &str = r#"mount -t tmpfs -o size=100m kv "$1" && shift && exec "$@""#;

const ROUNDS: u64 = 1;
const ROUNDS_LONG: u64 = 20;

const WRITERS: usize = 4;

/// Every value is this long. All are the same but for their number.
const VALUE_BYTES: usize = 40_000;

/// Taken from the file system before it is filled, to be given back.
const BALLAST_BYTES: u64 = 30 << 20;

/// What has not happened by then never happens.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_full_disk_loses_nothing() {
    if let Some(disk) = env::var_os(INSIDE) {
        return live(Path::new(&disk));
    }
    let can = Command::new("unshare")
        .args(["-Urm", "true"])
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        return tools::missing("a full disk needs unshare -Urm, to mount one");
    }
    let begun = Instant::now();
    let disk = tempfile::tempdir().expect("there is room for tests");
    let mut inside = Command::new("unshare");
    inside
        .args(["-Urm", "sh", "-c", MOUNT, "sh"])
        .arg(disk.path());
    inside.arg(env::current_exe().expect("it runs"));
    inside.args(["--exact", "a_full_disk_loses_nothing", "--nocapture"]);
    let status = inside.env(INSIDE, disk.path()).status();
    assert!(status.expect("it is there").success(), "see above");
    figures::note(9, rounds(), "times a full disk", begun);
}

fn rounds() -> u64 {
    match env::var_os("KV_TEST_LONG") {
        Some(_) => ROUNDS_LONG,
        None => ROUNDS,
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what a run is for")]
fn live(disk: &Path) {
    outgrow(disk);
    fail_to_save(disk);
    let mut server = Process::start(disk, &[]);
    for round in 0..rounds() {
        let mut ballast = Ballast::load(disk, BALLAST_BYTES);
        let told = fill(&server, &mut ballast, round);
        check(&server, &told);
        let refused = told
            .iter()
            .filter(|(_, told)| *told == Told::Refused)
            .count();
        // It starts and reads on the full disk too, or says why not and changes nothing.
        server.kill();
        let full = Process::try_start(program(), disk, &[]);
        println!(
            "round {round}: {} acknowledged, {refused} refused; a start without any room {}",
            told.len() - refused,
            if full.is_ok() { "serves" } else { "is refused" }
        );
        match full {
            Ok(started) => {
                check(&started, &told);
                started.kill();
            }
            Err((status, _)) => assert_eq!(status.code(), Some(1)),
        }
        ballast.throw();
        server = Process::start(disk, &[]);
        check(&server, &told);
        // Full again, and this time the server itself sees the room come back.
        let ballast = Ballast::all(disk);
        refuse(&server);
        ballast.throw();
        resume(&server);
        check(&server, &told);
        server.kill();
        verify(disk);
        server = Process::start(disk, &[]);
        check(&server, &told);
        empty(&server);
    }
    assert_eq!(server.terminate().code(), Some(0));
    verify(disk);
}

/// Transactions that nobody knows the size of, and that outgrow what the disk has room for when they have changed
/// something already.
fn outgrow(disk: &Path) {
    const SCRIPT: &str = "redis.call('SET', 'kept', 'no') local large = string.rep('x', 4194304) \
        for i = 1, 20 do redis.call('SET', 'k' .. i, large) end";

    // There from the beginning, so that the server knows how little room there is.
    let ballast = Ballast::load(disk, 60 << 20);
    let server = Process::start(disk, &["--snapshot-after", "0"]);
    let mut wire = server.connect();
    wire.talk(resp(&["SET", "kept", "yes"]), "+OK\r\n");
    let reply = wire.ask(&["EVAL", SCRIPT, "0"]);
    assert!(reply.starts_with("-MISCONF"), "{reply:?}");

    wire.talk(resp(&["SET", "large", &"x".repeat(1 << 20)]), "+OK\r\n");
    wire.talk(resp(&["MULTI"]), "+OK\r\n");
    wire.talk(resp(&["SET", "kept", "no"]), "+QUEUED\r\n");
    for number in 0..60 {
        let copy = format!("copy:{number}");
        wire.talk(resp(&["BITOP", "NOT", &copy, "large"]), "+QUEUED\r\n");
    }
    let reply = wire.ask(&["EXEC"]);
    assert!(reply.starts_with("-MISCONF"), "{reply:?}");

    wire.talk(resp(&["SET", "after", "1"]), "+OK\r\n");
    server.kill();
    let server = Process::start(disk, &[]);
    let mut wire = server.connect();
    wire.talk(resp(&["GET", "kept"]), "$3\r\nyes\r\n");
    wire.talk(resp(&["DBSIZE"]), ":3\r\n");
    assert_eq!(server.terminate().code(), Some(0));
    verify(disk);
    ballast.throw();
}

/// Snapshots on a disk without any room, and one after that.
fn fail_to_save(disk: &Path) {
    let server = Process::start(disk, &["--snapshot-after", "0"]);
    for number in 0..400 {
        assert_eq!(
            write(server.address(), &format!("save:{number}")),
            Told::Done
        );
    }
    let ballast = Ballast::all(disk);
    let mut wire = server.connect();
    let status = |wire: &mut Wire| {
        let fields = ["rdb_last_bgsave_status", "snapshot_failures", "rdb_saves"];
        fields.map(|field| wire.info("persistence", field))
    };
    assert_eq!(wire.ask(&["BGSAVE"]), "+Background saving started\r\n");
    while wire.info("persistence", "rdb_bgsave_in_progress") == "1" {
        std::thread::yield_now();
    }
    assert_eq!(status(&mut wire), ["err", "1", "0"]);
    let reply = wire.ask(&["SAVE"]);
    assert!(reply.starts_with('-'), "{reply:?}");
    assert_eq!(status(&mut wire), ["err", "2", "0"]);
    wire.talk(resp(&["GET", "kept"]), "$3\r\nyes\r\n");
    ballast.throw();
    resume(&server);
    wire.talk(resp(&["SAVE"]), "+OK\r\n");
    assert_eq!(status(&mut wire), ["ok", "2", "1"]);
    empty(&server);
    assert_eq!(server.terminate().code(), Some(0));
    verify(disk);
}

/// A file that takes room away from the server.
struct Ballast {
    file: File,
    path: PathBuf,
}

impl Ballast {
    fn load(disk: &Path, bytes: u64) -> Self {
        let path = disk.join("ballast");
        let file = File::create(&path).expect("there is room");
        let mut ballast = Self { file, path };
        for _ in 0..bytes >> 20 {
            ballast.add().expect("there is room");
        }
        ballast
    }

    fn all(disk: &Path) -> Self {
        let mut ballast = Self::load(disk, 0);
        ballast.take_all();
        ballast
    }

    fn add(&mut self) -> io::Result<()> {
        self.file.write_all(&[1; 1 << 20])
    }

    /// Takes what is left, at once.
    fn take_all(&mut self) {
        while self.add().is_ok() {}
    }

    fn throw(self) {
        std::fs::remove_file(self.path).expect("it is there");
    }
}

/// What a writer was told of one of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Done,
    Refused,
}

type Keys = Vec<(String, Told)>;

/// Writes new keys until the disk is full. Half way, something else takes all the room there is.
fn fill(server: &Process, ballast: &mut Ballast, round: u64) -> Keys {
    let keys = Mutex::new(Keys::new());
    let address = server.address();
    let full = |count: usize| keys.lock().expect("nobody panics with it").len() > count;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let keys = &keys;
            scope.spawn(move || {
                for number in 0.. {
                    let key = format!("{round}:{writer}:{number}");
                    let told = write(address, &key);
                    keys.lock()
                        .expect("nobody panics with it")
                        .push((key, told));
                    if told == Told::Refused {
                        return;
                    }
                }
            });
        }
        let begun = Instant::now();
        while !full(300) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        ballast.take_all();
    });
    keys.into_inner().expect("nobody panics with it")
}

/// # Panics
///
/// When there is no answer, or another one than that it is done or refused.
fn write(address: SocketAddr, key: &str) -> Told {
    let mut wire = Wire::connect(address).expect("it listens");
    let value = format!("{key:>VALUE_BYTES$}");
    wire.send(resp(&["SET", key, &value])).expect("it listens");
    let reply = wire.line().expect("everybody is answered");
    if reply == "+OK\r\n" {
        return Told::Done;
    }
    assert!(reply.starts_with("-MISCONF"), "{reply:?}");
    Told::Refused
}

/// What was acknowledged can be read, what was refused is not there.
fn check(server: &Process, keys: &Keys) {
    let mut wire = server.connect();
    for (key, told) in keys {
        match told {
            Told::Done => {
                let value = format!("{key:>VALUE_BYTES$}");
                let reply = format!("${VALUE_BYTES}\r\n{value}\r\n");
                wire.talk(resp(&["GET", key]), reply);
            }
            Told::Refused => wire.talk(resp(&["GET", key]), "$-1\r\n"),
        }
    }
}

/// Writes until a write is refused.
fn refuse(server: &Process) {
    let begun = Instant::now();
    while write(server.address(), "probe") == Told::Done {
        assert!(begun.elapsed() < PATIENCE, "a full disk is not noticed");
    }
}

/// Tries to write until it is accepted.
fn resume(server: &Process) {
    let begun = Instant::now();
    while write(server.address(), "probe") == Told::Refused {
        assert!(begun.elapsed() < PATIENCE, "writes do not resume");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Gives the room back that deleted data has: two snapshots make the log before them needless.
fn empty(server: &Process) {
    let mut wire = server.connect();
    wire.talk(resp(&["FLUSHALL"]), "+OK\r\n");
    for _ in 0..2 {
        wire.talk(resp(&["SET", "probe", "1"]), "+OK\r\n");
        save(&mut wire);
    }
}

/// Makes a snapshot, after the one that the server may be making by itself.
fn save(wire: &mut Wire) {
    let begun = Instant::now();
    loop {
        let reply = wire.ask(&["SAVE"]);
        if reply == "+OK\r\n" {
            return;
        }
        assert!(reply.contains("already in progress"), "{reply:?}");
        assert!(begun.elapsed() < PATIENCE, "a snapshot has no end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn verify(disk: &Path) {
    let verify = program()
        .args(["wal", "verify"])
        .arg(disk.join("data"))
        .output();
    let verify = verify.expect("the program is there");
    assert_eq!(verify.status.code(), Some(0), "{verify:?}");
}
