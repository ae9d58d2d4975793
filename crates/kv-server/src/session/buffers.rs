//! Memory that the sessions of one thread take turns with.
//!
//! A session at rest owns no buffers: it takes them when its socket has something to read and gives them back
//! when its replies are out. So ten thousand idle connections cost little, and the busy ones work in memory
//! that is still in the processor's cache.

use kv_proto::ReplyBuffer;

use super::batch::Batch;

/// Room for one read of the socket, in bytes.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// How many buffers of each kind are kept for the next session.
const KEPT: usize = 64;

/// Buffers that are not in use.
#[derive(Default)]
pub(crate) struct Buffers {
    inputs: Vec<Vec<u8>>,
    replies: Vec<ReplyBuffer>,
    batches: Vec<Batch>,
}

impl Buffers {
    /// An empty buffer with room for [`READ_BYTES`].
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        let spare = self.inputs.pop();
        spare.unwrap_or_else(|| Vec::with_capacity(READ_BYTES))
    }

    /// Takes a buffer back, unless it grew or shrank.
    pub(crate) fn give_input(&mut self, mut input: Vec<u8>) {
        if self.inputs.len() < KEPT && input.capacity() == READ_BYTES {
            input.clear();
            self.inputs.push(input);
        }
    }

    /// An empty reply buffer.
    pub(crate) fn take_replies(&mut self) -> ReplyBuffer {
        self.replies.pop().unwrap_or_default()
    }

    /// Takes a reply buffer back.
    pub(crate) fn give_replies(&mut self, mut replies: ReplyBuffer) {
        if self.replies.len() < KEPT {
            replies.clear();
            self.replies.push(replies);
        }
    }

    /// An empty batch.
    pub(crate) fn take_batch(&mut self) -> Batch {
        self.batches.pop().unwrap_or_default()
    }

    /// Takes a batch back.
    pub(crate) fn give_batch(&mut self, mut batch: Batch) {
        if self.batches.len() < KEPT {
            batch.clear();
            self.batches.push(batch);
        }
    }
}
