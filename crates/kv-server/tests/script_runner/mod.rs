//! The runner of `.kvt` scripts: text in, differences out.
//!
//! Owns reading scripts, talking to a server over one blocking socket per named client, and
//! comparing replies as redis-cli would print them. Knows nothing of kv's crates: the bytes that a
//! server sends are read by code that shares nothing with the code that wrote them.

#![allow(
    dead_code,
    reason = "each test program uses the part that it needs of what they share"
)]

// The text of a script.
pub(crate) mod script;
pub(crate) mod words;

// The server and what it answers.
pub(crate) mod client;
pub(crate) mod peer;
mod pipeline;
pub(crate) mod reply;
pub(crate) mod server;

// The comparison.
pub(crate) mod expect;
pub(crate) mod replay;
pub(crate) mod run;
