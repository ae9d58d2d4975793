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

/// Reads the array at the front of `input` if all of it has arrived and all of its lengths have one to three digits, as
/// nearly all have, into `args`, which is empty; its size. `None`: [`ArrayDecoder`] has to look, and what `args` got is
/// to be forgotten.
///
/// It keeps nothing from call to call, so it is shorter: half of the instructions for a `GET`. An input is given to it
/// once.
#[inline]
pub(crate) fn decode_whole(input: &[u8], limits: &Limits, args: &mut RequestArgs) -> Option<usize> {
    let (count, mut position) = short_length(b'*', input, 0)?;
    if count > limits.args_max || SHORT_MAX > limits.bulk_bytes_max {
        return None;
    }
    for _ in 0..count {
        let (bytes, start) = short_length(b'$', input, position)?;
        let end = start + bytes;
        if input.get(end..end + CRLF.len())? != CRLF {
            return None;
        }
        args.push_input(start, bytes);
        position = end + CRLF.len();
    }
    (position <= limits.request_bytes_max).then_some(position)
}

/// The longest length of three digits.
const SHORT_MAX: usize = 999;

/// The length behind `kind` at `position`, and where what follows it begins.
#[inline]
fn short_length(kind: u8, input: &[u8], position: usize) -> Option<(usize, usize)> {
    let digit = |digit: u8| usize::from(digit - b'0');
    match *input.get(position..)? {
        [first, ones @ b'0'..=b'9', b'\r', b'\n', ..] if first == kind => {
            Some((digit(ones), position + 4))
        }
        [
            first,
            tens @ b'1'..=b'9',
            ones @ b'0'..=b'9',
            b'\r',
            b'\n',
            ..,
        ] if first == kind => Some((digit(tens) * 10 + digit(ones), position + 5)),
        [
            first,
            hundreds @ b'1'..=b'9',
            tens @ b'0'..=b'9',
            ones @ b'0'..=b'9',
            b'\r',
            b'\n',
            ..,
        ] if first == kind => {
            let value = (digit(hundreds) * 10 + digit(tens)) * 10 + digit(ones);
            Some((value, position + 6))
        }
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// What `decode_whole` and `ArrayDecoder` find, each with the arguments.
    fn both(input: &[u8], limits: &Limits) -> [Option<(usize, Vec<Vec<u8>>)>; 2] {
        let words = |args: &RequestArgs| args.view(input).iter().map(<[u8]>::to_vec).collect();
        let (mut quick, mut slow) = (RequestArgs::new(), RequestArgs::new());
        let whole = decode_whole(input, limits, &mut quick);
        let closely = ArrayDecoder::default().decode(input, limits, &mut slow);
        [
            whole.map(|size| (size, words(&quick))),
            closely.ok().flatten().map(|size| (size, words(&slow))),
        ]
    }

    #[test]
    fn requests_with_short_lengths_are_read_at_once() {
        for bytes in [0, 1, 9, 10, 99, 100, 101, 999] {
            let word = "x".repeat(bytes);
            let input = format!("*2\r\n$4\r\nECHO\r\n${bytes}\r\n{word}\r\n*1");
            let [whole, closely] = both(input.as_bytes(), &Limits::default());
            assert_eq!(whole, closely);
            assert_eq!(whole.map(|(size, _)| size), Some(input.len() - 2));
        }
        let long = format!("*1\r\n$1000\r\n{}\r\n", "x".repeat(1000));
        let [whole, closely] = both(long.as_bytes(), &Limits::default());
        assert!(whole.is_none() && closely.is_some());
    }

    #[test]
    fn limits_hold() {
        let few = Limits {
            args_max: 1,
            ..Limits::default()
        };
        let input = b"*2\r\n$1\r\na\r\n$1\r\nb\r\n";
        assert_eq!(both(input, &few), [None, None]);
        let short = Limits {
            request_bytes_max: input.len() - 1,
            ..Limits::default()
        };
        assert_eq!(both(input, &short)[0], None);
    }

    proptest! {
        /// Nothing is read that a close look would not find.
        #[test]
        fn a_quick_look_finds_what_a_close_one_finds(input in vec(select(&b"*$0123\r\nx"[..]), 0..60)) {
            let [whole, closely] = both(&input, &Limits::default());
            prop_assert!(whole.is_none() || whole == closely);
        }
    }
}
