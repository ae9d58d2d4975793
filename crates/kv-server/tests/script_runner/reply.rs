//! A reply as values, read from bytes, printed as redis-cli prints it.
//!
//! Numbers stay text: a script sees how a server wrote them, not what they are worth.
//!
//! Invariant: the printed form has no blank line, so that a script can hold any reply. Verbatim
//! strings are therefore printed quoted, where redis-cli would print them raw.

use std::io::BufRead;

use anyhow::{Context, Result, bail, ensure};

/// Replies nested deeper than this are refused: a server that sends them is broken.
const DEPTH_MAX: usize = 32;
/// Longest string and most elements that a reply may announce.
const LENGTH_MAX: usize = 512 * 1024 * 1024;

/// One reply of RESP2 or RESP3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(String),
    Error(String),
    Integer(String),
    Double(String),
    BigNumber(String),
    Boolean(bool),
    Nil,
    Bulk(Vec<u8>),
    Verbatim(Vec<u8>),
    /// Arrays, sets and pushes, told apart by the mark behind an element's number.
    List {
        mark: char,
        elements: Vec<Reply>,
    },
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// Reads one reply; `None` when the other side has closed the connection before it.
    ///
    /// # Errors
    ///
    /// The socket failed, or the bytes are not RESP.
    pub(crate) fn read(source: &mut impl BufRead) -> Result<Option<Reply>> {
        if source.fill_buf()?.is_empty() {
            return Ok(None);
        }
        read_at(source, DEPTH_MAX).map(Some)
    }

    /// Puts the outermost elements in the order of their printed form.
    pub(crate) fn sort(&mut self) {
        match self {
            Reply::List { elements, .. } => elements.sort_by_key(Reply::lines),
            Reply::Map(pairs) => pairs.sort_by_key(|(key, _)| key.lines()),
            _ => {}
        }
    }

    /// The reply as redis-cli prints it, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Reply::Status(text) => vec![text.clone()],
            Reply::Error(text) => vec![format!("(error) {text}")],
            Reply::Integer(digits) => vec![format!("(integer) {digits}")],
            Reply::Double(digits) => vec![format!("(double) {digits}")],
            Reply::BigNumber(digits) => vec![format!("(big number) {digits}")],
            Reply::Boolean(value) => vec![format!("({value})")],
            Reply::Nil => vec!["(nil)".to_owned()],
            Reply::Bulk(bytes) => vec![quote(bytes)],
            Reply::Verbatim(bytes) => vec![format!("(verbatim) {}", quote(bytes))],
            Reply::List { mark, elements } if elements.is_empty() => {
                let kind = match mark {
                    '~' => "set",
                    '>' => "push",
                    _ => "array",
                };
                vec![format!("(empty {kind})")]
            }
            Reply::List { mark, elements } => numbered(*mark, elements.iter().map(Reply::lines)),
            Reply::Map(pairs) if pairs.is_empty() => vec!["(empty hash)".to_owned()],
            Reply::Map(pairs) => numbered('#', pairs.iter().map(pair_lines)),
        }
    }
}

/// Prints elements behind right-aligned numbers; their further lines are indented.
fn numbered(mark: char, elements: impl ExactSizeIterator<Item = Vec<String>>) -> Vec<String> {
    let width = elements.len().to_string().len();
    let indent = " ".repeat(width + 2);
    let mut printed = Vec::new();
    for (index, lines) in elements.enumerate() {
        for (place, line) in lines.iter().enumerate() {
            printed.push(match place {
                0 => format!("{:>width$}{mark} {line}", index + 1),
                _ => format!("{indent}{line}"),
            });
        }
    }
    printed
}

/// Prints `key => value`; the value's first line stands behind the key's last.
fn pair_lines((key, value): &(Reply, Reply)) -> Vec<String> {
    let mut lines = key.lines();
    let mut values = value.lines().into_iter();
    if let (Some(last), Some(first)) = (lines.last_mut(), values.next()) {
        last.push_str(" => ");
        last.push_str(&first);
    }
    lines.extend(values);
    lines
}

/// Quotes bytes; what is not printable ASCII is escaped.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

fn read_at(source: &mut impl BufRead, depth: usize) -> Result<Reply> {
    ensure!(depth > 0, "a reply is nested deeper than {DEPTH_MAX}");
    let line = read_line(source)?;
    let mut letters = line.chars();
    let kind = letters
        .next()
        .context("an empty line where a reply must start")?;
    let text = letters.as_str().to_owned();
    Ok(match kind {
        '+' => Reply::Status(text),
        '-' => Reply::Error(text),
        ':' => Reply::Integer(text),
        ',' => Reply::Double(text),
        '(' => Reply::BigNumber(text),
        '_' => Reply::Nil,
        '#' => Reply::Boolean(match text.as_str() {
            "t" => true,
            "f" => false,
            _ => bail!("#{text} is no boolean"),
        }),
        '$' | '*' if text == "-1" => Reply::Nil,
        '$' => Reply::Bulk(read_bytes(source, &text)?),
        '=' => {
            let bytes = read_bytes(source, &text)?;
            Reply::Verbatim(
                bytes
                    .get(4..)
                    .context("a verbatim string without format")?
                    .to_vec(),
            )
        }
        '*' => list(source, ')', &text, depth)?,
        '~' | '>' => list(source, kind, &text, depth)?,
        '%' => {
            let mut pairs = Vec::new();
            for _ in 0..length(&text)? {
                pairs.push((read_at(source, depth - 1)?, read_at(source, depth - 1)?));
            }
            Reply::Map(pairs)
        }
        _ => bail!("{line:?} is not the start of a reply"),
    })
}

fn list(source: &mut impl BufRead, mark: char, text: &str, depth: usize) -> Result<Reply> {
    let count = length(text)?;
    let elements = (0..count)
        .map(|_| read_at(source, depth - 1))
        .collect::<Result<_>>()?;
    Ok(Reply::List { mark, elements })
}

fn length(text: &str) -> Result<usize> {
    let length: usize = text
        .parse()
        .with_context(|| format!("{text:?} is no length"))?;
    ensure!(length <= LENGTH_MAX, "a length of {length}");
    Ok(length)
}

fn read_line(source: &mut impl BufRead) -> Result<String> {
    let mut bytes = Vec::new();
    source.read_until(b'\n', &mut bytes)?;
    let line = bytes
        .strip_suffix(b"\r\n")
        .context("a line does not end in CR LF")?;
    // Status and error lines are text; a stray byte shows up escaped in the difference.
    Ok(line.iter().map(|byte| char::from(*byte)).collect())
}

fn read_bytes(source: &mut impl BufRead, text: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length(text)? + 2];
    source.read_exact(&mut bytes)?;
    ensure!(bytes.ends_with(b"\r\n"), "a string does not end in CR LF");
    bytes.truncate(bytes.len() - 2);
    Ok(bytes)
}

#[cfg(test)]
fn printed(bytes: &[u8]) -> Vec<String> {
    Reply::read(&mut &*bytes).unwrap().unwrap().lines()
}

#[test]
fn scalars_print_as_in_redis_cli() {
    assert_eq!(printed(b"+OK\r\n"), ["OK"]);
    assert_eq!(printed(b"-ERR no\r\n"), ["(error) ERR no"]);
    assert_eq!(printed(b":-3\r\n"), ["(integer) -3"]);
    assert_eq!(printed(b"$-1\r\n"), ["(nil)"]);
    assert_eq!(printed(b"*-1\r\n"), ["(nil)"]);
    assert_eq!(printed(b"_\r\n"), ["(nil)"]);
    assert_eq!(printed(b"#t\r\n"), ["(true)"]);
    assert_eq!(printed(b",1.5\r\n"), ["(double) 1.5"]);
    assert_eq!(
        printed(b"$9\r\na\"\\\r\n\t\x07\x08\xff\r\n"),
        [r#""a\"\\\r\n\t\a\b\xff""#]
    );
    assert_eq!(printed(b"=5\r\ntxt:a\r\n"), [r#"(verbatim) "a""#]);
}

#[test]
fn aggregates_are_numbered_and_indented() {
    assert_eq!(printed(b"*0\r\n"), ["(empty array)"]);
    assert_eq!(printed(b"~0\r\n"), ["(empty set)"]);
    assert_eq!(printed(b"%0\r\n"), ["(empty hash)"]);
    assert_eq!(
        printed(b"*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n"),
        ["1) 1) (integer) 1", "   2) (integer) 2", "2) (integer) 3"]
    );
    assert_eq!(
        printed(b"%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n"),
        ["1# a => 1~ (integer) 1", "   2~ (integer) 2"]
    );
    let ten = [b"*10\r\n".as_slice(), &b":7\r\n".repeat(10)].concat();
    assert_eq!(printed(&ten)[0], " 1) (integer) 7");
    assert_eq!(printed(&ten)[9], "10) (integer) 7");
}

#[test]
fn sorting_orders_the_outermost_elements() {
    let mut list = Reply::read(&mut b"*2\r\n+b\r\n+a\r\n".as_slice())
        .unwrap()
        .unwrap();
    list.sort();
    assert_eq!(list.lines(), ["1) a", "2) b"]);
    let mut map = Reply::read(&mut b"%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n".as_slice())
        .unwrap()
        .unwrap();
    map.sort();
    assert_eq!(map.lines(), ["1# a => (integer) 2", "2# b => (integer) 1"]);
}

#[test]
fn broken_replies_are_errors_and_an_end_is_none() {
    assert_eq!(Reply::read(&mut b"".as_slice()).unwrap(), None);
    let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
    for bytes in [
        b"+OK\n".as_slice(),
        b"?1\r\n",
        b"$3\r\nab\r\n",
        b"$-2\r\n",
        b"#x\r\n",
        &deep,
    ] {
        assert!(Reply::read(&mut &*bytes).is_err(), "{bytes:?}");
    }
}
