//! What scripts find around them: the prelude, written in Lua, over what the server brings.
//!
//! Invariant: nothing that a script finds leads out of the interpreter: no files, no processes, no code but text.
//! Invariant: nothing that a script leaves behind is found by the next one.

use std::cell::Cell;
use std::rc::Rc;

use kv_proto::Format;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use super::chance::Chance;
use super::{bits, failure, json, library};

/// Handles on what the prelude has made.
pub(super) struct Sandbox {
    /// What `KEYS` and `ARGV` are put into.
    pub(super) globals: Table,
    /// The library `redis`, which `call` and `pcall` are put into.
    pub(super) redis: Table,
    /// Runs a script.
    pub(super) run: Function,
    /// Removes what a script has left.
    pub(super) tidy: Function,
    /// What the script that runs has chosen.
    pub(super) format: Rc<Cell<Format>>,
}

/// Builds everything, and lets chunks that are loaded from now on see nothing else.
pub(super) fn build(lua: &Lua) -> mlua::Result<Sandbox> {
    let format = Rc::new(Cell::new(Format::Resp2));
    let redis = library::library(lua, &format)?;
    let host = lua.create_table()?;
    host.raw_set("redis", &redis)?;
    host.raw_set("bit", bits::library(lua)?)?;
    host.raw_set("cjson", json::library(lua)?)?;
    host.raw_set("cmsgpack", lua.create_table()?)?;
    host.raw_set("struct", lua.create_table()?)?;
    host.raw_set("load", lua.create_function(load)?)?;
    host.raw_set("loadstring", lua.create_function(loadstring)?)?;
    host.raw_set("reason", lua.create_function(failure::reason)?)?;
    host.raw_set("blame", lua.create_function(failure::blame)?)?;
    let chance = Rc::new(Chance::new());
    let stream = Rc::clone(&chance);
    host.raw_set("random", lua.create_function(move |_, ()| Ok(stream.draw()))?)?;
    host.raw_set("seed", lua.create_function(move |lua, seed: Value| seed_with(lua, &chance, seed))?)?;
    let prelude = lua.load(include_str!("prelude.lua")).set_name("=prelude");
    let (globals, environment, run, tidy): (Table, Table, Function, Function) =
        prelude.call(host)?;
    lua.set_globals(environment)?;
    Ok(Sandbox {
        globals,
        redis,
        run,
        tidy,
        format,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a seed has 32 bits; which of them counts is nobody's concern"
)]
fn seed_with(lua: &Lua, chance: &Chance, seed: Value) -> mlua::Result<()> {
    match lua.coerce_number(seed.clone())? {
        Some(seed) => {
            chance.seed(seed as i64 as u32);
            Ok(())
        }
        None => {
            let problem = format_args!("number expected, got {}", seed.type_name());
            Err(failure::argument(lua, 1, "randomseed", problem))
        }
    }
}

/// `loadstring(text, name)`: text only, never what a compiler has made of it.
fn loadstring(lua: &Lua, args: MultiValue) -> mlua::Result<(Value, Value)> {
    let text = args.front().cloned().unwrap_or(Value::Nil);
    let Some(text) = lua.coerce_string(text.clone())? else {
        let problem = format_args!("string expected, got {}", text.type_name());
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
            return Err(failure::text(lua, "not enough memory"));
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
