//! What was observed: one command, when it ran, and what came back.
//!
//! Not here: whether that can be (`checker`), and who observed it (`client`).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use kv_proto::Value;

use super::command::Command;
use super::command::shown;

/// Counts the moments of one history: of two moments, the later one has the larger number.
#[derive(Debug, Default)]
pub(crate) struct Moments(AtomicU64);

impl Moments {
    /// The number of this moment; no other moment has it.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One command of one client.
///
/// Invariant: `call < end`, and it took effect between them, if it did.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) client: usize,
    /// Which process of the server it was sent to.
    pub(crate) life: usize,
    pub(crate) command: Command,
    /// Before the first byte was sent.
    pub(crate) call: u64,
    /// After the last byte of the reply came, or when the process was dead.
    pub(crate) end: u64,
    /// `None`: it was lost in a crash, and may or may not have happened.
    pub(crate) reply: Option<Value>,
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client,
            life,
            command,
            call,
            end,
            reply,
        } = self;
        write!(
            out,
            "life {life}  client {client}  [{call:>5} ..{end:>5}]  {command} -> "
        )?;
        match reply {
            None => write!(out, "(lost in the crash)"),
            Some(reply) => write_reply(reply, out),
        }
    }
}

fn write_reply(reply: &Value, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match reply {
        Value::Null => write!(out, "(null)"),
        Value::Integer(number) => write!(out, "{number}"),
        Value::Bulk(text) => write!(out, "\"{}\"", shown(text)),
        Value::Simple(text) | Value::Error(text) => write!(out, "{}", shown(text)),
        Value::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                write!(out, "{}", if place == 0 { "" } else { ", " })?;
                write_reply(element, out)?;
            }
            Ok(())
        }
        other => write!(out, "{other:?}"),
    }
}
