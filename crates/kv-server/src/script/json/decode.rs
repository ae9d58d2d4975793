//! Values of Lua from JSON.
//!
//! Reads what strict readers refuse too, as Redis does: hexadecimal and infinite numbers, control characters inside
//! of strings.

use mlua::{Lua, Table, Value};

use super::{Choices, DEPTH_MAX};
use crate::script::failure;

/// Reads one document.
pub(super) struct Reader<'t> {
    lua: &'t Lua,
    text: &'t [u8],
    choices: Choices,
    at: usize,
    /// Where the last token began.
    token_at: usize,
    depth: usize,
}

/// What stands in the text.
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    End,
    Wrong(&'static str),
}

impl Token {
    /// The word that errors have for it.
    const fn name(&self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::String(_) => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::End => "T_END",
            Self::Wrong(what) => what,
        }
    }
}

const INVALID_TOKEN: Token = Token::Wrong("invalid token");

impl<'t> Reader<'t> {
    /// At the start of `text`.
    pub(super) fn new(lua: &'t Lua, text: &'t [u8], choices: Choices) -> Self {
        Self {
            lua,
            text,
            choices,
            at: 0,
            token_at: 0,
            depth: 0,
        }
    }

    /// The value that the whole text is.
    ///
    /// # Errors
    ///
    /// It is none, to be raised.
    pub(super) fn document(mut self) -> mlua::Result<Value> {
        let wide = self.text.len() >= 2 && (self.text[0] == 0 || self.text[1] == 0);
        if wide {
            let error = "JSON parser does not support UTF-16 or UTF-32";
            return Err(failure::text(self.lua, error));
        }
        let first = self.token();
        let value = self.value(first)?;
        match self.token() {
            Token::End => Ok(value),
            other => Err(self.expected("the end", &other)),
        }
    }

    fn expected(&self, what: &str, found: &Token) -> mlua::Error {
        let (found, at) = (found.name(), self.token_at + 1);
        let error = format_args!("Expected {what} but found {found} at character {at}");
        failure::text(self.lua, error)
    }

    fn value(&mut self, token: Token) -> mlua::Result<Value> {
        Ok(match token {
            Token::String(text) => Value::String(self.lua.create_string(text)?),
            Token::Number(number) => Value::Number(number),
            Token::Boolean(value) => Value::Boolean(value),
            Token::Null => Value::NULL,
            Token::ObjectBegin => Value::Table(self.nested(Self::object)?),
            Token::ArrayBegin => Value::Table(self.nested(Self::array)?),
            other => return Err(self.expected("value", &other)),
        })
    }

    fn nested(&mut self, read: fn(&mut Self) -> mlua::Result<Table>) -> mlua::Result<Table> {
        self.depth += 1;
        if self.depth > self.choices.decode_depth.min(DEPTH_MAX) {
            let (depth, at) = (self.depth, self.at);
            let error =
                format_args!("Found too many nested data structures ({depth}) at character {at}");
            return Err(failure::text(self.lua, error));
        }
        let table = read(self);
        self.depth -= 1;
        table
    }

    fn object(&mut self) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        let mut token = self.token();
        if matches!(token, Token::ObjectEnd) {
            return Ok(table);
        }
        loop {
            let Token::String(name) = token else {
                return Err(self.expected("object key string", &token));
            };
            match self.token() {
                Token::Colon => {}
                other => return Err(self.expected("colon", &other)),
            }
            let first = self.token();
            let value = self.value(first)?;
            table.raw_set(self.lua.create_string(name)?, value)?;
            match self.token() {
                Token::ObjectEnd => return Ok(table),
                Token::Comma => token = self.token(),
                other => return Err(self.expected("comma or object end", &other)),
            }
        }
    }

    fn array(&mut self) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        let mut token = self.token();
        if matches!(token, Token::ArrayEnd) {
            return Ok(table);
        }
        let mut place = 0;
        loop {
            place += 1;
            let value = self.value(token)?;
            table.raw_set(place, value)?;
            match self.token() {
                Token::ArrayEnd => return Ok(table),
                Token::Comma => token = self.token(),
                other => return Err(self.expected("comma or array end", &other)),
            }
        }
    }

    fn token(&mut self) -> Token {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.token_at = self.at;
        let Some(&byte) = self.text.get(self.at) else {
            return Token::End;
        };
        let single = match byte {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => return self.string(),
            _ => return self.word_or_number(byte),
        };
        self.at += 1;
        single
    }

    fn word_or_number(&mut self, first: u8) -> Token {
        for (word, token) in [
            ("true", Token::Boolean(true)),
            ("false", Token::Boolean(false)),
            ("null", Token::Null),
        ] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        let lower = first.to_ascii_lowercase();
        let is_number = first.is_ascii_digit() || matches!(first, b'-' | b'+');
        let may_be_word = self.choices.decode_invalid && matches!(lower, b'i' | b'n');
        match is_number || may_be_word {
            true => self.number(is_number),
            false => INVALID_TOKEN,
        }
    }

    /// A number as C reads it: decimal, hexadecimal, infinite or none.
    fn number(&mut self, has_digits: bool) -> Token {
        let rest = &self.text[self.at..];
        let (sign, unsigned) = match rest.split_first() {
            Some((sign @ (b'-' | b'+'), rest)) => (Some(*sign), rest),
            _ => (None, rest),
        };
        let Some((number, len)) = magnitude(unsigned, self.choices.decode_invalid) else {
            return match has_digits {
                true => Token::Wrong("invalid number"),
                false => INVALID_TOKEN,
            };
        };
        self.at += len + usize::from(sign.is_some());
        Token::Number(if sign == Some(b'-') { -number } else { number })
    }

    fn string(&mut self) -> Token {
        let mut text = Vec::new();
        let mut at = self.at + 1;
        loop {
            let wrong = |reader: &mut Self, at: usize, what| {
                reader.token_at = at;
                Token::Wrong(what)
            };
            match self.text.get(at) {
                None => return wrong(self, at, "unexpected end of string"),
                Some(b'"') => break,
                Some(b'\\') => {
                    let escaped = match self.text.get(at + 1) {
                        Some(b'u') => match unicode(&self.text[at..], &mut text) {
                            Some(len) => {
                                at += len;
                                continue;
                            }
                            None => return wrong(self, at, "invalid unicode escape code"),
                        },
                        Some(b'b') => 0x08,
                        Some(b'f') => 0x0C,
                        Some(b'n') => b'\n',
                        Some(b'r') => b'\r',
                        Some(b't') => b'\t',
                        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
                        _ => return wrong(self, at, "invalid escape code"),
                    };
                    text.push(escaped);
                    at += 2;
                }
                Some(byte) => {
                    text.push(*byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        Token::String(text)
    }
}

/// The number at the start of `text`, which has no sign, and its length.
fn magnitude(text: &[u8], with_words: bool) -> Option<(f64, usize)> {
    let starts = |word: &str| {
        text.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    };
    if with_words {
        for (word, number) in [
            ("infinity", f64::INFINITY),
            ("inf", f64::INFINITY),
            ("nan", f64::NAN),
        ] {
            if starts(word) {
                return Some((number, word.len()));
            }
        }
        if starts("0x") {
            let digits = text[2..].iter().take_while(|byte| byte.is_ascii_hexdigit());
            let value = |digit: &u8| f64::from(char::from(*digit).to_digit(16).unwrap_or(0));
            let number = digits
                .clone()
                .fold(0.0, |number, digit| number * 16.0 + value(digit));
            let count = digits.count();
            if count > 0 {
                return Some((number, 2 + count));
            }
        }
    }
    let len = decimal_len(text)?;
    let number = std::str::from_utf8(&text[..len]).ok()?.parse().ok()?;
    Some((number, len))
}

/// How long the decimal number at the start of `text` is.
fn decimal_len(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(0);
    let mut len = whole;
    if text.get(len) == Some(&b'.') && whole > 0 {
        len += 1 + digits(len + 1);
    }
    if whole == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(len) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        let exponent = digits(len + 1 + sign);
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    Some(len)
}

/// Adds the character of the escape at the start of `text` to `to`; how long the escape is.
fn unicode(text: &[u8], to: &mut Vec<u8>) -> Option<usize> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    let (code, len) = match first {
        0xD800..0xDC00 => {
            let second = unit(6).filter(|second| (0xDC00..0xE000).contains(second))?;
            (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let character = char::from_u32(code)?;
    to.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_they_end() {
        assert_eq!(magnitude(b"12.5e3,", true), Some((12_500.0, 6)));
        assert_eq!(magnitude(b"1e+", true), Some((1.0, 1)));
        assert_eq!(magnitude(b"0x1Fg", true), Some((31.0, 4)));
        assert_eq!(magnitude(b"Infinity", true), Some((f64::INFINITY, 8)));
        assert_eq!(magnitude(b"x", true), None);
        assert_eq!(magnitude(b"nan", false), None);
    }

    #[test]
    fn characters_are_put_together() {
        let mut text = Vec::new();
        assert_eq!(unicode(b"\\u00e9x", &mut text), Some(6));
        assert_eq!(unicode(b"\\ud83d\\ude00", &mut text), Some(12));
        assert_eq!(text, "\u{e9}\u{1f600}".as_bytes());
        for wrong in [
            &b"\\ud83d"[..],
            b"\\ud83d\\u0041",
            b"\\u12",
            b"\\u+123",
            b"\\udc00",
        ] {
            assert_eq!(unicode(wrong, &mut text), None);
        }
    }
}
