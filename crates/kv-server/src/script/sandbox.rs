//! What scripts find around them: the prelude, written in Lua, over what the server brings.
//!
//! Invariant: nothing that a script finds leads out of the interpreter: no files, no processes, no code but text.
//! Invariant: nothing that a script leaves behind is found by the next one.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use kv_proto::Format;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use super::chance::Chance;
use super::function::register::Loading;
use super::machine::MEMORY_BYTES_MAX;
use super::{bits, failure, json, library, pack, record};

/// Handles on what the prelude has made.
pub(super) struct Sandbox {
    /// What `KEYS` and `ARGV` are put into.
    pub(super) globals: Table,
    /// The library `redis` of scripts, which `call` and `pcall` are put into.
    pub(super) redis: Table,
    /// The same of functions.
    pub(super) function_redis: Table,
    /// What functions see instead of globals.
    pub(super) function_environment: Table,
    /// Lets that be what a library sees that is loaded, or what functions see that run.
    pub(super) set_loading: Function,
    /// The library that is loaded.
    pub(super) loading: Rc<Loading>,
    /// Runs a program and removes what it has left.
    pub(super) run: Function,
    /// Removes what a script has left that ended before it could be done.
    pub(super) tidy: Function,
    pub(super) names: Names,
    /// What the script that runs has chosen.
    pub(super) format: Rc<Cell<Format>>,
}

/// Names that every run needs, made once: to make one takes longer than to use it.
pub(super) struct Names {
    pub(super) keys: LuaString,
    pub(super) arguments: LuaString,
    pub(super) call: LuaString,
    pub(super) pcall: LuaString,
    pub(super) check: LuaString,
}

/// Builds everything, and lets chunks that are loaded from now on see nothing else.
pub(super) fn build(lua: &Lua, chance: &Arc<Chance>) -> mlua::Result<Sandbox> {
    let format = Rc::new(Cell::new(Format::Resp2));
    let redis = library::of_scripts(lua, &format)?;
    let function_redis = library::of_functions(lua, &format)?;
    let loading = Rc::new(Loading::default());
    let host = lua.create_table()?;
    host.raw_set("redis", &redis)?;
    host.raw_set("function_redis", &function_redis)?;
    for name in ["redis", "server"] {
        let library = library::of_libraries(lua, name, &loading)?;
        host.raw_set(format!("loading_{name}"), library)?;
    }
    host.raw_set("bit", bits::library(lua)?)?;
    host.raw_set("cjson", json::library(lua)?)?;
    host.raw_set("cmsgpack", pack::library(lua)?)?;
    host.raw_set("struct", record::library(lua)?)?;
    host.raw_set("load", lua.create_function(load)?)?;
    host.raw_set("loadstring", lua.create_function(loadstring)?)?;
    host.raw_set("reason", lua.create_function(failure::reason)?)?;
    host.raw_set("blame", lua.create_function(failure::blame)?)?;
    host.raw_set("rep", lua.create_function(repeated)?)?;
    host.raw_set("check_unpack", lua.create_function(check_unpack)?)?;
    host.raw_set("guarded", lua.create_function(guarded)?)?;
    let (chance, stream) = (Arc::clone(chance), Arc::clone(chance));
    let random = lua.create_function(move |lua, args| draw(lua, &stream, &args))?;
    host.raw_set("random", random)?;
    let seed = lua.create_function(move |lua, args| seed(lua, &chance, &args))?;
    host.raw_set("randomseed", seed)?;
    let prelude = lua
        .load(include_str!("prelude.lua"))
        .set_name(failure::PRELUDE);
    let made: Table = prelude.call(host)?;
    lua.set_globals(made.raw_get("environment")?)?;
    let [run, tidy, set_loading] =
        ["run", "tidy", "set_loading"].map(|name| made.raw_get::<Function>(name));
    let (run, tidy, set_loading) = (run?, tidy?, set_loading?);
    let [keys, arguments, call, pcall, check] =
        ["KEYS", "ARGV", "call", "pcall", "acl_check_cmd"].map(|name| lua.create_string(name));
    let names = Names {
        keys: keys?,
        arguments: arguments?,
        call: call?,
        pcall: pcall?,
        check: check?,
    };
    Ok(Sandbox {
        names,
        globals: made.raw_get("globals")?,
        redis,
        function_redis,
        function_environment: made.raw_get("function_environment")?,
        set_loading,
        loading,
        run,
        tidy,
        format,
    })
}

/// What scripts are told that want to change what they may only read.
const READ_ONLY: &[u8] = b"ERR Attempt to modify a readonly table";

/// `function`, refused for tables that are keys of `behind`.
fn guarded(lua: &Lua, (function, behind): (Function, Table)) -> mlua::Result<Function> {
    lua.create_function(move |_, args: MultiValue| {
        let is_protected = match args.front() {
            Some(Value::Table(table)) => behind.contains_key(table)?,
            _ => false,
        };
        match is_protected {
            true => Err(failure::reply(READ_ONLY)),
            false => function.call::<MultiValue>(args),
        }
    })
}

/// `rep(text, count)`: refused before it has begun where there is no memory for it.
fn repeated(lua: &Lua, args: MultiValue) -> mlua::Result<LuaString> {
    let text = args.front().cloned().unwrap_or(Value::Nil);
    let Some(text) = lua.coerce_string(text)? else {
        let got = args.front().map_or("no value", failure::kind);
        let problem = format_args!("string expected, got {got}");
        return Err(failure::argument(lua, 1, "rep", problem));
    };
    let count = number(lua, &args, 1, "rep")?.clamp(0.0, COUNT_MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is clamped to what fits"
    )]
    let count = count as usize;
    let text = text.as_bytes();
    match text.len().checked_mul(count) {
        Some(bytes) if bytes <= MEMORY_BYTES_MAX => lua.create_string(text.repeat(count)),
        _ => Err(failure::not_enough_memory()),
    }
}

/// More than any text can be repeated.
const COUNT_MAX: f64 = u32::MAX as f64;

/// Whether `unpack(list [, first [, last]])` can be done: Lua's own counts with too few bits.
fn check_unpack(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    let Some(Value::Table(list)) = args.front() else {
        let got = args.front().map_or("no value", failure::kind);
        let problem = format_args!("table expected, got {got}");
        return Err(failure::argument(lua, 1, "unpack", problem));
    };
    let place = |index: usize, otherwise: usize| match args.get(index) {
        None | Some(Value::Nil) => Ok(otherwise as f64),
        Some(_) => number(lua, &args, index, "unpack").map(f64::trunc),
    };
    let (first, last) = (place(1, 1)?, place(2, list.raw_len())?);
    let is_place = |place| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&place);
    let room = (SLOTS_MAX - args.len()) as f64;
    match is_place(first) && is_place(last) && last - first < room {
        true => Ok(()),
        false => Err(failure::text(lua, "too many results to unpack")),
    }
}

/// How many values a function of the interpreter may have in hand, its arguments included.
const SLOTS_MAX: usize = 8000;

/// `random([low,] high)`: between 0 and 1 without arguments.
fn draw(lua: &Lua, chance: &Chance, args: &MultiValue) -> mlua::Result<f64> {
    let drawn = chance.draw();
    let (low, high) = match args.len() {
        0 => return Ok(drawn),
        1 => (1.0, number(lua, args, 0, "random")?),
        2 => (
            number(lua, args, 0, "random")?,
            number(lua, args, 1, "random")?,
        ),
        _ => return Err(failure::text(lua, "wrong number of arguments")),
    };
    let (low, high) = (low.floor(), high.floor());
    if low > high {
        return Err(failure::argument(
            lua,
            args.len(),
            "random",
            "interval is empty",
        ));
    }
    Ok((drawn * (high - low + 1.0)).floor() + low)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a seed has 32 bits; which of them count is nobody's concern"
)]
fn seed(lua: &Lua, chance: &Chance, args: &MultiValue) -> mlua::Result<()> {
    chance.seed(number(lua, args, 0, "randomseed")? as i64 as u32);
    Ok(())
}

/// The number at `place`.
fn number(lua: &Lua, args: &MultiValue, place: usize, function: &str) -> mlua::Result<f64> {
    let value = args.get(place).cloned().unwrap_or(Value::Nil);
    match lua.coerce_number(value)? {
        Some(number) => Ok(number),
        None => {
            let got = args.get(place).map_or("no value", failure::kind);
            let problem = format_args!("number expected, got {got}");
            Err(failure::argument(lua, place + 1, function, problem))
        }
    }
}

/// `loadstring(text, name)`: text only, never what a compiler has made of it.
fn loadstring(lua: &Lua, args: MultiValue) -> mlua::Result<(Value, Value)> {
    let text = args.front().cloned().unwrap_or(Value::Nil);
    let Some(text) = lua.coerce_string(text.clone())? else {
        let problem = format_args!("string expected, got {}", failure::kind(&text));
        return Err(failure::argument(lua, 1, "loadstring", problem));
    };
    let name = match args.get(1) {
        Some(name) => lua.coerce_string(name.clone())?,
        None => None,
    };
    compiled(lua, &text.as_bytes(), name.unwrap_or_else(|| text.clone()))
}

/// `load(function, name)`: the text comes in pieces, up to one that is empty.
fn load(lua: &Lua, args: MultiValue) -> mlua::Result<(Value, Value)> {
    let Some(Value::Function(pieces)) = args.front() else {
        return Err(failure::argument(lua, 1, "load", "function expected"));
    };
    let mut text = Vec::new();
    loop {
        match pieces.call::<Value>(())? {
            Value::Nil => break,
            Value::String(piece) if piece.as_bytes().is_empty() => break,
            Value::String(piece) => text.extend_from_slice(&piece.as_bytes()),
            _ => return Err(failure::text(lua, "reader function must return a string")),
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(failure::not_enough_memory());
        }
    }
    let name = match args.get(1) {
        Some(name) => lua.coerce_string(name.clone())?,
        None => None,
    };
    let name = match name {
        Some(name) => name,
        None => lua.create_string("=(load)")?,
    };
    compiled(lua, &text, name)
}

/// The longest text that `load` puts together, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 20;

fn compiled(lua: &Lua, text: &[u8], name: LuaString) -> mlua::Result<(Value, Value)> {
    let name = name.to_string_lossy().replace('\0', " ");
    let chunk = lua.load(text).set_name(name).set_mode(ChunkMode::Text);
    match chunk.into_function() {
        Ok(function) => Ok((Value::Function(function), Value::Nil)),
        Err(mlua::Error::SyntaxError { message, .. }) => {
            Ok((Value::Nil, Value::String(lua.create_string(message)?)))
        }
        Err(error) => Err(error),
    }
}
