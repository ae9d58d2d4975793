//! Random sequences of commands, drawn from what a server says of its own table, and the whole state that
//! a server is in after them.
//!
//! Invariant: a command that the table has is drawn; nothing here lists commands that are.
//! Invariant: the same seed, number and tables give the same sequence.

#![allow(
    dead_code,
    reason = "each test program uses the part that it needs of what they share"
)]

// What can be sent.
pub(crate) mod excluded;
pub(crate) mod table;

// What is sent.
pub(crate) mod draw;
pub(crate) mod values;

// What came of it.
pub(crate) mod state;
