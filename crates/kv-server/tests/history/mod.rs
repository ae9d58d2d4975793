//! Histories: what many clients saw of a server that crashes, and whether it can be true.
//!
//! ```text
//! campaign --seed--> plan --> run --> process, lives, client --> record --> checker
//! ```

// What was observed.
mod command;
mod operation;

// Whether it can be true.
mod checker;
mod model;

mod checker_random;
mod checker_stories;

// How it is brought about: a plan, a server that dies, clients that remember.
mod client;
mod draw;
mod lives;
mod plan;
mod process;

// One history, and many of them.
mod campaign;
mod record;
mod run;

pub(crate) use campaign::{judge_server_without_log, run_all};
pub(crate) use record::Verdict;
