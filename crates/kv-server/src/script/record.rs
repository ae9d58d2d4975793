//! The library `struct`: numbers and strings as the bytes of a record, and back, as a format says.
//!
//! Invariant: a format makes no record larger than its arguments and its own length allow.

use mlua::{Lua, MultiValue, Table, Value};

use super::failure;

/// The widest integer, in bytes.
const WIDTH_MAX: usize = 32;

/// Alignment is no more than this unless `!` says so.
const ALIGN_NATIVE: usize = 8;

/// The library.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("pack", lua.create_function(pack)?)?;
    library.raw_set("unpack", lua.create_function(unpack)?)?;
    library.raw_set("size", lua.create_function(size)?)?;
    Ok(library)
}

/// One part of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Integer {
        width: usize,
        signed: bool,
    },
    Float,
    Double,
    /// A string of so many bytes; 0: as many as there are.
    Chars(usize),
    /// A string up to a zero byte.
    Zeroed,
    Padding,
    /// Nothing.
    Silent,
}

impl Part {
    fn width(self) -> usize {
        match self {
            Self::Integer { width, .. } => width,
            Self::Float => 4,
            Self::Double => 8,
            Self::Chars(width) => width,
            Self::Padding => 1,
            Self::Zeroed | Self::Silent => 0,
        }
    }

    /// What it is aligned to, if anything.
    fn alignment(self) -> usize {
        match self {
            Self::Integer { width, .. } => width,
            Self::Float => 4,
            Self::Double => 8,
            _ => 0,
        }
    }
}

/// The parts of a format, one after the other.
struct Format<'f> {
    lua: &'f Lua,
    /// The function that reads it.
    function: &'static str,
    text: &'f [u8],
    at: usize,
    is_little: bool,
    align: usize,
}

impl<'f> Format<'f> {
    fn new(lua: &'f Lua, function: &'static str, text: &'f [u8]) -> Self {
        Self {
            lua,
            function,
            text,
            at: 0,
            is_little: true,
            align: 1,
        }
    }

    fn number(&mut self) -> mlua::Result<Option<usize>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Ok(None);
        }
        self.at += count;
        let number = std::str::from_utf8(&rest[..count])
            .ok()
            .and_then(|digits| digits.parse::<i32>().ok())
            .and_then(|number| usize::try_from(number).ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(failure::text(self.lua, "integral size overflow")),
        }
    }

    fn integer(&mut self, default: usize, signed: bool) -> mlua::Result<Part> {
        let width = self.number()?.unwrap_or(default);
        if width > WIDTH_MAX {
            let error = format_args!("integral size {width} is larger than limit of {WIDTH_MAX}");
            return Err(failure::text(self.lua, error));
        }
        Ok(Part::Integer { width, signed })
    }

    /// The next part, and how many bytes of padding stand before it at the place `from` of the record.
    fn next(&mut self, from: usize) -> mlua::Result<Option<(Part, usize)>> {
        let Some(&letter) = self.text.get(self.at) else {
            return Ok(None);
        };
        self.at += 1;
        let fixed = |width, signed| Part::Integer { width, signed };
        let part = match letter {
            b'b' => fixed(1, true),
            b'B' => fixed(1, false),
            b'h' => fixed(2, true),
            b'H' => fixed(2, false),
            b'l' => fixed(8, true),
            b'L' | b'T' => fixed(8, false),
            b'i' => self.integer(4, true)?,
            b'I' => self.integer(4, false)?,
            b'f' => Part::Float,
            b'd' | b'n' => Part::Double,
            b'x' => Part::Padding,
            b'c' => Part::Chars(self.number()?.unwrap_or(1)),
            b's' => Part::Zeroed,
            letter => {
                self.control(letter)?;
                Part::Silent
            }
        };
        let align = part.alignment().min(self.align);
        let padding = match align > 1 {
            true => from.next_multiple_of(align) - from,
            false => 0,
        };
        Ok(Some((part, padding)))
    }

    fn control(&mut self, letter: u8) -> mlua::Result<()> {
        match letter {
            b' ' => {}
            b'>' => self.is_little = false,
            b'<' => self.is_little = true,
            b'!' => {
                let align = self.number()?.unwrap_or(ALIGN_NATIVE);
                if !align.is_power_of_two() {
                    let error = format_args!("alignment {align} is not a power of 2");
                    return Err(failure::text(self.lua, error));
                }
                self.align = align;
            }
            letter => {
                let letter = char::from(letter).escape_default();
                let problem = format_args!("invalid format option '{letter}'");
                return Err(failure::argument(self.lua, 1, self.function, problem));
            }
        }
        Ok(())
    }
}

fn string(lua: &Lua, args: &MultiValue, place: usize, function: &str) -> mlua::Result<Vec<u8>> {
    let value = args.get(place).cloned().unwrap_or(Value::Nil);
    match lua.coerce_string(value)? {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Err(expected(lua, args, place, function, "string")),
    }
}

fn number(lua: &Lua, args: &MultiValue, place: usize, function: &str) -> mlua::Result<f64> {
    let value = args.get(place).cloned().unwrap_or(Value::Nil);
    match lua.coerce_number(value)? {
        Some(number) => Ok(number),
        None => Err(expected(lua, args, place, function, "number")),
    }
}

fn expected(lua: &Lua, args: &MultiValue, place: usize, function: &str, what: &str) -> mlua::Error {
    // Missing arguments of `pack` are nothing, as in Redis: it puts something behind them.
    let missing = if place > 0 { "nil" } else { "no value" };
    let got = args.get(place).map_or(missing, failure::kind);
    let problem = format_args!("{what} expected, got {got}");
    failure::argument(lua, place + 1, function, problem)
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let text = string(lua, &args, 0, "pack")?;
    let mut format = Format::new(lua, "pack", &text);
    let mut record: Vec<u8> = Vec::new();
    let mut place = 1;
    while let Some((part, padding)) = format.next(record.len())? {
        record.resize(record.len() + padding, 0);
        match part {
            Part::Integer { width, .. } => {
                let bytes = integer_bytes(number(lua, &args, place, "pack")?, width);
                put(&mut record, &bytes, format.is_little);
                place += 1;
            }
            Part::Float => {
                let bytes = single(number(lua, &args, place, "pack")?).to_le_bytes();
                put(&mut record, &bytes, format.is_little);
                place += 1;
            }
            Part::Double => {
                let bytes = number(lua, &args, place, "pack")?.to_le_bytes();
                put(&mut record, &bytes, format.is_little);
                place += 1;
            }
            Part::Chars(width) => {
                let chars = string(lua, &args, place, "pack")?;
                let width = if width == 0 { chars.len() } else { width };
                let Some(chars) = chars.get(..width) else {
                    return Err(failure::argument(
                        lua,
                        place + 2,
                        "pack",
                        "string too short",
                    ));
                };
                record.extend_from_slice(chars);
                place += 1;
            }
            Part::Zeroed => {
                record.extend_from_slice(&string(lua, &args, place, "pack")?);
                record.push(0);
                place += 1;
            }
            Part::Padding => record.push(0),
            Part::Silent => {}
        }
    }
    Ok(Value::String(lua.create_string(record)?))
}

fn put(record: &mut Vec<u8>, little: &[u8], is_little: bool) {
    match is_little {
        true => record.extend_from_slice(little),
        false => record.extend(little.iter().rev()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the format asks for four bytes"
)]
fn single(number: f64) -> f32 {
    number as f32
}

/// The lowest bytes of `number`, the lowest first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of both signs have their bits taken"
)]
fn integer_bytes(number: f64, width: usize) -> Vec<u8> {
    let bits = match number < 0.0 {
        true => (number as i64).cast_unsigned(),
        false => number as u64,
    };
    let mut bytes = bits.to_le_bytes().to_vec();
    bytes.resize(width.max(8), 0);
    bytes.truncate(width);
    bytes
}

/// The number that bytes are, the lowest first.
fn integer_of(little: &[u8], signed: bool) -> f64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(little) {
        *to = *from;
    }
    let bits = u64::from_le_bytes(bytes);
    if !signed {
        return bits as f64;
    }
    let unused = 64_u32.saturating_sub(u32::try_from(little.len() * 8).unwrap_or(64));
    if unused == 64 {
        return 0.0;
    }
    ((bits << unused).cast_signed() >> unused) as f64
}

fn unpack(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let text = string(lua, &args, 0, "unpack")?;
    let record = string(lua, &args, 1, "unpack")?;
    let mut at = match args.get(2) {
        None => 0,
        Some(_) => {
            let from = lua.coerce_integer(args.get(2).cloned().unwrap_or(Value::Nil))?;
            let from = from.and_then(|from| usize::try_from(from - 1).ok());
            from.ok_or_else(|| failure::argument(lua, 3, "unpack", "offset must be 1 or greater"))?
        }
    };
    let mut format = Format::new(lua, "unpack", &text);
    let mut values: Vec<Value> = Vec::new();
    while let Some((part, padding)) = format.next(at)? {
        at += padding;
        let too_short = || failure::argument(lua, 2, "unpack", "data string too short");
        let width = match (part, values.last()) {
            // How many there are is the number before.
            (Part::Chars(0), Some(Value::Number(count))) => {
                let count = *count;
                values.pop();
                length(count).ok_or_else(too_short)?
            }
            (Part::Chars(0), _) => {
                return Err(failure::text(lua, "format 'c0' needs a previous size"));
            }
            _ => part.width(),
        };
        let end = at.checked_add(width).filter(|end| *end <= record.len());
        let end = end.ok_or_else(too_short)?;
        let mut bytes = record[at..end].to_vec();
        at = end;
        if !format.is_little && !matches!(part, Part::Chars(_)) {
            bytes.reverse();
        }
        match part {
            Part::Integer { signed, .. } => {
                values.push(Value::Number(integer_of(&bytes, signed)));
            }
            Part::Float => {
                let bytes = bytes.try_into().unwrap_or_default();
                values.push(Value::Number(f64::from(f32::from_le_bytes(bytes))));
            }
            Part::Double => {
                let bytes = bytes.try_into().unwrap_or_default();
                values.push(Value::Number(f64::from_le_bytes(bytes)));
            }
            Part::Chars(_) => values.push(Value::String(lua.create_string(bytes)?)),
            Part::Zeroed => {
                let rest = &record[at..];
                let Some(len) = rest.iter().position(|&byte| byte == 0) else {
                    return Err(failure::text(lua, "unfinished string in data"));
                };
                values.push(Value::String(lua.create_string(&rest[..len])?));
                at += len + 1;
            }
            Part::Padding | Part::Silent => {}
        }
    }
    values.push(Value::Number((at + 1) as f64));
    Ok(values.into_iter().collect())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn length(count: f64) -> Option<usize> {
    (0.0..4_294_967_296.0)
        .contains(&count)
        .then_some(count as usize)
}

fn size(lua: &Lua, args: MultiValue) -> mlua::Result<f64> {
    let text = string(lua, &args, 0, "size")?;
    let mut format = Format::new(lua, "size", &text);
    let mut total: usize = 0;
    while let Some((part, padding)) = format.next(total)? {
        let problem = match part {
            Part::Zeroed => "option 's' has no fixed size",
            Part::Chars(0) => "option 'c0' has no fixed size",
            _ => {
                total = total.saturating_add(padding).saturating_add(part.width());
                continue;
            }
        };
        return Err(failure::argument(lua, 1, "size", problem));
    }
    Ok(total as f64)
}
