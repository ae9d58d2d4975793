//! The library `cjson`: values of Lua as JSON and back.
//!
//! Invariant: nesting has a limit in both directions, and a number of Lua is written with the digits that were asked
//! for.

mod decode;
mod encode;

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};

use self::decode::Reader;
use self::encode::Writer;
use super::failure;

/// What scripts may choose.
#[derive(Clone, Copy, Debug)]
struct Choices {
    /// Whether a table with large gaps becomes an object instead of an error.
    sparse_convert: bool,
    /// How many times as many places as elements make a gap large; 0: no gap is.
    sparse_ratio: i64,
    /// Up to this place no gap is large.
    sparse_safe: i64,
    encode_depth: usize,
    decode_depth: usize,
    /// Significant digits of numbers.
    precision: i64,
    /// Whether numbers that are none are written, `null` in their place, or refused.
    encode_invalid: Invalid,
    /// Whether numbers that are none are read.
    decode_invalid: bool,
    keep_buffer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

/// The deepest nesting that is followed, whatever was chosen: it is followed by recursion.
const DEPTH_MAX: usize = 5_000;

/// The deepest nesting that may be chosen.
const DEPTH_CHOICE_MAX: i64 = i32::MAX as i64;

impl Default for Choices {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1_000,
            decode_depth: 1_000,
            precision: 14,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            keep_buffer: true,
        }
    }
}

type Chosen = Rc<Cell<Choices>>;

/// The library. `new` makes another one with choices of its own.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let chosen = Chosen::default();
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cjson")?;
    library.raw_set("_VERSION", "2.1.0")?;
    library.raw_set("null", Value::NULL)?;
    let choices = Rc::clone(&chosen);
    let encode = lua.create_function(move |lua, args: MultiValue| {
        let Some(value) = args.front().filter(|_| args.len() == 1) else {
            return Err(failure::argument(lua, 1, "encode", "expected 1 argument"));
        };
        let mut writer = Writer::new(lua, choices.get());
        writer.value(value, 0)?;
        lua.create_string(writer.text)
    })?;
    library.raw_set("encode", encode)?;
    let choices = Rc::clone(&chosen);
    let decode = lua.create_function(move |lua, args: MultiValue| {
        let Some(value) = args.front().filter(|_| args.len() == 1) else {
            return Err(failure::argument(lua, 1, "decode", "expected 1 argument"));
        };
        let Some(text) = lua.coerce_string(value.clone())? else {
            let problem = format_args!("string expected, got {}", failure::kind(value));
            return Err(failure::argument(lua, 1, "decode", problem));
        };
        Reader::new(lua, &text.as_bytes(), choices.get()).document()
    })?;
    library.raw_set("decode", decode)?;
    library.raw_set(
        "new",
        lua.create_function(|lua, _: MultiValue| self::library(lua))?,
    )?;
    settings(lua, &library, &chosen)?;
    Ok(library)
}

/// The functions that tell a choice, and change it first when they are given something.
fn settings(lua: &Lua, library: &Table, chosen: &Chosen) -> mlua::Result<()> {
    let number = |name: &'static str, max: i64, choose: fn(&mut Choices, Option<i64>) -> i64| {
        let chosen = Rc::clone(chosen);
        let function = lua.create_function(move |lua, args: MultiValue| {
            let number = integer(lua, &args, 0, name, 1..=max)?;
            let mut choices = chosen.get();
            let now = choose(&mut choices, number);
            chosen.set(choices);
            Ok(now)
        })?;
        library.raw_set(name, function)
    };
    number("encode_max_depth", DEPTH_CHOICE_MAX, |choices, wanted| {
        choose_depth(&mut choices.encode_depth, wanted)
    })?;
    number("decode_max_depth", DEPTH_CHOICE_MAX, |choices, wanted| {
        choose_depth(&mut choices.decode_depth, wanted)
    })?;
    number("encode_number_precision", 14, |choices, wanted| {
        choices.precision = wanted.unwrap_or(choices.precision);
        choices.precision
    })?;
    let switch = |name: &'static str, choose: fn(&mut Choices, Option<&Value>) -> Value| {
        let chosen = Rc::clone(chosen);
        let function = lua.create_function(move |_, args: MultiValue| {
            let mut choices = chosen.get();
            let now = choose(&mut choices, args.front());
            chosen.set(choices);
            Ok(now)
        })?;
        library.raw_set(name, function)
    };
    switch("encode_keep_buffer", |choices, wanted| {
        choices.keep_buffer = wanted.map_or(choices.keep_buffer, is_true);
        Value::Boolean(choices.keep_buffer)
    })?;
    switch("decode_invalid_numbers", |choices, wanted| {
        choices.decode_invalid = wanted.map_or(choices.decode_invalid, is_true);
        Value::Boolean(choices.decode_invalid)
    })?;
    let chosen_invalid = Rc::clone(chosen);
    let invalid = lua.create_function(move |lua, args: MultiValue| {
        let mut choices = chosen_invalid.get();
        choices.encode_invalid = match args.front() {
            None => choices.encode_invalid,
            Some(Value::String(text)) if text.as_bytes() == b"null" => Invalid::Null,
            Some(value) if is_true(value) => Invalid::Written,
            Some(_) => Invalid::Refused,
        };
        chosen_invalid.set(choices);
        Ok(match choices.encode_invalid {
            Invalid::Refused => Value::Boolean(false),
            Invalid::Written => Value::Boolean(true),
            Invalid::Null => Value::String(lua.create_string("null")?),
        })
    })?;
    library.raw_set("encode_invalid_numbers", invalid)?;
    let chosen = Rc::clone(chosen);
    let sparse = lua.create_function(move |lua, args: MultiValue| {
        const NAME: &str = "encode_sparse_array";
        let mut choices = chosen.get();
        choices.sparse_convert = args.front().map_or(choices.sparse_convert, is_true);
        let range = 0..=i64::from(i32::MAX);
        choices.sparse_ratio =
            integer(lua, &args, 1, NAME, range.clone())?.unwrap_or(choices.sparse_ratio);
        choices.sparse_safe = integer(lua, &args, 2, NAME, range)?.unwrap_or(choices.sparse_safe);
        chosen.set(choices);
        Ok((
            choices.sparse_convert,
            choices.sparse_ratio,
            choices.sparse_safe,
        ))
    })?;
    library.raw_set("encode_sparse_array", sparse)
}

fn choose_depth(depth: &mut usize, wanted: Option<i64>) -> i64 {
    if let Some(wanted) = wanted.and_then(|wanted| usize::try_from(wanted).ok()) {
        *depth = wanted;
    }
    i64::try_from(*depth).unwrap_or(i64::MAX)
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::Boolean(false))
}

/// The argument at `place`, if there is one: an integer in `range`.
fn integer(
    lua: &Lua,
    args: &MultiValue,
    place: usize,
    function: &str,
    range: std::ops::RangeInclusive<i64>,
) -> mlua::Result<Option<i64>> {
    let Some(value) = args.get(place).filter(|value| !value.is_nil()) else {
        return Ok(None);
    };
    match lua.coerce_integer(value.clone())? {
        Some(number) if range.contains(&number) => Ok(Some(number)),
        None if lua.coerce_number(value.clone())?.is_none() => {
            let problem = format_args!("number expected, got {}", failure::kind(value));
            Err(failure::argument(lua, place + 1, function, problem))
        }
        _ => {
            let problem = format_args!(
                "expected integer between {} and {}",
                range.start(),
                range.end()
            );
            Err(failure::argument(lua, place + 1, function, problem))
        }
    }
}
