//! `kv-bench`: parses the command line, runs one load or one comparison, and turns errors into exit codes.
//!
//! Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.

use std::process::ExitCode;

use clap::Parser;
use kv_bench::args::{Cli, Command};
use kv_bench::compare;
use kv_bench::interrupt::{Interrupt, Interrupted};
use kv_bench::load::command;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("kv-bench: interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("kv-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let interrupt = Interrupt::on_signals()?;
    match cli.command {
        Some(Command::Load(args)) => command::run(&args, &interrupt),
        Some(Command::Compare(args)) => compare::run(&args, &interrupt),
        None => compare::run(&cli.compare, &interrupt),
    }
}
