//! What the file of a command uses: `use crate::command::prelude::*`.

pub(crate) use kv_core::{Txn, View};
pub(crate) use kv_proto::Reply;

pub(crate) use super::args::Args;
pub(crate) use super::error::CommandError;
pub(crate) use super::event;
pub(crate) use super::key_spec::{Access, Keys};
pub(crate) use super::spec::{Arity, CommandSpec, Compat, Flags, Group, Outcome, Run};
