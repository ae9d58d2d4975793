//! Runs the programs under `examples/` as their readers would: built from outside the workspace,
//! one of them killed and started again.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::{cargo, root, run};

/// So many writes must have returned before the durable program is killed.
const WRITES_BEFORE_KILL: u64 = 100;

/// Builds and runs the examples.
///
/// # Errors
///
/// One does not build, fails, or has lost a write that had returned.
pub(crate) fn check() -> Result<()> {
    run(&mut Command::new(build("embedded-memory")?))?;
    survives_a_kill(&build("embedded-durable")?)
}

/// Builds one example; returns its program.
fn build(name: &str) -> Result<PathBuf> {
    let manifest = root().join("examples").join(name).join("Cargo.toml");
    // The workspace's own folder: what both need has been built there already.
    let target = root().join("target");
    run(cargo(["build", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target))?;
    Ok(target.join("debug").join(name))
}

/// Kills the program after some writes; the next start must find all that had returned.
fn survives_a_kill(program: &Path) -> Result<()> {
    let scratch = root().join("target/xtask");
    fs::create_dir_all(&scratch)?;
    let folder = scratch.join("embedded-durable");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut first = Writer::start(program, &folder)?;
    ensure!(
        first.recovered == 0,
        "an empty folder gave {} writes",
        first.recovered
    );
    let mut returned = 0;
    while returned < WRITES_BEFORE_KILL {
        returned = first.next_write()? + 1;
    }
    drop(first);

    let second = Writer::start(program, &folder)?;
    let recovered = second.recovered;
    eprintln!("killed after {returned} writes had returned; {recovered} were recovered");
    ensure!(
        recovered >= returned,
        "lost {} writes that had returned",
        returned - recovered
    );
    drop(second);
    Ok(fs::remove_dir_all(&folder)?)
}

/// The durable program at work; killed when dropped.
struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Writes of earlier runs that it found.
    recovered: u64,
}

impl Writer {
    fn start(program: &Path, folder: &Path) -> Result<Writer> {
        let mut child = Command::new(program)
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        let mut writer = Writer {
            child,
            lines,
            recovered: 0,
        };
        let line = writer.line()?;
        let number = line
            .strip_prefix("recovered ")
            .with_context(|| format!("it said {line}"))?;
        writer.recovered = number.parse()?;
        Ok(writer)
    }

    /// Waits for the next write that has returned.
    fn next_write(&mut self) -> Result<u64> {
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Result<String> {
        Ok(self
            .lines
            .next()
            .context("embedded-durable has ended by itself")??)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
