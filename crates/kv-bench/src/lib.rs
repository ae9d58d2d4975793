//! Measures servers that speak RESP: one load run, or the same scenarios over several servers side by side.
//!
//! It owns the load generator, the servers it starts for a comparison, and the report. It does not judge:
//! a figure is never a test, and an aim that is missed is printed, not an error.
//!
//! Invariant: what is compared was measured in one run, alternating between servers, as medians and ratios.
//! Invariant: every server started here is owned by a [`server::Server`], which stops it by its own process
//! id when dropped, whatever ended the run.

// What was asked for.
pub mod args;

// The load on one server.
pub mod load;

// The servers, and what they cost.
pub mod server;
pub mod usage;

// The same scenarios over all servers.
pub mod compare;
pub mod scenario;

// What was found, and what is going on.
pub mod interrupt;
pub mod progress;
pub mod report;
