//! One measurement of one embedded engine: a process of its own that prints its figures as JSON.
//!
//! Invariant: the process has ended when the measurement returns, also when it was interrupted.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::{Figures, Scale};
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// How long between two looks at the process.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The program that measures engines, and what is built into it.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    program: PathBuf,
    /// Each engine that can be measured, with its version.
    pub versions: BTreeMap<String, String>,
    /// Why there are none.
    pub absent: Option<String>,
}

impl Engines {
    /// Asks `program` what is built into it. Where it is not there, no engine is.
    #[must_use]
    pub fn find(program: &Path) -> Self {
        let mut engines = Self {
            program: program.to_owned(),
            ..Self::default()
        };
        match versions(program) {
            Ok(versions) => engines.versions = versions,
            Err(error) => {
                engines.absent = Some(format!(
                    "embedded engines: {error:#}; `cargo xtask bench` builds the program"
                ));
            }
        }
        if let Ok(python) = said(Command::new("python3").arg("--version")) {
            let python = format!("{} (not the original)", python.trim());
            engines
                .versions
                .insert("python stand-in".to_owned(), python);
        }
        engines
    }

    /// Why `engine` cannot be measured; `None` when it can.
    #[must_use]
    pub fn lacks(&self, engine: &str) -> Option<String> {
        if self.versions.contains_key(engine) {
            return None;
        }
        Some(match engine {
            "rocksdb" => {
                "rocksdb is not there: it needs libclang and RocksDB's library (apt-get install \
                          libclang-dev librocksdb-dev), then `cargo xtask bench` builds it in"
                    .to_owned()
            }
            "python stand-in" => "the Python stand-in is not there: it needs python3".to_owned(),
            other => format!("{other} is not built in"),
        })
    }
}

fn versions(program: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    Ok(serde_json::from_str(&said(
        Command::new(program).arg("versions"),
    )?)?)
}

/// What a command that ends at once prints.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(output.status.success(), "it ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// One measurement of one engine.
pub struct EngineTrial<'a> {
    /// The engine's name.
    pub engine: &'static str,
    /// The figures that its scenario knows.
    pub figures: &'static [&'static str],
    /// How long and how much.
    pub scale: Scale,
    /// What measures.
    pub engines: &'a Engines,
    /// Where its data goes.
    pub scratch: &'a Path,
    /// Asked meanwhile.
    pub interrupt: &'a Interrupt,
    /// Told that it goes on.
    pub progress: &'a Progress,
}

impl EngineTrial<'_> {
    /// How long each thing is measured, in milliseconds.
    #[must_use]
    pub fn milliseconds(&self) -> String {
        self.scale.engine_time().as_millis().to_string()
    }

    /// Measures the engine in memory, by this task of the program.
    ///
    /// # Errors
    ///
    /// When it cannot be started or fails, prints what is no figure of the scenario, or is interrupted.
    pub fn run(&self, task: &str, args: &[&str]) -> anyhow::Result<Figures> {
        let mut command = Command::new(&self.engines.program);
        command.args([task, self.engine]).args(args);
        self.figures_of(&mut command)
    }

    /// Measures the engine on disk, by this task of the program.
    ///
    /// # Errors
    ///
    /// As [`EngineTrial::run`].
    pub fn run_on_disk(&self, task: &str, args: &[&str]) -> anyhow::Result<Figures> {
        let mut command = Command::new(&self.engines.program);
        command.args([task, self.engine]).args(args);
        command.arg("--dir").arg(self.scratch);
        self.figures_of(&mut command)
    }

    /// Measures what this Python program is; its last argument is the folder for its data.
    ///
    /// # Errors
    ///
    /// As [`EngineTrial::run`].
    pub fn python(&self, program: &str, args: &[&str]) -> anyhow::Result<Figures> {
        let mut command = Command::new("python3");
        command.args(["-c", program]).args(args).arg(self.scratch);
        self.figures_of(&mut command)
    }

    fn figures_of(&self, command: &mut Command) -> anyhow::Result<Figures> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let printed = self.printed_by(Guard(child))?;
        let found: BTreeMap<String, f64> =
            serde_json::from_str(&printed).context("it printed no figures")?;
        self.known(&found)
    }

    /// Waits for the end. What is printed is far less than a pipe holds, so it can be read then.
    fn printed_by(&self, mut child: Guard) -> anyhow::Result<String> {
        let status = loop {
            if let Some(status) = child.0.try_wait()? {
                break status;
            }
            self.interrupt.check()?;
            self.progress.step("running");
            std::thread::sleep(LOOK_AGAIN);
        };
        ensure!(status.success(), "it ended with {status}");
        let mut printed = String::new();
        if let Some(stdout) = &mut child.0.stdout {
            stdout.read_to_string(&mut printed)?;
        }
        Ok(printed)
    }

    fn known(&self, found: &BTreeMap<String, f64>) -> anyhow::Result<Figures> {
        found
            .iter()
            .map(
                |(name, value)| match self.figures.iter().find(|known| *known == name) {
                    Some(known) => Ok((*known, *value)),
                    None => bail!("it printed a figure '{name}' that nobody knows"),
                },
            )
            .collect()
    }
}

/// A process that does not outlive its measurement.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
