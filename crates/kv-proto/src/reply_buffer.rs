//! The output of one connection: bytes that wait for the socket.
//!
//! Small replies are copied into one buffer; large values are queued by reference and remember the
//! place in that buffer where they belong. So no reply is moved twice, and a value of many
//! megabytes is never copied.
//!
//! Invariant: `read <= small.len()`, and every queued value's `at` lies between the two, in
//! ascending order.
//! Invariant: `large_bytes` is the sum of the queued values' lengths, none of which is 0.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::limits::REPLY_BYTES_KEPT;
use crate::line::encode::OpenList;

/// A value sent by reference.
#[derive(Debug)]
struct Large {
    /// How many bytes of `small` go before it.
    at: usize,
    bytes: Bytes,
}

/// Replies that wait for the socket, readable through [`bytes::Buf`].
#[derive(Debug, Default)]
pub struct ReplyBuffer {
    small: Vec<u8>,
    /// How many bytes of `small` the socket has taken.
    read: usize,
    large: VecDeque<Large>,
    large_bytes: usize,
    /// Bytes that may wait; 0: any number.
    limit: usize,
    /// Whether a string was left out because of the limit.
    over_limit: bool,
    /// The lists of the plain format whose elements are being written, innermost last.
    pub(crate) open_lists: Vec<OpenList>,
}

/// A place in a [`ReplyBuffer`] to go back to.
#[derive(Debug, Clone)]
pub struct Mark {
    small: usize,
    large: usize,
    open_lists: Vec<OpenList>,
}

impl ReplyBuffer {
    /// An empty buffer; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes wait for the socket.
    #[must_use]
    pub fn len(&self) -> usize {
        self.small.len() - self.read + self.large_bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets how many bytes may wait before strings are left out of replies; 0: any number. For a peer that asks for more than
    /// memory holds: what is written after that is not to be sent, see [`is_over_limit`](Self::is_over_limit).
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Whether a string was left out because of the limit: the bytes are no reply any more, and the connection must end.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.over_limit
    }

    /// Whether a string of `bytes` may be added; remembers if not.
    pub(crate) fn has_room(&mut self, bytes: usize) -> bool {
        let room = self.limit == 0 || bytes <= self.limit.saturating_sub(self.len());
        self.over_limit |= !room;
        room
    }

    /// Remembers the end of the buffer. The mark is good until bytes are next consumed.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            small: self.small.len(),
            large: self.large.len(),
            open_lists: self.open_lists.clone(),
        }
    }

    /// Takes back everything written since `mark`, so that another reply can be written instead.
    ///
    /// # Panics
    ///
    /// If the buffer is shorter than it was at the mark: bytes have been consumed since.
    pub fn truncate(&mut self, mark: Mark) {
        assert!(
            self.small.len() >= mark.small && self.large.len() >= mark.large,
            "a mark does not outlive the bytes before it"
        );
        self.small.truncate(mark.small);
        for cut in self.large.drain(mark.large..) {
            self.large_bytes -= cut.bytes.len();
        }
        self.open_lists = mark.open_lists;
    }

    /// Forgets everything, keeping a bounded amount of memory.
    pub fn clear(&mut self) {
        self.large.clear();
        self.large_bytes = 0;
        self.over_limit = false;
        self.open_lists.clear();
        self.forget_small();
    }

    /// Where small replies are written.
    pub(crate) fn small_mut(&mut self) -> &mut Vec<u8> {
        &mut self.small
    }

    /// Queues `bytes` by reference after everything written so far.
    pub(crate) fn push_large(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.large_bytes += bytes.len();
        self.large.push_back(Large {
            at: self.small.len(),
            bytes,
        });
    }

    fn forget_small(&mut self) {
        self.small.clear();
        self.small.shrink_to(REPLY_BYTES_KEPT);
        self.read = 0;
    }

    /// Moves what is left of `small` to its front once the taken part is large, so that a peer that
    /// never takes everything does not make the buffer grow for ever.
    fn compact(&mut self) {
        if self.read == self.small.len() && self.large.is_empty() {
            self.forget_small();
        } else if self.read >= REPLY_BYTES_KEPT && self.read > self.small.len() / 2 {
            self.small.drain(..self.read);
            for large in &mut self.large {
                large.at -= self.read;
            }
            self.read = 0;
        }
    }
}

impl Buf for ReplyBuffer {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        match self.large.front() {
            Some(large) if large.at == self.read => &large.bytes,
            Some(large) => &self.small[self.read..large.at],
            None => &self.small[self.read..],
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut put = |bytes: &'a [u8]| {
            if let Some(slot) = slices.get_mut(filled)
                && !bytes.is_empty()
            {
                *slot = IoSlice::new(bytes);
                filled += 1;
            }
        };
        let mut read = self.read;
        for large in &self.large {
            put(&self.small[read..large.at]);
            put(&large.bytes);
            read = large.at;
        }
        put(&self.small[read..]);
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "cannot consume more than there is");
        while count > 0 {
            match self.large.front_mut() {
                Some(large) if large.at == self.read => {
                    let taken = count.min(large.bytes.len());
                    large.bytes.advance(taken);
                    if large.bytes.is_empty() {
                        self.large.pop_front();
                    }
                    self.large_bytes -= taken;
                    count -= taken;
                }
                next => {
                    let end = next.map_or(self.small.len(), |large| large.at);
                    let taken = count.min(end - self.read);
                    self.read += taken;
                    count -= taken;
                }
            }
        }
        self.compact();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LARGE_BYTES_MIN;

    fn put(buffer: &mut ReplyBuffer, bytes: &[u8]) {
        buffer.small_mut().extend_from_slice(bytes);
    }

    #[test]
    fn small_and_large_parts_keep_their_order() {
        let mut buffer = ReplyBuffer::new();
        put(&mut buffer, b"a");
        buffer.push_large(Bytes::from_static(b"BB"));
        buffer.push_large(Bytes::from_static(b"CC"));
        buffer.push_large(Bytes::new());
        put(&mut buffer, b"d");
        assert_eq!(buffer.len(), 6);

        let mut slices = [IoSlice::new(b""); 2];
        assert_eq!(buffer.chunks_vectored(&mut slices), 2);
        assert_eq!((&*slices[0], &*slices[1]), (&b"a"[..], &b"BB"[..]));

        buffer.advance(2);
        assert_eq!(buffer.chunk(), b"B");
        assert_eq!(buffer.copy_to_bytes(4), "BCCd");
        assert!(buffer.is_empty());
    }

    #[test]
    fn truncate_goes_back_to_the_mark() {
        let mut buffer = ReplyBuffer::new();
        put(&mut buffer, b"kept");
        buffer.push_large(Bytes::from_static(b"KEPT"));
        let mark = buffer.mark();
        put(&mut buffer, b"cut");
        buffer.push_large(Bytes::from_static(b"CUT"));
        buffer.truncate(mark);
        assert_eq!(buffer.len(), 8);
        assert_eq!(buffer.copy_to_bytes(8), "keptKEPT");
    }

    #[test]
    #[should_panic(expected = "a mark does not outlive")]
    fn a_mark_is_void_once_its_bytes_are_gone() {
        let mut buffer = ReplyBuffer::new();
        put(&mut buffer, b"gone");
        let mark = buffer.mark();
        buffer.advance(4);
        buffer.truncate(mark);
    }

    #[test]
    fn beyond_the_limit_strings_are_left_out_and_remembered() {
        let mut buffer = ReplyBuffer::new();
        buffer.set_limit(10);
        put(&mut buffer, b"123456");
        assert!(buffer.has_room(4));
        assert!(!buffer.is_over_limit());
        assert!(!buffer.has_room(5));
        assert!(buffer.is_over_limit());
        buffer.clear();
        assert!(!buffer.is_over_limit());
        buffer.set_limit(0);
        assert!(buffer.has_room(usize::MAX));
    }

    #[test]
    fn an_empty_buffer_keeps_little_memory() {
        let mut buffer = ReplyBuffer::new();
        put(&mut buffer, &vec![b'x'; 10 * REPLY_BYTES_KEPT]);
        buffer.advance(buffer.len());
        assert!(buffer.small.capacity() <= REPLY_BYTES_KEPT);

        put(&mut buffer, &vec![b'x'; 10 * REPLY_BYTES_KEPT]);
        buffer.push_large(vec![b'x'; LARGE_BYTES_MIN].into());
        buffer.clear();
        assert!(buffer.is_empty() && buffer.small.capacity() <= REPLY_BYTES_KEPT);
    }

    #[test]
    fn a_slow_reader_does_not_make_the_buffer_grow_for_ever() {
        let mut buffer = ReplyBuffer::new();
        put(&mut buffer, b"never quite empty");
        for _ in 0..1000 {
            put(&mut buffer, &[b'x'; 4096]);
            buffer.push_large(Bytes::from_static(b"large"));
            buffer.advance(4096 + 5);
        }
        assert!(buffer.small.capacity() <= 4 * REPLY_BYTES_KEPT);
        assert_eq!(buffer.len(), "never quite empty".len());
    }
}
