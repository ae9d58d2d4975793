//! The command line: which tasks there are and what can be said to each.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

/// Runs one of the project's tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

/// One task. The first line of each comment is its line in the list.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Start the server (release build); arguments go to it
    #[command(disable_help_flag = true)]
    Run {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run every test, with what the tests need
    Test {
        /// Run the long cases too (sets KV_TEST_LONG=1 for the tests)
        #[arg(long)]
        long: bool,
    },
    /// Run the threads of the log under many schedules and memory orders
    Schedules {
        /// Run the long search too
        #[arg(long)]
        long: bool,
    },
    /// Test the unsafe code of kv-core with AddressSanitizer
    Asan,
    /// Check formatting, clippy and the rules of tidy
    Lint,
    /// Mend what rustfmt and clippy can mend by themselves
    Fix,
    /// Generate docs/commands.md and docs/config.md from the tables in the code
    Docs,
    /// Install Valkey, Redis and a Python client into target/peers
    Peers,
    /// Run the text scripts, or random commands, against a real Valkey and a real Redis
    ///
    /// Takes the servers that `cargo xtask peers` has installed and starts each on a free port of
    /// 127.0.0.1, without persistence.
    Compat {
        /// Run only the scripts whose path contains this, as in string/set
        scripts: Option<String>,
        /// Use the server that runs at this address instead; ALL its keys are deleted
        #[arg(long, value_name = "HOST:PORT")]
        against: Option<String>,
        /// Send random commands to kv and to a peer instead, and compare every reply and all data
        #[arg(long, conflicts_with_all = ["scripts", "against"])]
        random: bool,
        #[command(flatten)]
        plan: RandomPlan,
    },
    /// Measure and compare, with peers and embedded engines: kv-bench (release build); arguments go to it
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Replay damaged and cut logs, seeded (release build); arguments go to it
    #[command(disable_help_flag = true)]
    FuzzReplay {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Check the house rules that no compiler knows: names, heads, lengths, crate arrows
    Tidy,
}

/// What `compat --random` does. Each is told to the test program in its environment.
#[derive(Args)]
pub(crate) struct RandomPlan {
    /// How many commands
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000_000,
        requires = "random"
    )]
    pub(crate) commands: u64,
    /// Which ones; another seed every time if not given
    #[arg(long, value_name = "S", requires = "random")]
    pub(crate) seed: Option<u64>,
    /// Only the sequence of this number, as a difference has named it
    #[arg(long, value_name = "N", requires = "random")]
    pub(crate) sequence: Option<u64>,
    /// valkey, redis, or the HOST:PORT of a server; ALL its keys are deleted
    #[arg(long, default_value = "valkey", requires = "random")]
    pub(crate) peer: String,
    /// Give up after so many differences
    #[arg(long, value_name = "N", default_value_t = 1, requires = "random")]
    pub(crate) differences: u64,
    /// Compare OBJECT ENCODING of every key too
    #[arg(long, requires = "random")]
    pub(crate) encodings: bool,
}

impl Task {
    /// The word that starts the task.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Task::Run { .. } => "run",
            Task::Test { .. } => "test",
            Task::Schedules { .. } => "schedules",
            Task::Asan => "asan",
            Task::Lint => "lint",
            Task::Fix => "fix",
            Task::Docs => "docs",
            Task::Peers => "peers",
            Task::Compat { .. } => "compat",
            Task::Bench { .. } => "bench",
            Task::FuzzReplay { .. } => "fuzz-replay",
            Task::Tidy => "tidy",
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory;
    Flags::command().debug_assert();
}

#[test]
fn what_follows_a_program_goes_to_it() {
    let flags = Flags::parse_from(["cargo xtask", "run", "--port", "0", "--help"]);
    let Some(Task::Run { args }) = flags.task else {
        panic!("another task")
    };
    assert_eq!(args, ["--port", "0", "--help"]);
}
