//! Words of a line: separated by blanks, or quoted.
//!
//! The grammar is Valkey's for inline commands. A quote may begin and end anywhere in a word: `"a b"c` is one
//! word, as in a shell. `"..."` knows `\n \r \t \b \a \xHH`, and a backslash
//! before any other byte stands for that byte. `'...'` knows only `\'`.

use crate::error::ProtoError;
use crate::request::RequestArgs;

/// Whether `byte` separates words.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What is left of a line.
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// The line from its next word on.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let blanks = self.rest.iter().take_while(|byte| is_blank(**byte)).count();
        self.rest = self.rest.get(blanks..).unwrap_or_default();
        self.rest
    }

    /// Copies the next word to `args`, unquoted; false at the end of the line.
    pub(super) fn next_into(&mut self, args: &mut RequestArgs) -> Result<bool, ProtoError> {
        if self.rest().is_empty() {
            return Ok(false);
        }
        let start = args.scratch_mut().len();
        while let Some(byte) = self.take() {
            match byte {
                b'"' => self.double_quoted(args.scratch_mut())?,
                b'\'' => self.single_quoted(args.scratch_mut())?,
                blank if is_blank(blank) => break,
                other => args.scratch_mut().push(other),
            }
        }
        args.push_scratch(start);
        Ok(true)
    }

    fn double_quoted(&mut self, word: &mut Vec<u8>) -> Result<(), ProtoError> {
        loop {
            match self.take().ok_or(ProtoError::UnbalancedQuotes)? {
                b'"' => return Ok(()),
                b'\\' => word.push(self.escaped()?),
                other => word.push(other),
            }
        }
    }

    fn single_quoted(&mut self, word: &mut Vec<u8>) -> Result<(), ProtoError> {
        loop {
            match self.take().ok_or(ProtoError::UnbalancedQuotes)? {
                b'\'' => return Ok(()),
                b'\\' if self.rest.first() == Some(&b'\'') => word.extend(self.take()),
                other => word.push(other),
            }
        }
    }

    /// The byte that stands after a backslash.
    fn escaped(&mut self) -> Result<u8, ProtoError> {
        Ok(match self.take().ok_or(ProtoError::UnbalancedQuotes)? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'a' => 0x07,
            b'x' => self.hexadecimal().unwrap_or(b'x'),
            other => other,
        })
    }

    /// The byte that two hexadecimal digits stand for, if two are there.
    fn hexadecimal(&mut self) -> Option<u8> {
        let (digits, rest) = self.rest.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        let byte = u8::try_from(high? * 16 + low?).ok()?;
        self.rest = rest;
        Some(byte)
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtoError> {
        let mut args = RequestArgs::new();
        let mut words = Words::new(line);
        while words.next_into(&mut args)? {}
        Ok(args.view(b"").iter().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn blanks_separate_words() {
        assert_eq!(words(b" \t a  b\tc ").unwrap(), [b"a", b"b", b"c"]);
        assert!(words(b"").unwrap().is_empty());
        assert!(words(b" \t ").unwrap().is_empty());
    }

    #[test]
    fn double_quotes_know_escapes() {
        assert_eq!(
            words(br#""a b" "\n\r\t\b\a\x00\xfF\"\\\q""#).unwrap(),
            [&b"a b"[..], b"\n\r\t\x08\x07\x00\xff\"\\q"]
        );
        assert_eq!(
            words(br#""" "\xg1" "\x1""#).unwrap(),
            [&b""[..], b"xg1", b"x1"]
        );
    }

    #[test]
    fn single_quotes_know_only_their_own() {
        assert_eq!(
            words(br"'a b' 'it\'s' '\n' ''").unwrap(),
            [&b"a b"[..], b"it's", b"\\n", b""]
        );
    }

    #[test]
    fn a_quote_may_begin_and_end_inside_a_word() {
        assert_eq!(words(br#"a"b c"'"#), Err(ProtoError::UnbalancedQuotes));
        assert_eq!(words(br#"a"b c" d"#).unwrap(), [&b"ab c"[..], b"d"]);
        assert_eq!(words(br#""a"b 'c d'e"f""#).unwrap(), [&b"ab"[..], b"c def"]);
        assert_eq!(words(br#"""""a ''"#).unwrap(), [&b"a"[..], b""]);
    }

    #[test]
    fn open_quotes_are_refused() {
        for line in [
            &br#"""#[..],
            br#""a"#,
            b"'",
            b"'a",
            br#""a\"#,
            br#""a"b""#,
            b"'b'a'r",
        ] {
            assert_eq!(
                words(line),
                Err(ProtoError::UnbalancedQuotes),
                "{}",
                line.escape_ascii()
            );
        }
    }
}
