//! The library `cmsgpack`: values of Lua as MessagePack and back.
//!
//! Invariant: nesting has a limit, and no table is made larger than the bytes that are there for it.

use mlua::{Lua, MultiValue, Table, Value};

use super::failure;

/// How deep values may be nested: deeper ones are packed as nothing.
const DEPTH_MAX: usize = 16;

/// The library.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cmsgpack")?;
    library.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    library.raw_set("_COPYRIGHT", "Copyright (C) 2012, Redis Ltd.")?;
    library.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    let add = |name, function: fn(&Lua, MultiValue) -> mlua::Result<MultiValue>| {
        library.raw_set(name, lua.create_function(function)?)
    };
    add("pack", pack)?;
    add("unpack", |lua, args| {
        let text = text(lua, &args, "unpack")?;
        Ok(unpack(lua, &text, 0, None)?.0)
    })?;
    add("unpack_one", |lua, args| {
        let text = text(lua, &args, "unpack_one")?;
        unpack_from(lua, &text, &args, 1, Some(1))
    })?;
    add("unpack_limit", |lua, args| {
        let text = text(lua, &args, "unpack_limit")?;
        let limit = place(lua, &args, 1)?.unwrap_or(0);
        unpack_from(lua, &text, &args, 2, Some(limit))
    })?;
    Ok(library)
}

fn text(lua: &Lua, args: &MultiValue, function: &str) -> mlua::Result<Vec<u8>> {
    let value = args.front().cloned().unwrap_or(Value::Nil);
    match lua.coerce_string(value)? {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => {
            let got = args.front().map_or("no value", failure::kind);
            let problem = format_args!("string expected, got {got}");
            Err(failure::argument(lua, 1, function, problem))
        }
    }
}

fn place(lua: &Lua, args: &MultiValue, index: usize) -> mlua::Result<Option<usize>> {
    let Some(value) = args.get(index) else {
        return Ok(None);
    };
    let number = lua.coerce_integer(value.clone())?;
    match number.map(usize::try_from) {
        Some(Ok(number)) => Ok(Some(number)),
        _ => {
            let error = "Invalid request to unpack with offset of 0 and limit of 1.";
            Err(failure::text(lua, error))
        }
    }
}

/// As [`unpack`], from the place that an argument says; what is told first is where to go on, or -1 at the end.
fn unpack_from(
    lua: &Lua,
    text: &[u8],
    args: &MultiValue,
    index: usize,
    limit: Option<usize>,
) -> mlua::Result<MultiValue> {
    let from = place(lua, args, index)?.unwrap_or(0);
    if from > text.len() {
        let error = format_args!(
            "Start offset {from} greater than input length {}.",
            text.len()
        );
        return Err(failure::text(lua, error));
    }
    let (mut values, next) = unpack(lua, text, from, limit.filter(|limit| *limit > 0))?;
    let next = match next < text.len() {
        true => i64::try_from(next).unwrap_or(i64::MAX),
        false => -1,
    };
    values.push_front(Value::Integer(next));
    Ok(values)
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    if args.is_empty() {
        return Err(failure::argument(
            lua,
            0,
            "pack",
            "MessagePack pack needs input.",
        ));
    }
    let mut packed = Vec::new();
    for value in &args {
        write(value, &mut packed, 0)?;
    }
    let packed = lua.create_string(packed)?;
    Ok([Value::String(packed)].into_iter().collect())
}

fn write(value: &Value, to: &mut Vec<u8>, depth: usize) -> mlua::Result<()> {
    match value {
        Value::String(text) => {
            let text = text.as_bytes();
            head(
                text.len(),
                (0xA0, 32),
                [Some(0xD9), Some(0xDA), Some(0xDB)],
                to,
            );
            to.extend_from_slice(&text);
        }
        Value::Boolean(value) => to.push(if *value { 0xC3 } else { 0xC2 }),
        Value::Integer(number) => write_integer(*number, to),
        Value::Number(number) => write_double(*number, to),
        Value::Table(table) if depth < DEPTH_MAX => write_table(table, to, depth + 1)?,
        _ => to.push(0xC0),
    }
    Ok(())
}

/// A length: inside of the tag, or behind one of three tags in one, two or four bytes.
fn head(len: usize, (small, below): (u8, usize), tags: [Option<u8>; 3], to: &mut Vec<u8>) {
    if let Some(len) = u8::try_from(len).ok().filter(|_| len < below) {
        return to.push(small | len);
    }
    if let (Some(tag), Ok(len)) = (tags[0], u8::try_from(len)) {
        return to.extend_from_slice(&[tag, len]);
    }
    if let (Some(tag), Ok(len)) = (tags[1], u16::try_from(len)) {
        to.push(tag);
        return to.extend_from_slice(&len.to_be_bytes());
    }
    to.push(tags[2].unwrap_or(0xC1));
    to.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
}

fn write_integer(number: i64, to: &mut Vec<u8>) {
    if let Ok(number) = u64::try_from(number) {
        match (
            u8::try_from(number),
            u16::try_from(number),
            u32::try_from(number),
        ) {
            (Ok(byte @ ..=0x7F), ..) => to.push(byte),
            (Ok(byte), ..) => to.extend_from_slice(&[0xCC, byte]),
            (_, Ok(number), _) => tagged(0xCD, &number.to_be_bytes(), to),
            (.., Ok(number)) => tagged(0xCE, &number.to_be_bytes(), to),
            _ => tagged(0xCF, &number.to_be_bytes(), to),
        }
        return;
    }
    match (
        i8::try_from(number),
        i16::try_from(number),
        i32::try_from(number),
    ) {
        (Ok(byte @ -32..), ..) => to.push(byte.cast_unsigned()),
        (Ok(byte), ..) => tagged(0xD0, &byte.to_be_bytes(), to),
        (_, Ok(number), _) => tagged(0xD1, &number.to_be_bytes(), to),
        (.., Ok(number)) => tagged(0xD2, &number.to_be_bytes(), to),
        _ => tagged(0xD3, &number.to_be_bytes(), to),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a number that survives it takes half the room"
)]
fn write_double(number: f64, to: &mut Vec<u8>) {
    let single = number as f32;
    match f64::from(single) == number {
        true => tagged(0xCA, &single.to_be_bytes(), to),
        false => tagged(0xCB, &number.to_be_bytes(), to),
    }
}

fn tagged(tag: u8, bytes: &[u8], to: &mut Vec<u8>) {
    to.push(tag);
    to.extend_from_slice(bytes);
}

/// A table is a list when its keys are the places from 1 on, without gaps.
fn write_table(table: &Table, to: &mut Vec<u8>, depth: usize) -> mlua::Result<()> {
    // Counted first and gone through once more then: the interpreter has no room for all of them in hand.
    let (mut count, mut last, mut all_places) = (0, 0, true);
    for pair in table.pairs::<Value, Value>() {
        count += 1;
        match pair? {
            (Value::Integer(place), _) if place > 0 => last = last.max(place),
            _ => all_places = false,
        }
    }
    if all_places && usize::try_from(last).is_ok_and(|last| last == count) {
        head(count, (0x90, 16), [None, Some(0xDC), Some(0xDD)], to);
        for place in 1..=last {
            write(&table.raw_get(place)?, to, depth)?;
        }
        return Ok(());
    }
    head(count, (0x80, 16), [None, Some(0xDE), Some(0xDF)], to);
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        write(&key, to, depth)?;
        write(&value, to, depth)?;
    }
    Ok(())
}

/// The values from `from` on, at most `limit`, and where the first byte behind them is.
fn unpack(
    lua: &Lua,
    text: &[u8],
    from: usize,
    limit: Option<usize>,
) -> mlua::Result<(MultiValue, usize)> {
    let mut reader = Reader {
        lua,
        text,
        at: from,
        depth: 0,
    };
    let mut values = Vec::new();
    while reader.at < text.len() && limit.is_none_or(|limit| values.len() < limit) {
        if values.len() >= VALUES_MAX {
            return Err(failure::text(
                lua,
                "too many return values at once; use unpack_one or unpack_limit instead.",
            ));
        }
        values.push(reader.value()?);
    }
    Ok((values.into_iter().collect(), reader.at))
}

/// The most values that one call returns.
const VALUES_MAX: usize = 4_000;

/// Tables inside of tables are read up to this depth.
const READ_DEPTH_MAX: usize = 1_000;

struct Reader<'t> {
    lua: &'t Lua,
    text: &'t [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> mlua::Result<Value> {
        let [tag] = self.take()?;
        let len = |len: u8| usize::from(len);
        Ok(match tag {
            0x00..=0x7F => Value::Integer(i64::from(tag)),
            0x80..=0x8F => self.map(len(tag & 0x0F))?,
            0x90..=0x9F => self.list(len(tag & 0x0F))?,
            0xA0..=0xBF => self.string(len(tag & 0x1F))?,
            0xC0 => Value::Nil,
            0xC2 => Value::Boolean(false),
            0xC3 => Value::Boolean(true),
            0xC4 | 0xD9 => {
                let [len] = self.take()?;
                self.string(usize::from(len))?
            }
            0xC5 | 0xDA => {
                let len = u16::from_be_bytes(self.take()?);
                self.string(usize::from(len))?
            }
            0xC6 | 0xDB => {
                let len = u32::from_be_bytes(self.take()?);
                self.string(len as usize)?
            }
            0xCA => Value::Number(f64::from(f32::from_be_bytes(self.take()?))),
            0xCB => Value::Number(f64::from_be_bytes(self.take()?)),
            0xCC => Value::Integer(i64::from(u8::from_be_bytes(self.take()?))),
            0xCD => Value::Integer(i64::from(u16::from_be_bytes(self.take()?))),
            0xCE => Value::Integer(i64::from(u32::from_be_bytes(self.take()?))),
            0xCF => Value::Number(u64::from_be_bytes(self.take()?) as f64),
            0xD0 => Value::Integer(i64::from(i8::from_be_bytes(self.take()?))),
            0xD1 => Value::Integer(i64::from(i16::from_be_bytes(self.take()?))),
            0xD2 => Value::Integer(i64::from(i32::from_be_bytes(self.take()?))),
            0xD3 => Value::Integer(i64::from_be_bytes(self.take()?)),
            0xDC => {
                let len = u16::from_be_bytes(self.take()?);
                self.list(usize::from(len))?
            }
            0xDD => {
                let len = u32::from_be_bytes(self.take()?);
                self.list(len as usize)?
            }
            0xDE => {
                let len = u16::from_be_bytes(self.take()?);
                self.map(usize::from(len))?
            }
            0xDF => {
                let len = u32::from_be_bytes(self.take()?);
                self.map(len as usize)?
            }
            0xE0..=0xFF => Value::Integer(i64::from(tag.cast_signed())),
            _ => return Err(self.broken("Bad data format in input.")),
        })
    }

    fn broken(&self, why: &str) -> mlua::Error {
        failure::text(self.lua, why)
    }

    fn take<const N: usize>(&mut self) -> mlua::Result<[u8; N]> {
        let bytes = self.text.get(self.at..).and_then(<[u8]>::first_chunk);
        let bytes = *bytes.ok_or_else(|| self.broken("Missing bytes in input."))?;
        self.at += N;
        Ok(bytes)
    }

    fn string(&mut self, len: usize) -> mlua::Result<Value> {
        let end = self.at.checked_add(len);
        let bytes = end.and_then(|end| self.text.get(self.at..end));
        let bytes = bytes.ok_or_else(|| self.broken("Missing bytes in input."))?;
        let string = self.lua.create_string(bytes)?;
        self.at += len;
        Ok(Value::String(string))
    }

    fn deeper(&mut self) -> mlua::Result<()> {
        self.depth += 1;
        match self.depth > READ_DEPTH_MAX {
            true => Err(self.broken("Too many nested tables in input.")),
            false => Ok(()),
        }
    }

    fn list(&mut self, len: usize) -> mlua::Result<Value> {
        self.deeper()?;
        let table = self.lua.create_table()?;
        for place in 1..=len {
            table.raw_set(place, self.value()?)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize) -> mlua::Result<Value> {
        self.deeper()?;
        let table = self.lua.create_table()?;
        for _ in 0..len {
            let key = self.value()?;
            let value = self.value()?;
            let is_none = matches!(key, Value::Number(number) if number.is_nan());
            if key.is_nil() || is_none {
                return Err(self.broken("Bad data format in input."));
            }
            table.raw_set(key, value)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }
}
