//! What can happen to a stream: the part of an effect that is about one.

use super::StreamId;
use crate::{Elements, UnixMillis};

/// One change of a stream. Lists of IDs are elements of 16 bytes each, see [`StreamId::to_bytes`].
///
/// What needs a group that is not there changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamChange<'a> {
    /// The key now holds a stream without entries and groups; what it held before, and its expiry, are gone.
    Renew,
    /// An entry came behind all others. Nothing changes when its ID is not above the stream's last one.
    Add {
        /// Its ID, which is the stream's last one now.
        id: StreamId,
        /// A field, its value, the next field.
        fields: Elements<'a>,
    },
    /// Entries are gone, as far as they were there; the highest of them is noted.
    Delete {
        /// Their IDs.
        ids: Elements<'a>,
    },
    /// The first entries are gone.
    Trim {
        /// How many; all if there were fewer.
        count: u64,
    },
    /// What the stream knows of entries that were there is this.
    SetIds {
        /// The highest ID that was ever added; that of an entry that is there, if it is higher.
        last: StreamId,
        /// The highest ID that was deleted by name.
        max_deleted: StreamId,
        /// How many entries were ever added.
        added: u64,
    },
    /// The group is there, and has come so far.
    SetGroup {
        /// Its name.
        group: &'a [u8],
        /// The ID of the last entry that it was given.
        last: StreamId,
        /// How many entries it has passed; `None`: that is not known.
        read: Option<u64>,
    },
    /// The group is gone.
    DestroyGroup {
        /// Its name.
        group: &'a [u8],
    },
    /// The consumer is there, and was heard of then.
    SetConsumer {
        /// The name of its group.
        group: &'a [u8],
        /// Its name.
        consumer: &'a [u8],
        /// When it asked for something last.
        seen: UnixMillis,
        /// When it got something last; `None`: never.
        active: Option<UnixMillis>,
    },
    /// The consumer is gone, and all that was pending for it.
    DeleteConsumer {
        /// The name of its group.
        group: &'a [u8],
        /// Its name.
        consumer: &'a [u8],
    },
    /// Entries are pending for the consumer, whoever had them before. It is made if it is missing.
    Deliver {
        /// The name of its group.
        group: &'a [u8],
        /// Its name.
        consumer: &'a [u8],
        /// When they were delivered.
        time: UnixMillis,
        /// How often they have been delivered.
        count: u64,
        /// Their IDs.
        ids: Elements<'a>,
    },
    /// Entries are pending no more.
    Acknowledge {
        /// The name of the group.
        group: &'a [u8],
        /// Their IDs.
        ids: Elements<'a>,
    },
}

impl<'a> StreamChange<'a> {
    /// The same change of these entries, if it has a list of them.
    pub(crate) fn with_ids(mut self, all: Elements<'a>) -> Self {
        if let Self::Delete { ids } | Self::Deliver { ids, .. } | Self::Acknowledge { ids, .. } =
            &mut self
        {
            *ids = all;
        }
        self
    }

    /// Whether it makes a stream where there is none.
    pub(crate) const fn makes_keys(&self) -> bool {
        matches!(
            self,
            Self::Renew | Self::Add { .. } | Self::SetIds { .. } | Self::SetGroup { .. }
        )
    }
}
