//! Lines out of a stream, in bounded memory.

use std::io::{self, BufRead, Read as _};

/// What one line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It ended with a line feed, and lies in the buffer without it.
    Whole,
    /// It was longer than allowed; the buffer is empty.
    TooLong,
    /// The stream ended before its line feed; what there was lies in the buffer.
    CutOff,
}

/// Reads lines of a limited length.
pub(super) struct Lines<'r> {
    source: &'r mut dyn BufRead,
    bytes_max: usize,
    /// Bytes taken from the source.
    taken: u64,
}

impl<'r> Lines<'r> {
    pub(super) fn new(source: &'r mut dyn BufRead, bytes_max: usize) -> Self {
        Self {
            source,
            bytes_max,
            taken: 0,
        }
    }

    /// Bytes read so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Puts the next line into `buffer`; `None` at the end.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Line>> {
        buffer.clear();
        let limit = self.bytes_max as u64 + 1;
        let read = (&mut *self.source).take(limit).read_until(b'\n', buffer)?;
        self.taken += read as u64;
        if read == 0 {
            return Ok(None);
        }
        if buffer.last() == Some(&b'\n') {
            buffer.pop();
            return Ok(Some(Line::Whole));
        }
        if read as u64 == limit {
            *buffer = Vec::new();
            self.skip_line()?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::CutOff))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let block = self.source.fill_buf()?;
            let end = block.iter().position(|&byte| byte == b'\n');
            let skipped = end.map_or(block.len(), |end| end + 1);
            self.source.consume(skipped);
            self.taken += skipped as u64;
            if end.is_some() || skipped == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, bytes_max: usize) -> Vec<(Line, String)> {
        // A tiny block, so that lines lie across several.
        let mut source = io::BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Lines::new(&mut source, bytes_max);
        let mut buffer = Vec::new();
        let mut all = Vec::new();
        while let Some(line) = lines.next(&mut buffer).unwrap() {
            all.push((line, String::from_utf8(buffer.clone()).unwrap()));
        }
        assert_eq!(lines.taken(), text.len() as u64);
        all
    }

    #[test]
    fn long_lines_are_passed_over_and_the_last_may_be_cut() {
        let whole = |text: &str| (Line::Whole, text.to_owned());
        let long = || (Line::TooLong, String::new());
        assert_eq!(
            lines("a\n\n12345\n123456\nb\nno end", 6),
            [
                whole("a"),
                whole(""),
                whole("12345"),
                whole("123456"),
                whole("b"),
                (Line::CutOff, "no end".to_owned())
            ]
        );
        assert_eq!(
            lines("123456\n12345678901\na\n1234567", 5),
            [long(), long(), whole("a"), long()]
        );
        assert_eq!(lines("", 5), []);
    }
}
