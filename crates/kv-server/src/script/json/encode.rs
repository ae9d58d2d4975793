//! JSON from values of Lua.

use mlua::{Lua, Table, Value};

use super::{Choices, DEPTH_MAX, Invalid};
use crate::script::failure;

/// Writes one document.
pub(super) struct Writer<'l> {
    lua: &'l Lua,
    choices: Choices,
    pub(super) text: Vec<u8>,
}

/// How a table is written.
enum Shape {
    /// As a list of so many elements.
    List(i64),
    Object,
}

impl<'l> Writer<'l> {
    /// An empty document.
    pub(super) fn new(lua: &'l Lua, choices: Choices) -> Self {
        Self {
            lua,
            choices,
            text: Vec::new(),
        }
    }

    /// Adds `value`, which is so deep inside of others.
    ///
    /// # Errors
    ///
    /// What JSON cannot say, to be raised.
    pub(super) fn value(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => self.number(value)?,
            Value::Boolean(true) => self.text.extend_from_slice(b"true"),
            Value::Boolean(false) => self.text.extend_from_slice(b"false"),
            Value::Table(table) => self.table(table, depth + 1)?,
            Value::Nil => self.text.extend_from_slice(b"null"),
            value if *value == Value::NULL => self.text.extend_from_slice(b"null"),
            other => return Err(self.refused(other, "type not supported")),
        }
        Ok(())
    }

    fn refused(&self, value: &Value, why: &str) -> mlua::Error {
        let kind = match value {
            Value::Integer(_) => "number",
            value => value.type_name(),
        };
        failure::text(self.lua, format_args!("Cannot serialise {kind}: {why}"))
    }

    fn table(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        if depth > self.choices.encode_depth.min(DEPTH_MAX) {
            let error = format_args!("Cannot serialise, excessive nesting ({depth})");
            return Err(failure::text(self.lua, error));
        }
        match self.shape(table)? {
            Shape::List(len) => {
                self.text.push(b'[');
                for index in 1..=len {
                    if index > 1 {
                        self.text.push(b',');
                    }
                    self.value(&table.raw_get(index)?, depth)?;
                }
                self.text.push(b']');
            }
            Shape::Object => self.object(table, depth)?,
        }
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        self.text.push(b'{');
        let mut is_first = true;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if !is_first {
                self.text.push(b',');
            }
            is_first = false;
            match &key {
                Value::String(name) => self.string(&name.as_bytes()),
                Value::Integer(_) | Value::Number(_) => {
                    self.text.push(b'"');
                    self.number(&key)?;
                    self.text.push(b'"');
                }
                other => {
                    return Err(self.refused(other, "table key must be a number or string"));
                }
            }
            self.text.push(b':');
            self.value(&value, depth)?;
        }
        self.text.push(b'}');
        Ok(())
    }

    /// A list has nothing but places from 1 on as keys, and no large gaps.
    fn shape(&self, table: &Table) -> mlua::Result<Shape> {
        let (mut last, mut count) = (0, 0);
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(place) if place > 0 => {
                    last = last.max(place);
                    count += 1;
                }
                _ => return Ok(Shape::Object),
            }
        }
        let Choices {
            sparse_ratio,
            sparse_safe,
            sparse_convert,
            ..
        } = self.choices;
        let is_sparse =
            sparse_ratio > 0 && last > sparse_ratio.saturating_mul(count) && last > sparse_safe;
        match (last, is_sparse) {
            (0, _) => Ok(Shape::Object),
            (_, false) => Ok(Shape::List(last)),
            (_, true) if sparse_convert => Ok(Shape::Object),
            (_, true) => {
                let why = "excessively sparse array";
                Err(self.refused(&Value::Table(table.clone()), why))
            }
        }
    }

    fn number(&mut self, value: &Value) -> mlua::Result<()> {
        let number = match *value {
            Value::Integer(number) => number as f64,
            Value::Number(number) => number,
            _ => f64::NAN,
        };
        if !number.is_finite() {
            match self.choices.encode_invalid {
                Invalid::Refused => {
                    return Err(self.refused(value, "must not be NaN or Inf"));
                }
                Invalid::Null => {
                    self.text.extend_from_slice(b"null");
                    return Ok(());
                }
                Invalid::Written => {
                    let text: &[u8] = match number {
                        number if number.is_nan() => b"nan",
                        number if number > 0.0 => b"inf",
                        _ => b"-inf",
                    };
                    self.text.extend_from_slice(text);
                    return Ok(());
                }
            }
        }
        let text = digits(number, self.choices.precision);
        self.text.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.text.reserve(text.len() + 2);
        self.text.push(b'"');
        for &byte in text {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'/' => b"\\/",
                0x08 => b"\\b",
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                0x0C => b"\\f",
                b'\r' => b"\\r",
                0..0x20 | 0x7F => {
                    let code = format!("\\u{byte:04x}");
                    self.text.extend_from_slice(code.as_bytes());
                    continue;
                }
                byte => {
                    self.text.push(byte);
                    continue;
                }
            };
            self.text.extend_from_slice(escape);
        }
        self.text.push(b'"');
    }
}

/// `number` with at most so many significant digits, as `%g` of C writes it.
fn digits(number: f64, precision: i64) -> String {
    let precision = usize::try_from(precision).unwrap_or(1).max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i64 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let limit = i64::try_from(precision).unwrap_or(i64::MAX);
    if power < -4 || power >= limit {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), power.abs());
    }
    let places = usize::try_from(limit - 1 - power).unwrap_or(0);
    trimmed(&format!("{number:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_have_so_many_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (3.1, "3.1"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.3"),
            (1e14, "1e+14"),
            (123_456.0, "123456"),
            (99_999_999_999_999.0, "99999999999999"),
            (12_345_678_901_234_567.0, "1.2345678901235e+16"),
            (1e300, "1e+300"),
            (1e-5, "1e-05"),
            (0.000_123, "0.000123"),
        ] {
            assert_eq!(digits(number, 14), text);
        }
        assert_eq!(digits(2.34567, 3), "2.35");
    }
}
