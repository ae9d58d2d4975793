//! The library `redis`, also called `server`: all of it but `call`, `pcall` and `acl_check_cmd`, which belong to one
//! run.

use std::cell::Cell;
use std::rc::Rc;

use kv_proto::Format;
use mlua::{Lua, MultiValue, Table, Value};

use super::at_once::AtOnce;
use super::convert::{error_table, single};
use super::failure;
use super::function::register::{Loading, register_function};
use super::store::Digest;
use crate::info::REDIS_VERSION;

/// [`REDIS_VERSION`] as one number.
const REDIS_VERSION_NUMBER: i64 = 0x0007_0400;

const LEVELS: [&str; 4] = ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"];

type Native = fn(&Lua, MultiValue) -> mlua::Result<Value>;

/// The library as scripts have it. `format` is what one has chosen with `setresp`.
pub(super) fn of_scripts(lua: &Lua, format: &Rc<Cell<Format>>) -> mlua::Result<Table> {
    let library = of_functions(lua, format)?;
    let add = |name, function: Native| library.raw_set(name, lua.create_function(function)?);
    // Effects are logged, whatever a script asks for.
    add("replicate_commands", |_, _| Ok(Value::Boolean(true)))?;
    add("breakpoint", |_, _| Ok(Value::Boolean(false)))?;
    add("debug", |_, _| Ok(Value::Nil))?;
    Ok(library)
}

/// The library as the code of a library of functions has it under the name `of`, while it is loaded.
pub(super) fn of_libraries(
    lua: &Lua,
    of: &'static str,
    loading: &Rc<Loading>,
) -> mlua::Result<Table> {
    let library = plain(lua)?;
    library.raw_set("register_function", register_function(lua, of, loading)?)?;
    Ok(library)
}

/// What it has at all times.
fn plain(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    for (level, name) in LEVELS.into_iter().enumerate() {
        library.raw_set(name, level)?;
    }
    library.raw_set("REDIS_VERSION", REDIS_VERSION)?;
    library.raw_set("REDIS_VERSION_NUM", REDIS_VERSION_NUMBER)?;
    library.raw_set("log", lua.create_function(log)?)?;
    Ok(library)
}

/// The library as functions have it.
pub(super) fn of_functions(lua: &Lua, format: &Rc<Cell<Format>>) -> mlua::Result<Table> {
    let library = plain(lua)?;
    for (name, flags) in [
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ] {
        library.raw_set(name, flags)?;
    }
    let add = |name, function: Native| library.raw_set(name, lua.create_function(function)?);
    add("error_reply", error_reply)?;
    add("status_reply", status_reply)?;
    add("sha1hex", sha1hex)?;
    add("set_repl", set_repl)?;
    let format = Rc::clone(format);
    let setresp = lua.create_function(move |lua, args: MultiValue| {
        let [version] = arguments(&args)
            .ok_or_else(|| failure::reply("ERR server.setresp() requires one argument."))?;
        format.set(match lua.coerce_number(version.clone())? {
            Some(2.0) => Format::Resp2,
            Some(3.0) => Format::Resp3,
            _ => return Err(failure::reply("ERR RESP version must be 2 or 3.")),
        });
        Ok(())
    })?;
    library.raw_set("setresp", setresp)?;
    Ok(library)
}

/// Exactly so many arguments.
fn arguments<const N: usize>(args: &MultiValue) -> Option<[&Value; N]> {
    let all: Vec<&Value> = args.iter().collect();
    all.try_into().ok()
}

fn error_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let Some([Value::String(text)]) = arguments(&args) else {
        let wrong = error_table(lua, b"ERR wrong number or type of arguments")?;
        return Ok(Value::Table(wrong));
    };
    let text = text.as_bytes();
    let text = text.strip_prefix(b"-").unwrap_or(&text);
    // One word is a message without a code.
    let text = match text.contains(&b' ') {
        true => text.to_vec(),
        false => [b"ERR ", text].concat(),
    };
    Ok(Value::Table(error_table(lua, &text)?))
}

fn status_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    Ok(Value::Table(match arguments(&args) {
        Some([text @ Value::String(_)]) => single(lua, "ok", text.clone())?,
        _ => error_table(lua, b"ERR wrong number or type of arguments")?,
    }))
}

fn sha1hex(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let Some([value]) = arguments(&args) else {
        return Err(failure::reply("ERR wrong number of arguments"));
    };
    let text = lua.coerce_string(value.clone())?;
    let digest = match &text {
        Some(text) => Digest::of(&text.as_bytes()),
        None => Digest::of(b""),
    };
    Ok(Value::String(lua.create_string(digest.text())?))
}

fn log(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let mut args = args.into_iter();
    let (Some(level), true) = (args.next(), args.len() > 0) else {
        return Err(failure::reply(
            "ERR server.log() requires two arguments or more.",
        ));
    };
    let Value::Integer(level @ 0..=3) = level else {
        return Err(match level.is_number() || level.is_integer() {
            true => failure::reply("ERR Invalid log level."),
            false => failure::reply("ERR First argument must be a number (log level)."),
        });
    };
    let mut words = Vec::new();
    for word in args {
        if let Some(text) = lua.coerce_string(word)? {
            words.push(text.to_string_lossy());
        }
    }
    // Not twice.
    if let Some(at_once) = lua.app_data_ref::<Rc<AtOnce>>() {
        return Err(at_once.give_up().into_error());
    }
    let words = words
        .join(" ")
        .replace(|letter: char| letter.is_control(), " ");
    match level {
        0 => tracing::trace!("script: {words}"),
        1 => tracing::debug!("script: {words}"),
        2 => tracing::info!("script: {words}"),
        _ => tracing::warn!("script: {words}"),
    }
    Ok(Value::Nil)
}

fn set_repl(_: &Lua, args: MultiValue) -> mlua::Result<Value> {
    match arguments(&args) {
        Some([Value::Integer(0..=3)]) => Ok(Value::Nil),
        Some(_) => Err(failure::reply(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
        None => Err(failure::reply(
            "ERR server.set_repl() requires one argument.",
        )),
    }
}
