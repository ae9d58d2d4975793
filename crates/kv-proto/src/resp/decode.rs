//! Request arrays: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`.
//!
//! Invariant: arguments are recorded as they arrive; a declared count reserves nothing.
//! Invariant: `position` never moves back, so a request that arrives in many pieces is read once.

use super::length::Length;
use crate::error::ProtoError;
use crate::limits::Limits;
use crate::request::RequestArgs;

const CRLF: &[u8] = b"\r\n";

/// How far the array at the front of the input has been read.
#[derive(Debug, Default)]
pub(crate) struct ArrayDecoder {
    /// Everything before this offset of the input has been read.
    position: usize,
    /// Arguments still to come, once the array's header has been read.
    args_missing: Option<usize>,
    /// Length of the bulk string at `position`, once its header has been read.
    bulk_bytes: Option<usize>,
}

impl ArrayDecoder {
    /// Reads on, adds the arguments found to `args`, and returns the size of the array when it is
    /// complete.
    ///
    /// `input` begins with `*`.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        limits: &Limits,
        args: &mut RequestArgs,
    ) -> Result<Option<usize>, ProtoError> {
        let Some(mut missing) = self.args_missing(input, limits)? else {
            return Ok(None);
        };
        while missing > 0 {
            let Some(bytes) = self.bulk_bytes(input, limits)? else {
                return Ok(None);
            };
            let end = self.position + bytes;
            match input.get(end..end + CRLF.len()) {
                Some(CRLF) => {}
                Some(_) => return Err(ProtoError::InvalidCrLf),
                None => return Ok(None),
            }
            args.push_input(self.position, bytes);
            missing -= 1;
            self.position = end + CRLF.len();
            self.args_missing = Some(missing);
            self.bulk_bytes = None;
        }
        Ok(Some(self.position))
    }

    /// How many bytes beyond the `arrived` ones complete the bulk string at hand; 0 when none is.
    pub(crate) fn missing_bytes(&self, arrived: usize) -> usize {
        self.bulk_bytes.map_or(0, |bytes| {
            (self.position + bytes + CRLF.len()).saturating_sub(arrived)
        })
    }

    /// The number of arguments still to come; a null array (`*-1`) is an empty one, as in Redis.
    fn args_missing(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtoError> {
        if self.args_missing.is_some() {
            return Ok(self.args_missing);
        }
        let (value, size) = match Length::read(input.get(1..).unwrap_or_default()) {
            Length::Complete { value, size } => (value, size),
            Length::Incomplete => return Ok(None),
            Length::BrokenEnd => return Err(ProtoError::InvalidCrLf),
            Length::Invalid => return Err(ProtoError::InvalidMultibulkLength),
        };
        let count = usize::try_from(value).unwrap_or(0);
        if count > limits.args_max {
            return Err(match limits.authenticated {
                true => ProtoError::InvalidMultibulkLength,
                false => ProtoError::UnauthenticatedMultibulkLength,
            });
        }
        self.position = 1 + size;
        self.args_missing = Some(count);
        Ok(self.args_missing)
    }

    /// The length of the bulk string whose bytes begin at `position`.
    fn bulk_bytes(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtoError> {
        if self.bulk_bytes.is_some() {
            return Ok(self.bulk_bytes);
        }
        let (value, size) = match input.get(self.position..).and_then(<[u8]>::split_first) {
            Some((b'$', rest)) => match Length::read(rest) {
                Length::Complete { value, size } => (value, size),
                Length::Incomplete => return Ok(None),
                Length::BrokenEnd => return Err(ProtoError::InvalidCrLf),
                Length::Invalid => return Err(ProtoError::InvalidBulkLength),
            },
            Some((&got, _)) => return Err(ProtoError::ExpectedBulk { got }),
            None => return Ok(None),
        };
        let Ok(bytes) = usize::try_from(value) else {
            return Err(ProtoError::InvalidBulkLength);
        };
        if bytes > limits.bulk_bytes_max {
            return Err(match limits.authenticated {
                true => ProtoError::InvalidBulkLength,
                false => ProtoError::UnauthenticatedBulkLength,
            });
        }
        let start = self.position + 1 + size;
        if start + bytes + CRLF.len() > limits.request_bytes_max {
            return Err(ProtoError::RequestTooLong {
                bytes_max: limits.request_bytes_max,
            });
        }
        self.position = start;
        self.bulk_bytes = Some(bytes);
        Ok(self.bulk_bytes)
    }
}
