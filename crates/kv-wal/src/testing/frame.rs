//! Frames as the log makes them, without a log: for benchmarks.

use kv_core::{Effect, Lsn};

use crate::Encoding;
use crate::batch::FrameBuffer;
use crate::format::{Place, encode_effect};

/// Makes one frame after the other in the same memory.
pub struct FrameMaker {
    encoding: Encoding,
    encoded: Vec<u8>,
    frame: FrameBuffer,
}

impl FrameMaker {
    /// One that writes effects in this encoding.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            encoded: Vec::new(),
            frame: FrameBuffer::default(),
        }
    }

    /// A frame of these effects, complete with its checksums; the bytes that would be written.
    pub fn make(&mut self, effects: &[Effect<'_>]) -> &[u8] {
        self.frame = std::mem::take(&mut self.frame).emptied();
        for effect in effects {
            self.encoded.clear();
            encode_effect(self.encoding, effect, &mut self.encoded);
            self.frame.push(&self.encoded, 1, Lsn(1));
        }
        let place = Place {
            salt: 1,
            segment: 1,
            offset: 0,
        };
        self.frame.complete(place, Lsn::ZERO).0
    }
}
