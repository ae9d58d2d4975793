//! The command line: what can be asked of the program, and what its help says.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::import::ImportTask;
use crate::upkeep::WalTask;

/// The version with the commit it was built from.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("KV_COMMIT"), ")");

const EXAMPLES: &str = "\
Examples:
  kv-server                              on 127.0.0.1:6379, data in ./kv-data, every reply durable
  kv-server --port 7000 --dir /srv/kv    another port, another directory
  kv-server --durability everysec        replies do not wait for the disk
  kv-server --durability off             a cache: nothing is written to disk
  kv-server --wal-format json            a log that people can read

  kv-server wal verify /srv/kv           whether the data is whole, without starting
  kv-server backup /srv/kv /backup/kv    a copy, also while the server runs
  kv-server --dir /srv/kv --recover-to 2026-11-22T14:05:00Z --into /srv/kv-then
                                         the data as it was then, in a new directory

Talk to it:
  printf 'SET greeting hello world\\nGET greeting\\n' | nc -N 127.0.0.1 6379
  redis-cli -p 6379

Exit codes:
  0  stopped as asked
  1  could not start or go on; standard error says why
  2  the command line is wrong
  3  the data in the directory is damaged; standard error says where
  4  the log could not be made durable; the outcome of the last writes is unknown";

/// In-memory key-value database, durable by default, for Redis clients and plain nc
#[derive(Debug, Parser)]
#[command(
    name = "kv-server",
    version = VERSION,
    after_help = EXAMPLES,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) config: Config,

    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

/// What the program can do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Look at, print or repair the log in a data directory
    Wal {
        #[command(subcommand)]
        task: WalTask,
    },
    /// Copy a data directory, also while a server uses it, and verify the copy
    ///
    /// Everything that was acknowledged before the call is in the copy. What the server no longer writes to is
    /// shared by hard links where the file system can; the rest is copied. To restore, start with --dir DEST or
    /// a copy of it.
    Backup {
        /// The data directory
        dir: PathBuf,
        /// Where the copy goes: a directory that does not exist or is empty
        dest: PathBuf,
    },
    /// Bring in data of another system
    Import {
        #[command(subcommand)]
        task: ImportTask,
    },
    /// Write the reference pages that are made from the program's own tables
    #[command(hide = true)]
    GenerateDocs {
        /// Where to write commands.md and config.md
        dir: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_safe() {
        let config = Cli::try_parse_from(["kv-server"]).unwrap().config;
        assert!(config.bind.iter().all(std::net::IpAddr::is_loopback));
        assert_eq!(config.port, 6379);
        assert_eq!(config.durability, crate::config::Durability::Always);
        assert!(!config.unprotected);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for arguments in [
            ["kv-server", "--databases", "0"],
            ["kv-server", "--databases", "70000"],
            ["kv-server", "--threads", "0"],
            ["kv-server", "--threads", "100000"],
            ["kv-server", "--segment-size", "1kb"],
            ["kv-server", "--port", "65536"],
        ] {
            let refused = Cli::try_parse_from(arguments).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{arguments:?}");
        }
    }
}
