//! Chooses the dialect of a connection and decodes its requests one by one.
//!
//! Owns the choice and what is remembered between two reads of the socket. The grammars are in
//! [`crate::resp`] and [`crate::line`].
//!
//! Invariant: once chosen, a dialect is kept for the life of the connection.
//! Invariant: after every request, also an empty one, nothing of it is left in the state.
//! Invariant: a byte that has arrived is looked at a bounded number of times, however the request
//! is cut into pieces.

use std::mem;

use crate::error::ProtoError;
use crate::limits::{HINT_BYTES_MAX, HINT_BYTES_MIN, Limits};
use crate::line::decode::{LineEnd, LineFinder, decode_inline, decode_plain};
use crate::reply::Format;
use crate::request::RequestArgs;
use crate::resp::decode::{ArrayDecoder, decode_whole};

/// Which dialects a port accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProtocolMode {
    /// The first bytes of each connection choose.
    #[default]
    Auto,
    /// Every connection speaks the plain line protocol; lines may end in LF or CR LF.
    Line,
    /// Every connection speaks RESP; lines, also those ended by a bare LF, are inline commands
    /// answered in RESP.
    Resp,
}

/// The dialect of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Not enough bytes have arrived to know.
    Undecided,
    /// RESP arrays and inline commands, answered in RESP.
    Resp,
    /// The plain line protocol.
    Plain,
}

/// Turns the bytes of one connection into requests.
#[derive(Debug)]
pub struct Decoder {
    dialect: Dialect,
    limits: Limits,
    resp3: bool,
    array: ArrayDecoder,
    line: LineFinder,
    /// The arguments of an unfinished request; empty when there is none.
    partial: RequestArgs,
    unfinished: bool,
    /// Length of the input when the unfinished request was last looked at.
    arrived: usize,
}

impl Decoder {
    /// A decoder for a new connection. Limits above the crate's own are lowered to them.
    #[must_use]
    pub fn new(mode: ProtocolMode, limits: Limits) -> Self {
        let dialect = match mode {
            ProtocolMode::Auto => Dialect::Undecided,
            ProtocolMode::Line => Dialect::Plain,
            ProtocolMode::Resp => Dialect::Resp,
        };
        Self {
            dialect,
            limits: limits.clamped(),
            resp3: false,
            array: ArrayDecoder::default(),
            line: LineFinder::default(),
            partial: RequestArgs::new(),
            unfinished: false,
            arrived: 0,
        }
    }

    /// Decodes one request from the front of `input` into `args` and returns how many bytes it
    /// took.
    ///
    /// A request without arguments (an empty line, `*0`) is returned like any other; it asks for
    /// nothing and gets no reply. `None` means that the request is not complete: the next call must
    /// be given the same bytes and what followed them. What was read of it is remembered here, not
    /// in `args`, which is left empty.
    ///
    /// # Errors
    ///
    /// The bytes are no request ([`ProtoError`] says why): the caller answers with this error and
    /// closes the connection.
    pub fn decode(
        &mut self,
        input: &[u8],
        args: &mut RequestArgs,
    ) -> Result<Option<usize>, ProtoError> {
        args.clear();
        if input.is_empty() {
            // Not even a beginning: what comes next is looked at as a whole.
            return Ok(None);
        }
        if self.unfinished {
            mem::swap(args, &mut self.partial);
        } else if self.dialect == Dialect::Resp {
            if let Some(size) = decode_whole(input, &self.limits, args) {
                return Ok(Some(size));
            }
            args.clear();
        }
        let result = self.decode_next(input, args);
        self.unfinished = matches!(result, Ok(None));
        if self.unfinished {
            self.arrived = input.len();
            mem::swap(args, &mut self.partial);
        } else {
            self.array = ArrayDecoder::default();
            self.line = LineFinder::default();
        }
        result
    }

    /// How replies to this connection are written. An undecided connection is answered in RESP2.
    #[must_use]
    pub fn format(&self) -> Format {
        match (self.dialect, self.resp3) {
            (Dialect::Plain, _) => Format::Plain,
            (_, true) => Format::Resp3,
            (_, false) => Format::Resp2,
        }
    }

    /// Which dialect the connection speaks, as far as is known.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Chooses RESP3 or RESP2 replies, for `HELLO` and `RESET`. Without effect on a plain
    /// connection.
    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
    }

    /// Changes what the peer may send, from the next decoded length on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits.clamped();
    }

    /// For how many more bytes a session should make room before its next read; 0 when its usual
    /// buffer will do.
    ///
    /// Only an unfinished bulk string asks for room, and never for more than has already arrived
    /// (but at least 16 KiB, at most 8 MiB): a declared length alone reserves nothing worth an
    /// attack.
    #[must_use]
    pub fn needed_hint(&self) -> usize {
        let step = self.arrived.clamp(HINT_BYTES_MIN, HINT_BYTES_MAX);
        self.array.missing_bytes(self.arrived).min(step)
    }

    fn decode_next(
        &mut self,
        input: &[u8],
        args: &mut RequestArgs,
    ) -> Result<Option<usize>, ProtoError> {
        let Some(&first) = input.first() else {
            return Ok(None);
        };
        if first == b'*' && self.dialect != Dialect::Plain {
            self.dialect = Dialect::Resp;
            return self.array.decode(input, &self.limits, args);
        }
        let Some(found) = self.line.find(input, self.line_bytes_max())? else {
            return self.line_too_long(input.len());
        };
        if self.dialect == Dialect::Undecided {
            self.dialect = match found.end {
                LineEnd::CrLf => Dialect::Resp,
                LineEnd::Lf => Dialect::Plain,
            };
        }
        let line = found.line(input);
        match self.dialect {
            Dialect::Plain => decode_plain(line, args)?,
            _ => decode_inline(line, self.limits.inline_bytes_max, args)?,
        }
        Ok(Some(found.consumed()))
    }

    fn line_bytes_max(&self) -> usize {
        match self.dialect {
            Dialect::Resp => self.limits.inline_bytes_max,
            Dialect::Undecided | Dialect::Plain => self.limits.line_bytes_max,
        }
    }

    /// An unfinished line is an error once it is longer than any line may be, its CR included.
    fn line_too_long(&self, arrived: usize) -> Result<Option<usize>, ProtoError> {
        let bytes_max = self.line_bytes_max();
        if arrived <= bytes_max + 1 {
            return Ok(None);
        }
        Err(match self.dialect {
            Dialect::Resp => ProtoError::InlineTooLong,
            Dialect::Undecided | Dialect::Plain => ProtoError::LineTooLong { bytes_max },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Memory for one input byte: a line of words of one byte each takes a span for two bytes, and
    /// a list that grows may be half empty.
    const BYTES_PER_INPUT_BYTE_MAX: usize = 8;

    /// What the smallest allocation may take.
    const BYTES_MIN: usize = 64;

    fn allocated_for(input: &[u8], mode: ProtocolMode) -> usize {
        let mut decoder = Decoder::new(mode, Limits::default());
        let mut args = RequestArgs::new();
        // Wrong bytes end the connection; what was allocated for them counts as well.
        let _ = decoder.decode(input, &mut args);
        args.allocated_bytes() + decoder.partial.allocated_bytes()
    }

    #[test]
    fn declared_lengths_allocate_nothing() {
        for input in [
            &b"*1048576\r\n"[..],
            b"*1048576\r\n$536870912\r\n",
            b"*3\r\n$536870912\r\nx",
        ] {
            assert_eq!(allocated_for(input, ProtocolMode::Auto), 0);
        }
    }

    #[test]
    fn the_densest_requests_keep_within_the_bound() {
        let array = [b"*1048576\r\n".to_vec(), b"$0\r\n\r\n".repeat(100_000)].concat();
        let line = [b"x ".repeat(100_000), b"\n".to_vec()].concat();
        let quoted = [b"'' ".repeat(100_000), b"\n".to_vec()].concat();
        for input in [array, line, quoted] {
            let allocated = allocated_for(&input, ProtocolMode::Auto);
            assert!(allocated <= BYTES_PER_INPUT_BYTE_MAX * input.len() + BYTES_MIN);
        }
    }

    proptest! {
        #[test]
        fn memory_is_bounded_by_what_has_arrived(
            input in vec(select(&b"*$0159\r\n\"' xSET"[..]), 0..200),
            mode in select(vec![ProtocolMode::Auto, ProtocolMode::Line, ProtocolMode::Resp]),
        ) {
            let allocated = allocated_for(&input, mode);
            prop_assert!(allocated <= BYTES_PER_INPUT_BYTE_MAX * input.len() + BYTES_MIN);
        }
    }
}
