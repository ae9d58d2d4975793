//! What the server is told at its start: the typed configuration, which is also the command line.
//!
//! A field's comment is its text in `--help`. What can be read and changed while the server runs is in
//! `knobs`.

pub(crate) mod kept;
pub mod knobs;
mod meter_knobs;
pub(crate) mod names;
pub mod settings;
pub mod size;

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub use crate::upkeep::RecoverTo;

/// Everything that is fixed when the server starts.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address to listen on; several separated by commas
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1",
        value_delimiter = ',',
        help_heading = "Network"
    )]
    pub bind: Vec<IpAddr>,

    /// Port to listen on; 0 takes any free one and prints it
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 6379,
        help_heading = "Network"
    )]
    pub port: u16,

    /// Listen on addresses that other machines can reach, without any password
    #[arg(long, help_heading = "Network")]
    pub unprotected: bool,

    /// Protocol to speak; auto looks at each connection's first bytes
    #[arg(
        long,
        value_name = "PROTOCOL",
        default_value = "auto",
        help_heading = "Network"
    )]
    pub protocol: Protocol,

    /// Most client connections at a time
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 10_000,
        help_heading = "Network"
    )]
    pub maxclients: u32,

    /// Directory of the data, made when it is not there
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./kv-data",
        help_heading = "Data"
    )]
    pub dir: PathBuf,

    /// When a write counts as done and its reply leaves
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "always",
        help_heading = "Data"
    )]
    pub durability: Durability,

    /// How the log spells its records; both can follow one another in a directory
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "binary",
        help_heading = "Data"
    )]
    pub wal_format: WalFormat,

    /// Size of one file of the log, such as 64mb
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "64mb",
        value_parser = segment_size,
        help_heading = "Data"
    )]
    pub segment_size: u64,

    /// Log that makes a snapshot due, and the log before it needless, such as 64mb; 0 for never
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "64mb",
        value_parser = bytes,
        help_heading = "Data"
    )]
    pub snapshot_after: u64,

    /// Most bytes that a snapshot reads or writes in a second, such as 128mb; 0 for no limit
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "128mb",
        value_parser = bytes,
        help_heading = "Data"
    )]
    pub snapshot_rate: u64,

    /// Number of logical databases, as SELECT counts them
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = databases, help_heading = "Data")]
    pub databases: NonZeroU16,

    /// Keep what comes before damage in the data directory and lose the rest; the files as they were are put
    /// aside first. Without damage nothing happens
    #[arg(
        long,
        value_name = "HOW",
        conflicts_with = "recover_to",
        help_heading = "Data"
    )]
    pub repair: Option<Repair>,

    /// Serve the data as it was at a time (with zone, as 2026-11-22T14:05:00Z) or after an LSN, from a new
    /// directory; the data directory stays as it is
    #[arg(
        long,
        value_name = "TIME|LSN",
        requires = "into",
        help_heading = "Data"
    )]
    pub recover_to: Option<RecoverTo>,

    /// Directory for the data as of --recover-to: made, or empty; serve it again later with --dir
    #[arg(
        long,
        value_name = "DIR",
        requires = "recover_to",
        help_heading = "Data"
    )]
    pub into: Option<PathBuf>,

    /// Directory in which the command BACKUP may make backups; without it there is no such command
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub backup_dir: Option<PathBuf>,

    /// Threads that serve connections [default: one for each core but one]
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = threads,
        help_heading = "Process"
    )]
    pub threads: Option<NonZeroUsize>,

    /// How much to say on standard error
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        help_heading = "Process"
    )]
    pub log_level: LogLevel,
}

impl Config {
    /// How many threads serve connections: if nothing is said one for each core, but for one core, on which the log,
    /// snapshots and the network have their work. With as many threads as cores each would wait for these: on two
    /// cores, beside its clients, one thread answers up to 30 % more durable writes than two.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let others = cores.saturating_sub(1).max(1);
        self.threads.map_or(others, NonZeroUsize::get)
    }
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Each connection's first bytes decide
    Auto,
    /// The plain line protocol, for nc and people
    Line,
    /// RESP2 and RESP3, for Redis clients
    Resp,
}

/// What has happened to a write when its reply leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Flushed to stable storage: survives power loss
    Always,
    /// Handed to the kernel, flushed once a second
    Everysec,
    /// Handed to the kernel, which flushes when it likes
    No,
    /// Kept in memory only: a restart starts empty
    Off,
}

impl Durability {
    /// The word that stands for it on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Everysec => "everysec",
            Self::No => "no",
            Self::Off => "off",
        }
    }
}

/// What to do about damaged data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Repair {
    /// Cut the log off where the damage begins
    Truncate,
}

/// How the log spells its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WalFormat {
    /// Compact
    Binary,
    /// One JSON object a line, for people and other programs
    Json,
}

impl WalFormat {
    /// The word that stands for it on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
        }
    }
}

/// How much the server says on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What stops the server
    Error,
    /// What an operator should look at
    Warn,
    /// What happens to the server as a whole
    Info,
    /// What happens to each connection
    Debug,
    /// Everything
    Trace,
}

impl LogLevel {
    /// The word that stands for it on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Most threads that serve connections: more of them only wait for one another.
const THREADS_MAX: usize = 256;

/// Smallest and largest file of the log, in bytes.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 64 * 1024..=4 * 1024 * 1024 * 1024;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let count: NonZeroUsize = text
        .parse()
        .map_err(|_| format!("expected a number from 1 to {THREADS_MAX}"))?;
    if count.get() > THREADS_MAX {
        return Err(format!("expected a number from 1 to {THREADS_MAX}"));
    }
    Ok(count)
}

fn databases(text: &str) -> Result<NonZeroU16, String> {
    let most = kv_core::limits::DATABASES_MAX;
    let expected = || format!("expected a number from 1 to {most}");
    let count: NonZeroU16 = text.parse().map_err(|_| expected())?;
    if count.get() > most {
        return Err(expected());
    }
    Ok(count)
}

fn bytes(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| "expected a size such as 64mb".to_owned())
}

fn segment_size(text: &str) -> Result<u64, String> {
    let bytes = size::parse(text).ok_or("expected a size such as 64mb")?;
    if SEGMENT_BYTES.contains(&bytes) {
        Ok(bytes)
    } else {
        Err("expected a size from 64kb to 4gb".to_owned())
    }
}
