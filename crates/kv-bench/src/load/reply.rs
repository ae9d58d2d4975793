//! Finds where replies end in a stream of RESP2, without keeping them.
//!
//! The generator must cost less than the server it measures, so this does not build values: it counts
//! replies and keeps the text of errors. Only a load that verifies has values kept until they are whole.
//!
//! Invariant: what is kept between calls is bounded, whatever the server sends.

use anyhow::{bail, ensure};

/// The most bytes of one line that are kept; longer lines are skipped to their end.
const LINE_BYTES_KEPT: usize = 256;

/// One finished reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// Anything but an error.
    Done,
    /// A value, by a scanner that keeps them.
    Value(&'a [u8]),
    /// An error, with its (perhaps shortened) text.
    Error(&'a [u8]),
}

/// A scanner of one connection's replies.
#[derive(Debug)]
pub(super) struct ReplyScanner {
    /// The line that has begun, its first byte included, as far as it is kept.
    line: Vec<u8>,
    /// Bytes of a bulk string and its line end that are still to come.
    skip_bytes: u64,
    /// Elements of the current reply that are still to come, the one that has begun included.
    elements: u64,
    /// Whether what is skipped ends an element.
    skipping: bool,
    /// Whether the current reply is an array.
    is_array: bool,
    /// The longest value that is kept, in bytes; `None`: none is.
    keeps: Option<u32>,
    /// The value that has begun, as far as it has come, when it is kept.
    value: Vec<u8>,
}

impl ReplyScanner {
    /// One that shows values of up to `keeps` bytes; `None`: no values.
    pub(super) fn new(keeps: Option<u32>) -> Self {
        Self {
            line: Vec::with_capacity(LINE_BYTES_KEPT),
            skip_bytes: 0,
            elements: 1,
            skipping: false,
            is_array: false,
            keeps,
            value: Vec::new(),
        }
    }

    /// Takes the next bytes of the stream and tells `show` of each reply that ends in them.
    ///
    /// # Errors
    ///
    /// When the bytes are not RESP2. The scanner is of no use afterwards.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut show: impl FnMut(Outcome<'_>),
    ) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            if self.skipping {
                bytes = self.skip(bytes, &mut show);
            } else {
                bytes = self.take_line(bytes, &mut show)?;
            }
        }
        Ok(())
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], show: &mut impl FnMut(Outcome<'_>)) -> &'b [u8] {
        let wanted = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX);
        let taken = wanted.min(bytes.len());
        self.skip_bytes -= taken as u64;
        let keeps = self.keeps.is_some() && !self.is_array;
        if keeps {
            self.value.extend_from_slice(&bytes[..taken]);
        }
        if self.skip_bytes == 0 {
            self.skipping = false;
            if keeps {
                show(Outcome::Value(
                    self.value.strip_suffix(b"\r\n").unwrap_or_default(),
                ));
                self.value.clear();
            } else {
                self.end_element(show);
            }
        }
        &bytes[taken..]
    }

    fn take_line<'b>(
        &mut self,
        bytes: &'b [u8],
        show: &mut impl FnMut(Outcome<'_>),
    ) -> anyhow::Result<&'b [u8]> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let room = LINE_BYTES_KEPT - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        match end {
            None => Ok(&[]),
            Some(end) => {
                self.end_line(show)?;
                self.line.clear();
                Ok(&bytes[end + 1..])
            }
        }
    }

    fn end_line(&mut self, show: &mut impl FnMut(Outcome<'_>)) -> anyhow::Result<()> {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let Some((mark, rest)) = line.split_first() else {
            bail!("the server sent an empty line where a reply should begin");
        };
        match mark {
            b'+' | b':' => self.end_element(show),
            b'-' if self.elements == 1 => show(Outcome::Error(rest)),
            b'-' => self.end_element(show),
            b'$' => match length(rest)? {
                None => self.end_element(show),
                Some(bytes) => {
                    ensure!(
                        self.keeps.is_none_or(|most| bytes <= u64::from(most)),
                        "the server sent a value of {bytes} bytes, longer than any can be"
                    );
                    self.skip_bytes = bytes + 2;
                    self.skipping = true;
                }
            },
            b'*' => {
                let count = length(rest)?.unwrap_or(0);
                self.elements = self.elements.saturating_add(count);
                self.is_array = true;
                self.end_element(show);
            }
            other => {
                bail!("the server does not speak RESP2: a reply begins with byte {other:#04x}")
            }
        }
        Ok(())
    }

    fn end_element(&mut self, show: &mut impl FnMut(Outcome<'_>)) {
        self.elements -= 1;
        if self.elements == 0 {
            self.elements = 1;
            self.is_array = false;
            show(Outcome::Done);
        }
    }
}

/// A length as RESP writes it; `None` for the null of -1.
fn length(digits: &[u8]) -> anyhow::Result<Option<u64>> {
    if digits == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(digits)?;
    let length = text.parse::<u64>();
    ensure!(
        length
            .as_ref()
            .is_ok_and(|length| *length <= u64::from(u32::MAX)),
        "the server sent a length of '{text}'"
    );
    Ok(length.ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a scanner makes of `stream` fed in pieces that end at `cuts`.
    fn scan(stream: &[u8], cuts: &[usize]) -> anyhow::Result<Vec<String>> {
        scan_with(None, stream, cuts)
    }

    fn scan_with(keeps: Option<u32>, stream: &[u8], cuts: &[usize]) -> anyhow::Result<Vec<String>> {
        let mut scanner = ReplyScanner::new(keeps);
        let mut seen = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([stream.len()]) {
            scanner.feed(&stream[start..end], |outcome| {
                seen.push(match outcome {
                    Outcome::Done => "done".to_owned(),
                    Outcome::Value(value) => format!("value {}", String::from_utf8_lossy(value)),
                    Outcome::Error(text) => String::from_utf8_lossy(text).into_owned(),
                });
            })?;
            start = end;
        }
        Ok(seen)
    }

    const STREAM: &[u8] = b"+OK\r\n:12\r\n$3\r\na\nb\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n-ERR no\r\n\
        *3\r\n+x\r\n*2\r\n$1\r\ny\r\n-ERR inner\r\n:1\r\n";

    #[test]
    fn every_kind_of_reply_is_one_reply() {
        let seen = scan(STREAM, &[]).unwrap();
        assert_eq!(
            seen,
            [
                "done", "done", "done", "done", "done", "done", "done", "ERR no", "done"
            ]
        );
    }

    #[test]
    fn values_are_kept_whole_when_asked_for() {
        let stream = b"+OK\r\n$3\r\na\nb\r\n$0\r\n\r\n$-1\r\n*1\r\n$1\r\ny\r\n$2\r\n\r\n\r\n";
        let seen = ["done", "value a\nb", "value ", "done", "done", "value \r\n"];
        assert_eq!(scan_with(Some(3), stream, &[]).unwrap(), seen);
        let cuts: Vec<usize> = (1..stream.len()).collect();
        assert_eq!(scan_with(Some(3), stream, &cuts).unwrap(), seen);
        scan_with(Some(2), stream, &[]).unwrap_err();
    }

    #[test]
    fn an_overlong_line_is_shortened() {
        let mut stream = vec![b'-'; 100_000];
        stream.extend_from_slice(b"\r\n+OK\r\n");
        let seen = scan(&stream, &[]).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].len(), LINE_BYTES_KEPT - 1);
    }

    #[test]
    fn what_is_not_resp_is_refused() {
        for stream in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"*99999999999999999999\r\n",
        ] {
            scan(stream, &[]).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_does_not_matter(
            mut cuts in proptest::collection::vec(0..STREAM.len(), 0..8)
        ) {
            cuts.sort_unstable();
            prop_assert_eq!(scan(STREAM, &cuts).unwrap(), scan(STREAM, &[]).unwrap());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = scan(&bytes, &[]);
        }
    }
}
