//! Commands: what each is called, what it takes, which keys it touches, what it does.
//!
//! The way of a request through this folder: [`table::find`] names the command, [`gate::check`] says
//! whether it may run now, [`spec::Run`] says what to call and with what in hand. Taking locks, calling the
//! handler and committing is the engine's part, not this folder's.
//!
//! Invariant: what a command is stands once, in its [`CommandSpec`](spec::CommandSpec). Whether it writes,
//! its ACL categories, the flags of `COMMAND INFO`, the stripes it locks and its documentation derive from it.
//! Invariant: a handler that returns an error has changed nothing.

// What a command is.
pub(crate) mod category;
pub(crate) mod key_spec;
pub(crate) mod spec;

// From the words of a request to a handler that may run.
pub(crate) mod gate;
pub(crate) mod table;

// What a handler works with.
pub(crate) mod args;
pub(crate) mod error;
pub(crate) mod event;
mod expire_time;
pub(crate) mod glob;
pub(crate) mod help;
mod prelude;
mod sample;
mod scan_options;
#[cfg(test)]
mod table_rules;
#[cfg(test)]
pub(crate) mod testing;
mod timeout;

// The commands, by group.
mod acl;
mod admin;
mod bitmap;
mod connection;
mod geo;
mod hash;
mod hyperloglog;
mod introspect;
mod keys;
mod list;
mod pubsub;
pub(crate) mod script;
mod set;
mod stream;
mod string;
mod transaction;
mod zset;
