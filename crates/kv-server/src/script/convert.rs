//! Replies as values of Lua, and values of Lua as replies, as Redis converts them.
//!
//! Invariant: what a script returns is turned into one reply, however it is nested: depth has a limit.

use kv_proto::{Format, Reply, Value as Answer};
use mlua::{Lua, Table, Value};

/// How deep tables in what a script returns may be nested: a client has to follow.
const DEPTH_MAX: usize = 128;

/// A table with the field `err`.
pub(super) fn error_table(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
    single(lua, "err", Value::String(lua.create_string(text)?))
}

/// A table with one field.
pub(super) fn single(lua: &Lua, name: &str, value: Value) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(name, value)?;
    Ok(table)
}

/// What a script gets for `answer`; in RESP3 nothing is `nil`, in RESP2 it is `false`.
pub(super) fn to_lua(lua: &Lua, answer: &Answer, format: Format) -> mlua::Result<Value> {
    let string = |bytes: &[u8]| lua.create_string(bytes).map(Value::String);
    Ok(match answer {
        Answer::Bulk(bytes) => string(bytes)?,
        // Numbers of Lua are floating point.
        Answer::Integer(number) => Value::Number(*number as f64),
        Answer::Simple(text) => Value::Table(single(lua, "ok", string(text)?)?),
        Answer::Error(text) => Value::Table(error_table(lua, text)?),
        Answer::Null if format == Format::Resp3 => Value::Nil,
        Answer::Null => Value::Boolean(false),
        Answer::Boolean(value) => Value::Boolean(*value),
        Answer::Double(number) => Value::Table(single(lua, "double", Value::Number(*number))?),
        Answer::BigNumber(digits) => Value::Table(single(lua, "big_number", string(digits)?)?),
        Answer::Verbatim { kind, text } => {
            let verbatim = lua.create_table_with_capacity(0, 2)?;
            verbatim.raw_set("format", lua.create_string(kind)?)?;
            verbatim.raw_set("string", lua.create_string(text)?)?;
            Value::Table(single(lua, "verbatim_string", Value::Table(verbatim))?)
        }
        Answer::Array(elements) | Answer::Push(elements) => {
            let table = lua.create_table_with_capacity(elements.len(), 0)?;
            for (index, element) in elements.iter().enumerate() {
                table.raw_set(index + 1, to_lua(lua, element, format)?)?;
            }
            Value::Table(table)
        }
        Answer::Map(pairs) => {
            let map = lua.create_table_with_capacity(0, pairs.len())?;
            for (key, value) in pairs {
                map.raw_set(to_lua(lua, key, format)?, to_lua(lua, value, format)?)?;
            }
            Value::Table(single(lua, "map", Value::Table(map))?)
        }
        Answer::Set(members) => {
            let set = lua.create_table_with_capacity(0, members.len())?;
            for member in members {
                set.raw_set(to_lua(lua, member, format)?, true)?;
            }
            Value::Table(single(lua, "set", Value::Table(set))?)
        }
    })
}

/// The text of the error that `value` is, if it is one.
pub(super) fn error_of(value: &Value) -> mlua::Result<Option<Vec<u8>>> {
    let Value::Table(table) = value else {
        return Ok(None);
    };
    Ok(match table.raw_get("err")? {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    })
}

/// Answers with what a script has returned; `format` is the one that the script has chosen for itself.
pub(super) fn to_reply(value: &Value, format: Format, reply: &mut Reply<'_>) -> mlua::Result<()> {
    write(value, format, reply, 0)
}

fn write(value: &Value, format: Format, reply: &mut Reply<'_>, depth: usize) -> mlua::Result<()> {
    match value {
        Value::String(text) => reply.bulk(&text.as_bytes()),
        Value::Integer(number) => reply.int(*number),
        Value::Number(number) => reply.int(truncated(*number)),
        Value::Boolean(value) if format == Format::Resp3 => reply.boolean(*value),
        Value::Boolean(true) => reply.int(1),
        Value::Table(_) if depth == DEPTH_MAX => {
            reply.error("ERR", "reached lua stack limit");
        }
        Value::Table(table) => write_table(table, format, reply, depth)?,
        _ => reply.null(),
    }
    Ok(())
}

fn write_table(
    table: &Table,
    format: Format,
    reply: &mut Reply<'_>,
    depth: usize,
) -> mlua::Result<()> {
    let text = |name: &str| match table.raw_get(name)? {
        Value::String(text) => Ok(Some(text.as_bytes().to_vec())),
        _ => mlua::Result::Ok(None),
    };
    if let Some(err) = text("err")? {
        write_error(&err, reply);
        return Ok(());
    }
    if let Some(ok) = text("ok")? {
        reply.simple(&String::from_utf8_lossy(&ok));
        return Ok(());
    }
    let double = match table.raw_get("double")? {
        Value::Number(number) => Some(number),
        Value::Integer(number) => Some(number as f64),
        _ => None,
    };
    if let Some(double) = double {
        reply.double(double);
        return Ok(());
    }
    if let Value::Table(map) = table.raw_get("map")? {
        reply.map(count(&map)?);
        for pair in map.pairs::<Value, Value>() {
            let (key, value) = pair?;
            write(&key, format, reply, depth + 1)?;
            write(&value, format, reply, depth + 1)?;
        }
        return Ok(());
    }
    if let Value::Table(set) = table.raw_get("set")? {
        reply.set(count(&set)?);
        for pair in set.pairs::<Value, Value>() {
            let (member, _) = pair?;
            write(&member, format, reply, depth + 1)?;
        }
        return Ok(());
    }
    if let Some(digits) = text("big_number")? {
        reply.big_number(&String::from_utf8_lossy(&digits).replace(['\r', '\n'], " "));
        return Ok(());
    }
    if let Value::Table(verbatim) = table.raw_get("verbatim_string")?
        && let (Value::String(text), Value::String(kind)) =
            (verbatim.raw_get("string")?, verbatim.raw_get("format")?)
    {
        let kind: String = String::from_utf8_lossy(&kind.as_bytes())
            .chars()
            .filter(char::is_ascii)
            .chain("   ".chars())
            .take(3)
            .collect();
        reply.verbatim(&kind, &text.as_bytes());
        return Ok(());
    }
    write_array(table, format, reply, depth)
}

/// How many fields a table has: the interpreter has no room for all of them in hand.
fn count(table: &Table) -> mlua::Result<usize> {
    let mut fields = 0;
    for pair in table.pairs::<Value, Value>() {
        pair?;
        fields += 1;
    }
    Ok(fields)
}

/// The elements up to the first that is nothing.
fn write_array(
    table: &Table,
    format: Format,
    reply: &mut Reply<'_>,
    depth: usize,
) -> mlua::Result<()> {
    let mut count = 0;
    while !table.raw_get::<Value>(count + 1)?.is_nil() {
        count += 1;
    }
    reply.array(count);
    for index in 1..=count {
        write(&table.raw_get(index)?, format, reply, depth + 1)?;
    }
    Ok(())
}

/// Writes an error whose first word is its code.
pub(super) fn write_error(text: &[u8], reply: &mut Reply<'_>) {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('-').unwrap_or(&text);
    let (code, message) = text.split_once(' ').unwrap_or((text, ""));
    reply.error(code, message);
}

/// The integer part, as processors convert it: what fits no integer is the smallest of them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit is sorted out before"
)]
fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match (-LIMIT..LIMIT).contains(&number) {
        true => number as i64,
        false => i64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_fraction() {
        assert_eq!((truncated(3.99), truncated(-3.99)), (3, -3));
        for number in [f64::NAN, f64::INFINITY, -1e300, 9_223_372_036_854_775_808.0] {
            assert_eq!(truncated(number), i64::MIN);
        }
    }
}
