//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::load::{KEYS_MAX, KeyDistribution, Mix, ValueSizes};

/// Measures kv-server and its peers. Without a subcommand: `compare`.
#[derive(Clone, Debug, Parser)]
#[command(name = "kv-bench", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The comparison to run when no subcommand is named.
    #[command(flatten)]
    pub compare: CompareArgs,
}

/// What `kv-bench` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Puts one load on a server that is already running, over RESP.
    Load(LoadArgs),
    /// Starts kv-server and its peers and runs the same scenarios on each, in turn.
    Compare(CompareArgs),
}

/// The load of `kv-bench load`.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// The server, as host:port.
    #[arg(long, default_value = "127.0.0.1:6379")]
    pub target: String,
    /// Operations (get, set, incr, mset, ping) and their weights.
    #[arg(long, default_value = "get=9,set=1")]
    pub mix: Mix,
    /// Connections.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub connections: u32,
    /// Closed loop: requests sent together on a connection. With --rate: most requests under way on one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub pipeline: u32,
    /// Lengths of values: 64, all from 16..1024, or with weights, as in 64=9,4096=1.
    #[arg(long, default_value = "64")]
    pub value_bytes: ValueSizes,
    /// Write values that carry key, version and checksum, and check each value read; a wrong one is an error.
    #[arg(long)]
    pub verify: bool,
    /// Different keys, of 16 bytes each.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=KEYS_MAX))]
    pub keys: u64,
    /// How requests spread over the keys.
    #[arg(long, value_enum, default_value_t = KeyDistribution::Uniform)]
    pub key_distribution: KeyDistribution,
    /// Time to live that SET gives to keys, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub ttl: Option<u64>,
    /// Open loop: this many requests a second, each timed from when it was due.
    #[arg(long)]
    pub rate: Option<f64>,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// How long to run before measuring, in seconds.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub warmup: u64,
    /// Send this many requests and end, instead of running for a time.
    #[arg(long, conflicts_with_all = ["seconds", "warmup"], value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// Generator threads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub threads: u32,
    /// Process of the server, to report its CPU time per request and its memory.
    #[arg(long)]
    pub server_pid: Option<u32>,
    /// What the random choices start from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// The comparison of `kv-bench compare`.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// Scenarios to run, by name (P1,P4), by the beginning of the name (P1*) or by a part of the title (snapshot);
    /// all when not given.
    #[arg(
        long,
        visible_alias = "scenario",
        value_name = "PATTERN",
        value_delimiter = ','
    )]
    pub only: Vec<String>,
    /// Print the scenarios and end.
    #[arg(long)]
    pub list: bool,
    /// A short look of less than three minutes: one round, short loads, fewer keys. Not for figures to be told.
    #[arg(long)]
    pub quick: bool,
    /// How often each scenario runs on each server; medians are reported. [default: 3, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: Option<u32>,
    /// How long each load is measured, in seconds. [default: 4, with --quick 0.4]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: Option<u64>,
    /// The kv-server binary. [default: release/kv-server in the target directory]
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Where valkey-server and redis-server are. [default: peers/bin in the target directory]
    #[arg(long, value_name = "DIR")]
    pub peers: Option<PathBuf>,
    /// The program that measures embedded engines. [default: engines/release/kv-bench-engines in the target directory]
    #[arg(long, value_name = "FILE")]
    pub engines: Option<PathBuf>,
    /// Print what the chosen scenarios need to be there (peers, engines), a word a line, and end.
    #[arg(long, hide = true)]
    pub needs: bool,
    /// Where the report and the servers' data go; a real disk. [default: bench in the target directory]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(words: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("kv-bench").chain(words.split_whitespace()))
    }

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_load_is_read() {
        let cli = parse(
            "load --target localhost:7000 --mix get=3,set=1 --connections 8 --pipeline 16 \
             --key-distribution zipf --rate 5000.5",
        )
        .unwrap();
        let Some(Command::Load(args)) = cli.command else {
            panic!("not a load");
        };
        assert_eq!(args.target, "localhost:7000");
        assert_eq!(args.mix.to_string(), "get=3,set=1");
        assert_eq!((args.connections, args.pipeline), (8, 16));
        assert_eq!(args.key_distribution, KeyDistribution::Zipf);
        assert_eq!(args.rate, Some(5000.5));
    }

    #[test]
    fn without_a_subcommand_it_compares() {
        let cli = parse("--scenario P1,P4 --quick").unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.compare.only, ["P1", "P4"]);
        assert!(cli.compare.quick);
    }

    #[test]
    fn wrong_values_are_refused() {
        for words in [
            "load --connections 0",
            "load --mix fly",
            "load --requests 5 --seconds 3",
            "load --keys 0",
            "load --value-bytes 9..1",
            "compare --rounds 0",
            "--quick load",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
