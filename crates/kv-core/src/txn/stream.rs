//! How a transaction changes streams.

use super::Txn;
use super::collections::Slices;
use crate::{Effect, Elements, StoreError, StreamChange, StreamId};

impl Txn<'_> {
    /// Changes the stream at `key`; what adds to one makes it if it is missing. Whoever calls has looked whether
    /// there is something to change: this records in any case.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`]; nothing was changed then.
    pub fn change_stream(
        &mut self,
        key: &[u8],
        change: StreamChange<'_>,
    ) -> Result<(), StoreError> {
        if !matches!(change, StreamChange::Renew) {
            self.stream(key)?;
        }
        self.apply(&Effect::Stream {
            db: self.view.at.db,
            key,
            change,
        });
        Ok(())
    }

    /// As [`Txn::change_stream`], for what has a list of IDs, which are these instead: there may be many. Without
    /// one nothing is recorded.
    ///
    /// # Errors
    ///
    /// As [`Txn::change_stream`].
    pub fn change_stream_ids(
        &mut self,
        key: &[u8],
        ids: &[StreamId],
        change: StreamChange<'_>,
    ) -> Result<(), StoreError> {
        /// Most IDs of one effect.
        const PIECE_IDS: usize = 1024;

        for piece in ids.chunks(PIECE_IDS) {
            let bytes: Vec<[u8; 16]> = piece.iter().map(|id| id.to_bytes()).collect();
            let slices: Slices<'_> = bytes.iter().map(<[u8; 16]>::as_slice).collect();
            self.change_stream(key, change.with_ids(Elements::new(&slices)))?;
        }
        Ok(())
    }
}
