//! One measurement of one server: what a scenario has at hand for it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::interrupt::Interrupt;
use crate::load::{
    KeyDistribution, KeyRange, LoadOutcome, LoadSpec, Mix, Operation, Stop, run as run_load,
};
use crate::progress::Progress;
use crate::server::pin::Split;
use crate::server::{Durability, Entrant, Server, Setup, data_dir};

/// How many requests go out together while a server is filled.
const FILL_PIPELINE: usize = 256;

/// How many connections fill a server.
const FILL_CONNECTIONS: usize = 8;

/// How long loads run and how much data there is.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How long each load is measured.
    pub measure: Duration,
    /// How long each load runs before.
    pub warmup: Duration,
    /// What numbers of keys and of operations are divided by.
    pub divisor: u64,
    /// The most keys there are where many are what is measured.
    pub keys_max: u64,
}

/// What a server takes in while it is filled, about, with a log.
const FILL_KEYS_PER_SECOND: u64 = 300_000;

/// How long a server takes to start and to be stopped, about.
const START: Duration = Duration::from_millis(200);

impl Scale {
    /// `full` of something, or fewer in a short look.
    #[must_use]
    pub fn fewer(&self, full: u64) -> u64 {
        (full / self.divisor).max(1)
    }

    /// How long a start and so many loads take, about.
    #[must_use]
    pub fn loads(&self, count: u32) -> Duration {
        START + (self.warmup + self.measure + Duration::from_millis(50)) * count
    }

    /// How long setting `full` keys, or fewer in a short look, takes, about.
    #[must_use]
    pub fn fill(&self, full: u64) -> Duration {
        self.time_to_set(self.fewer(full))
    }

    /// How long setting `keys` keys takes, about.
    #[must_use]
    pub fn time_to_set(&self, keys: u64) -> Duration {
        Duration::from_millis(keys * 1_000 / FILL_KEYS_PER_SECOND)
    }

    /// How long each thing is measured in process.
    #[must_use]
    pub fn engine_time(&self) -> Duration {
        self.measure / 2
    }
}

/// One measurement of one server.
pub struct Trial<'a> {
    /// The server.
    pub entrant: &'a Entrant,
    /// How long and how much.
    pub scale: Scale,
    /// Where servers have their data.
    pub scratch: &'a Path,
    /// Asked between steps.
    pub interrupt: &'a Interrupt,
    /// Told of each step.
    pub progress: &'a Progress,
}

/// A server of a trial, with its data.
pub struct Running {
    /// The server. Declared first: it ends before its directory goes.
    pub server: Server,
    /// Its data.
    pub dir: TempDir,
}

impl Trial<'_> {
    /// `full` keys, or fewer for a short look.
    #[must_use]
    pub fn keys(&self, full: u64) -> u64 {
        self.scale.fewer(full)
    }

    /// Starts a fresh, empty server.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn start(&self, setup: &Setup) -> anyhow::Result<Running> {
        let dir = data_dir(self.scratch)?;
        let server = Server::start(self.entrant, setup, dir.path(), self.interrupt)?;
        Ok(Running { server, dir })
    }

    /// Starts a fresh server on all cores with the disk as it is.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn start_plain(&self, durability: Durability) -> anyhow::Result<Running> {
        self.start(&Setup::plain(durability))
    }

    /// Starts a fresh server on a core of its own; the other core is for the generator.
    ///
    /// # Errors
    ///
    /// When there is only one core, or as [`Server::start`].
    pub fn start_split(&self, durability: Durability) -> anyhow::Result<(Running, Split)> {
        let split = Split::with_server_cores(1)?
            .filter(|split| split.is_apart)
            .context("this needs two processor cores")?;
        let setup = Setup {
            cores: split.server.clone(),
            ..Setup::plain(durability)
        };
        Ok((self.start(&setup)?, split))
    }

    /// A load on `server` for the time of this trial's scale, to be altered.
    #[must_use]
    pub fn spec(&self, server: &Server) -> LoadSpec {
        LoadSpec {
            warmup: self.scale.warmup,
            stop: Stop::After(self.scale.measure),
            server_pid: Some(server.pid()),
            ..LoadSpec::new(server.address())
        }
    }

    /// Runs a load.
    ///
    /// # Errors
    ///
    /// When it fails, or its outcome cannot be believed: see [`LoadOutcome::believed`].
    pub fn load(&self, spec: &LoadSpec) -> anyhow::Result<LoadOutcome> {
        run_load(spec, self.interrupt, self.progress)?.believed()
    }

    /// Sets each key of `spec` once, as fast as the server takes them.
    ///
    /// # Errors
    ///
    /// As [`Trial::load`].
    pub fn fill(&self, spec: &LoadSpec) -> anyhow::Result<()> {
        let outcome = self.load(&LoadSpec {
            mix: Mix::only(Operation::Set),
            keys: KeyRange {
                distribution: KeyDistribution::Sequential,
                ..spec.keys
            },
            connections: FILL_CONNECTIONS,
            pipeline: FILL_PIPELINE,
            threads: 1,
            window: None,
            stop: Stop::Requests(spec.keys.count),
            ..spec.clone()
        })?;
        ensure!(
            outcome.replies == spec.keys.count,
            "{} of {} keys were set",
            outcome.replies,
            spec.keys.count
        );
        Ok(())
    }
}
