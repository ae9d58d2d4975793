//! What a search has seen, and how to see a failure again.

use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};

use kv_core::Lsn;

use super::life::Crash;
use crate::fs::{Fs, RealFs};
use crate::testing::disk::{DiskState, Fault};

/// The file beside a kept disk that says what must come back.
const EXPECTED: &str = "expected.txt";

/// Where a crash was, and what it left.
#[derive(Clone, Debug)]
pub struct Case {
    /// The seed of the scenario.
    pub seed: u64,
    /// Which of its lives, from 0.
    pub life: usize,
    /// What was planned to fail in that life.
    pub fault: Option<Fault>,
    /// After how many calls the crash came.
    pub position: usize,
    /// The kind of crash.
    pub crash: Crash,
    /// Which of the disks that it can leave; of a kill, how many bytes of the next write were done.
    pub variant: usize,
    /// For a crash inside of recovery: its kind, after how many calls of recovery, and which variant.
    pub inside: Option<(Crash, usize, usize)>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            life,
            position,
            variant,
            ..
        } = self;
        write!(f, "seed-{seed}-life-{life}")?;
        if let Some(fault) = &self.fault {
            let calls = fault.calls.end - fault.calls.start;
            let (call, trouble) = (fault.calls.start, fault.trouble);
            write!(f, "-call-{call}-for-{calls}-{trouble:?}")?;
        }
        let crash = self.crash.name();
        write!(f, "-{crash}-{position}-{variant}")?;
        if let Some((crash, position, variant)) = self.inside {
            write!(f, "-then-{}-{position}-{variant}", crash.name())?;
        }
        Ok(())
    }
}

/// A crash that breaks the promise.
#[derive(Clone)]
pub struct Violation {
    /// Where.
    pub case: Case,
    /// What is wrong, in words.
    pub what: String,
    /// The disk that was to be recovered.
    pub disk: DiskState,
    /// What must be there.
    pub floor: Lsn,
    /// Every LSN that may be recovered, with the digest of the contents there.
    pub points: Vec<(Lsn, u64)>,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.what)
    }
}

impl Violation {
    /// Keeps the disk and what must come back from it in a folder of its own inside of `folder`; returns that
    /// folder.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn keep(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join(self.case.to_string());
        let dir = RealFs.open_dir(&path)?;
        for (name, bytes) in self.disk.named_files() {
            dir.create(name)?.write_at(&bytes.to_vec(), 0)?;
        }
        let mut expected = format!("floor {}\n", self.floor);
        for (lsn, digest) in &self.points {
            let _ = writeln!(expected, "{lsn} {digest}");
        }
        dir.create(EXPECTED)?.write_at(expected.as_bytes(), 0)?;
        Ok(path)
    }
}

/// A disk that was kept, the least that must come back, and all that may: LSNs with digests.
pub(super) type Kept = (DiskState, Lsn, Vec<(Lsn, u64)>);

/// Reads what [`Violation::keep`] has kept.
pub(super) fn read_kept(path: &Path) -> io::Result<Kept> {
    let dir = RealFs.open_dir(path)?;
    let read = |name: &str| {
        let file = dir.open(name)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        io::Result::Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read(EXPECTED)?).into_owned();
    let mut files = Vec::new();
    for name in dir.names()? {
        if !name.starts_with('.') && name != EXPECTED {
            files.push((name.clone(), read(&name)?));
        }
    }
    let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
    let mut pairs = text.lines().map(|line| line.split_once(' '));
    let floor = number(pairs.next().flatten().map(|(_, lsn)| lsn)).unwrap_or_default();
    let points = pairs
        .flatten()
        .filter_map(|(lsn, digest)| Some((Lsn(number(Some(lsn))?), number(Some(digest))?)));
    Ok((DiskState::with_files(files), Lsn(floor), points.collect()))
}

/// What a search has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Crashed disks judged: place and variant.
    pub states: u64,
    /// Of these, disks that were recovered, each unlike the others of its life.
    pub recoveries: u64,
    /// Of these, crashes inside of recovery.
    pub inside: u64,
    /// Lives lived.
    pub lives: u64,
    /// What was wrong, the first few.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Keeps what was wrong in folders of its own inside of `folder`, and says how to see it again.
    ///
    /// # Panics
    ///
    /// When anything was wrong.
    pub fn keep_and_panic(&self, folder: impl AsRef<Path>) {
        let mut told = String::new();
        for violation in &self.violations {
            let kept = match violation.keep(folder.as_ref()) {
                Ok(kept) => format!("KV_CRASH_CASE={}", kept.display()),
                Err(error) => format!("(it could not be kept: {error})"),
            };
            let _ = write!(
                told,
                "\n{violation:?}\n  once more: {kept} cargo test -p kv-wal --test crash one_case"
            );
        }
        assert!(self.violations.is_empty(), "the promise is broken:{told}");
    }

    /// Adds what another search has seen.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.recoveries += other.recoveries;
        self.inside += other.inside;
        self.lives += other.lives;
        self.violations.extend(other.violations);
    }
}
