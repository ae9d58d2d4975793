//! What is noted when a consumer is given entries.

use kv_core::{Group, StreamChange, StreamId, UnixMillis};

use super::show::NO_IDS;
use crate::command::error::shown;
use crate::command::prelude::*;

/// A consumer of a group of the stream at a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipient<'r> {
    pub(super) key: &'r [u8],
    pub(super) group: &'r [u8],
    pub(super) consumer: &'r [u8],
}

impl Recipient<'_> {
    /// There is no such stream, or it has no such group.
    pub(super) fn no_group(&self) -> CommandError {
        let (key, group) = (shown(self.key), shown(self.group));
        CommandError {
            code: "NOGROUP",
            message: format!("No such key '{key}' or consumer group '{group}'").into(),
        }
    }

    /// The group.
    ///
    /// # Errors
    ///
    /// There is none, or the key holds something else.
    pub(super) fn group<'t>(&self, txn: &'t mut Txn<'_>) -> Result<&'t Group, CommandError> {
        let stream = txn.stream(self.key)?;
        stream
            .and_then(|stream| stream.group(self.group))
            .ok_or_else(|| self.no_group())
    }

    /// Notes that the consumer has asked for something now, and whether it got something; makes it if it is
    /// missing.
    pub(super) fn see(&self, txn: &mut Txn<'_>, got: bool) -> Result<(), CommandError> {
        let now = txn.now();
        let consumer = self.group(txn)?.consumer(self.consumer);
        let is_new = consumer.is_none();
        let before = consumer.map(|consumer| (consumer.seen(), consumer.active()));
        let active = match before {
            _ if got => Some(now),
            Some((_, active)) => active,
            None => None,
        };
        if before == Some((now, active)) {
            return Ok(());
        }
        let change = StreamChange::SetConsumer {
            group: self.group,
            consumer: self.consumer,
            seen: now,
            active,
        };
        txn.change_stream(self.key, change)?;
        if is_new {
            txn.announce(self.key, event::XGROUP_CREATECONSUMER);
        } else {
            txn.announce_nothing(self.key);
        }
        Ok(())
    }

    /// Notes that the consumer was given entries, each for so many times now.
    pub(super) fn give(
        &self,
        txn: &mut Txn<'_>,
        time: UnixMillis,
        entries: &[(StreamId, u64)],
    ) -> Result<(), CommandError> {
        for alike in entries.chunk_by(|one, next| one.1 == next.1) {
            let ids: Vec<StreamId> = alike.iter().map(|(id, _)| *id).collect();
            let count = alike.first().map_or(0, |(_, count)| *count);
            txn.change_stream_ids(
                self.key,
                &ids,
                StreamChange::Deliver {
                    group: self.group,
                    consumer: self.consumer,
                    time,
                    count,
                    ids: NO_IDS,
                },
            )?;
        }
        txn.announce_nothing(self.key);
        Ok(())
    }

    /// Notes that entries are pending no more.
    pub(super) fn forget(&self, txn: &mut Txn<'_>, ids: &[StreamId]) -> Result<(), CommandError> {
        let group = self.group;
        txn.change_stream_ids(
            self.key,
            ids,
            StreamChange::Acknowledge { group, ids: NO_IDS },
        )?;
        txn.announce_nothing(self.key);
        Ok(())
    }
}
