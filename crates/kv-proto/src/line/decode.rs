//! Lines as requests: where a line ends, and what its words mean in each of the two line dialects.
//!
//! Invariant: a line is searched for its end once, however it is cut into pieces.
//! Invariant: inline commands are split as Redis splits them; only the plain protocol knows `SET
//! key rest of the line`.

use super::words::{Words, is_blank};
use crate::error::ProtoError;
use crate::request::RequestArgs;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    CrLf,
    Lf,
}

/// A complete line at the front of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundLine {
    bytes: usize,
    pub(crate) end: LineEnd,
}

impl FoundLine {
    /// The line without its end.
    pub(crate) fn line(self, input: &[u8]) -> &[u8] {
        input.get(..self.bytes).unwrap_or_default()
    }

    /// The size of the line with its end.
    pub(crate) fn consumed(self) -> usize {
        match self.end {
            LineEnd::CrLf => self.bytes + 2,
            LineEnd::Lf => self.bytes + 1,
        }
    }
}

/// How much of an unfinished line has been searched for its end.
#[derive(Debug, Default)]
pub(crate) struct LineFinder {
    searched: usize,
}

impl LineFinder {
    /// The line at the front of `input`, if it is complete and not longer than `bytes_max`.
    ///
    /// # Errors
    ///
    /// [`ProtoError::NulInLine`] for an incomplete or too long line: a binary protocol on the wrong
    /// port may never send a line end.
    pub(crate) fn find(
        &mut self,
        input: &[u8],
        bytes_max: usize,
    ) -> Result<Option<FoundLine>, ProtoError> {
        let window = input
            .get(..input.len().min(bytes_max + 2))
            .unwrap_or_default();
        let unsearched = window.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr(b'\n', unsearched) else {
            self.searched = window.len();
            return refuse_nul(unsearched).map(|()| None);
        };
        let before = window.get(..self.searched + offset).unwrap_or_default();
        let found = match before.strip_suffix(b"\r") {
            Some(line) => FoundLine {
                bytes: line.len(),
                end: LineEnd::CrLf,
            },
            None => FoundLine {
                bytes: before.len(),
                end: LineEnd::Lf,
            },
        };
        if found.bytes > bytes_max {
            // In smaller pieces the NUL would have been met before the line was too long.
            return refuse_nul(before).map(|()| None);
        }
        Ok(Some(found))
    }
}

/// Splits an inline command of at most `bytes_max` bytes as Redis does.
pub(crate) fn decode_inline(
    line: &[u8],
    bytes_max: usize,
    args: &mut RequestArgs,
) -> Result<(), ProtoError> {
    refuse_nul(line)?;
    // A first line is looked for under the longer limit of the plain protocol, before it is known to
    // be an inline command.
    if line.len() > bytes_max {
        return Err(ProtoError::InlineTooLong);
    }
    split(line, args)?;
    refuse_http(line, args)
}

/// Splits a line of the plain protocol.
pub(crate) fn decode_plain(line: &[u8], args: &mut RequestArgs) -> Result<(), ProtoError> {
    refuse_nul(line)?;
    if begins_with_set(line) {
        return split_set(line, args);
    }
    split(line, args)?;
    refuse_http(line, args)
}

fn split(line: &[u8], args: &mut RequestArgs) -> Result<(), ProtoError> {
    if memchr::memchr2(b'"', b'\'', line).is_none() {
        split_unquoted(line, args);
        return Ok(());
    }
    let mut words = Words::new(line);
    while words.next_into(args)? {}
    Ok(())
}

/// Words without quotes are used where they stand.
fn split_unquoted(line: &[u8], args: &mut RequestArgs) {
    let mut start = 0;
    for word in line.split(|byte| is_blank(*byte)) {
        if !word.is_empty() {
            args.push_input(start, word.len());
        }
        start += word.len() + 1;
    }
}

fn begins_with_set(line: &[u8]) -> bool {
    let word = line.trim_ascii_start();
    let is_set = word
        .get(..3)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"SET"));
    is_set && word.get(3).is_none_or(|byte| is_blank(*byte))
}

/// `SET key rest of the line`: the rest is one value, unless it begins with a quote.
fn split_set(line: &[u8], args: &mut RequestArgs) -> Result<(), ProtoError> {
    let mut words = Words::new(line);
    let key_found = words.next_into(args)? && words.next_into(args)?;
    if !key_found {
        return Ok(());
    }
    let value = words.rest();
    if matches!(value.first(), Some(b'"' | b'\'') | None) {
        while words.next_into(args)? {}
    } else {
        push_collapsed(value, args);
    }
    Ok(())
}

/// Adds `text` as one argument, each run of blanks as one blank, none at the end.
fn push_collapsed(text: &[u8], args: &mut RequestArgs) {
    let scratch = args.scratch_mut();
    let start = scratch.len();
    for word in text
        .split(|byte| is_blank(*byte))
        .filter(|word| !word.is_empty())
    {
        if scratch.len() > start {
            scratch.push(b' ');
        }
        scratch.extend_from_slice(word);
    }
    args.push_scratch(start);
}

fn refuse_nul(line: &[u8]) -> Result<(), ProtoError> {
    match memchr::memchr(0, line) {
        Some(_) => Err(ProtoError::NulInLine),
        None => Ok(()),
    }
}

/// A web page can make a browser send any text to any port, after HTTP's own first lines: those end
/// the connection.
fn refuse_http(line: &[u8], args: &RequestArgs) -> Result<(), ProtoError> {
    let request = args.view(line);
    let Some(name) = request.get(0) else {
        return Ok(());
    };
    let is_http = name.eq_ignore_ascii_case(b"POST")
        || name.eq_ignore_ascii_case(b"Host:")
        || (request
            .get(2)
            .is_some_and(|version| version.starts_with(b"HTTP/1."))
            && name.eq_ignore_ascii_case(b"GET"));
    if is_http {
        Err(ProtoError::Http)
    } else {
        Ok(())
    }
}
