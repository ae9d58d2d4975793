//! Splits a command line into words, with the quotes and escapes of redis-cli.

use anyhow::{Result, bail};

/// Splits `line` at blanks; `"..."` knows escapes, `'...'` only `\'`.
///
/// # Errors
///
/// A quote that is not closed, or that is followed by something else than a blank.
pub(crate) fn split(line: &str) -> Result<Vec<Vec<u8>>> {
    let mut rest = line.as_bytes();
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            None => return Ok(words),
            Some(quote @ (b'"' | b'\'')) => {
                let (word, after) = quoted(&rest[1..], *quote)?;
                if after
                    .first()
                    .is_some_and(|next| !next.is_ascii_whitespace())
                {
                    bail!("a closing quote must be followed by a blank");
                }
                words.push(word);
                rest = after;
            }
            Some(_) => {
                let end = rest
                    .iter()
                    .position(u8::is_ascii_whitespace)
                    .unwrap_or(rest.len());
                words.push(rest[..end].to_vec());
                rest = &rest[end..];
            }
        }
    }
}

/// Reads up to the closing `quote`; returns the word and what follows the quote.
fn quoted(mut rest: &[u8], quote: u8) -> Result<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] => bail!("a quote is not closed"),
            [end, after @ ..] if *end == quote => return Ok((word, after)),
            [b'\\', escape @ ..] if quote == b'"' => {
                let (byte, after) = escaped(escape)?;
                word.push(byte);
                rest = after;
            }
            [b'\\', b'\'', after @ ..] => {
                word.push(b'\'');
                rest = after;
            }
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

/// Reads what follows a backslash; returns the byte that it stands for and the rest.
fn escaped(text: &[u8]) -> Result<(u8, &[u8])> {
    let (byte, after) = match text {
        [b'x', high, low, after @ ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => (high * 16 + low, after),
            _ => bail!("\\x must be followed by two hexadecimal digits"),
        },
        [b'n', after @ ..] => (b'\n', after),
        [b'r', after @ ..] => (b'\r', after),
        [b't', after @ ..] => (b'\t', after),
        [b'b', after @ ..] => (0x08, after),
        [b'a', after @ ..] => (0x07, after),
        [other, after @ ..] => (*other, after),
        [] => bail!("a quote is not closed"),
    };
    Ok((byte, after))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[test]
fn words_are_split_at_blanks() {
    assert_eq!(
        split("  SET  k v ").unwrap(),
        [b"SET".as_slice(), b"k", b"v"]
    );
    assert!(split("").unwrap().is_empty());
}

#[test]
fn quotes_and_escapes_are_those_of_redis_cli() {
    assert_eq!(
        split(r#""a b" 'c "d' """#).unwrap(),
        [b"a b".as_slice(), b"c \"d", b""]
    );
    assert_eq!(
        split(r#""\x00\xfF\n\r\t\b\a\\\"""#).unwrap(),
        [b"\x00\xff\n\r\t\x08\x07\\\""]
    );
    assert_eq!(split(r"'it\'s \n'").unwrap(), [br"it's \n"]);
    assert_eq!(split(r#"a"b"#).unwrap(), [br#"a"b"#]);
}

#[test]
fn bad_quoting_is_refused() {
    for line in [r#""open"#, r#"'open"#, r#""a"b"#, r#""\x0g""#, r#""\"#] {
        assert!(split(line).is_err(), "{line}");
    }
}
