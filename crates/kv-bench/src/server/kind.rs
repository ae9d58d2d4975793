//! The servers that are known, and how each is told what to do.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// A server program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// Ours.
    Kv,
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: each write is on disk before its reply.
    Always,
    /// Nothing: there is no log.
    Off,
}

impl ServerKind {
    /// The others, in the order of the report.
    pub const PEERS: [Self; 2] = [Self::Redis, Self::Valkey];

    /// The name of the program, which is also the name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv-server",
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// The arguments that make it listen on loopback `port` with its data in `dir`.
    pub(super) fn args(self, durability: Durability, port: u16, dir: &Path) -> Vec<PathBuf> {
        let mut args: Vec<PathBuf> = vec!["--bind".into(), "127.0.0.1".into()];
        args.extend(["--port".into(), port.to_string().into()]);
        // Ten thousand of a load, and those that ask.
        args.extend(["--maxclients".into(), "10100".into()]);
        args.extend([
            "--dir".into(),
            dir.join(self.data()).into_os_string().into(),
        ]);
        let durability: &[&str] = match (self, durability) {
            // No rewrite of the log and no snapshot by itself while it is measured: for nobody.
            (Self::Kv, Durability::Always) => &["--durability", "always", "--snapshot-after", "0"],
            (Self::Kv, Durability::Off) => &["--durability", "off"],
            (_, Durability::Always) => &[
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--aof-use-rdb-preamble",
                "no",
                "--auto-aof-rewrite-percentage",
                "0",
            ],
            (_, Durability::Off) => &["--save", "", "--appendonly", "no"],
        };
        args.extend(durability.iter().map(PathBuf::from));
        args
    }

    /// The folder for its data inside its directory. Redis and Valkey want one that exists: the directory.
    fn data(self) -> &'static str {
        match self {
            Self::Kv => "kv-data",
            Self::Redis | Self::Valkey => "",
        }
    }
}
