//! The server: the only part with sockets, async, configuration and signals.
//!
//! The route of one write, and the file of each step:
//!
//! 1. `listener` accepts the connection and hands it to a serving thread (`worker`).
//! 2. `session/mod.rs` reads what the socket holds.
//! 3. `kv_proto::Decoder` finds the requests in it; `session/batch.rs` keeps them together.
//! 4. `command/table.rs` finds what each asks for: a `CommandSpec` (`command/spec.rs`).
//! 5. `command/gate.rs` says whether it may run now.
//! 6. `engine/execute.rs` locks the stripes of its keys and calls the handler (`command/<group>/...`), which
//!    parses its options and works on a `kv_core::Txn`.
//! 7. The `Txn` changes the store and records effects (`kv-core/src/txn.rs`).
//! 8. The commit hands the effects to the log and gets an LSN (`kv-wal/src/writer.rs`).
//! 9. `engine/commits.rs` holds the replies until the commit gate (`kv-wal/src/gate.rs`) has passed that LSN.
//! 10. `session/output.rs` writes all replies of the batch with one call.
//!
//! Start-up (`start`) is the other route: log -> effects -> store. It meets no command code.

// Before the first connection, and after the last.
mod cli;
pub mod config;
mod exit;
mod greeting;
mod import;
mod reference;
mod shutdown;
mod start;
mod tell;
mod upkeep;

// 1 The socket.
mod listener;
mod rebind;
mod worker;

// 2 The session.
mod session;

// 3 The command.
mod command;
mod rdb;

// 4 The engine.
mod engine;

// Programs of clients, on a thread of their own.
mod script;

// What all threads share, and what is told of it.
mod acl;
mod clients;
mod inbox;
mod info;
mod meter;
mod monitors;
mod notify;
mod observer;
mod pubsub;
mod server;
mod stats;
mod timestamp;
mod tracking;

pub use exit::{Exit, Failure};
pub use start::run;

use std::process::ExitCode;

use clap::Parser as _;

/// The whole program: reads the command line, does what it says, tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let outcome = match cli.task {
        None => run(cli.config),
        Some(cli::Task::Import { task }) => import::run(&task),
        Some(cli::Task::Wal { task }) => upkeep::run(task),
        Some(cli::Task::Backup { dir, dest }) => upkeep::backup(&dir, &dest),
        Some(cli::Task::GenerateDocs { dir }) => reference::write(&dir),
    };
    match outcome {
        Ok(()) => Exit::Stopped.into(),
        Err(failure) => {
            tell::tell(format_args!("kv-server: {failure}"));
            failure.exit.into()
        }
    }
}
