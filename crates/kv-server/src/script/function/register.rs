//! `redis.register_function`: how a library, while it is loaded, says which functions it has.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mlua::{Function, Lua, MultiValue, Table, Value, VmState};

use super::super::failure;
use super::super::shebang::Declared;
use super::{Described, Registered};

/// The library that is loaded, if one is.
#[derive(Default)]
pub(in crate::script) struct Loading {
    functions: RefCell<Option<Vec<Registered>>>,
    /// How long it may take; `None`: for ever.
    at_most: Cell<Option<Duration>>,
}

impl Loading {
    /// The code of a library begins to run.
    pub(super) fn begin(&self, at_most: Option<Duration>) {
        self.at_most.set(at_most);
        self.functions.replace(Some(Vec::new()));
    }

    /// It has ended: the functions that it has.
    pub(super) fn end(&self) -> Vec<Registered> {
        self.functions.take().unwrap_or_default()
    }

    /// Whether the code of a library runs.
    pub(in crate::script) fn is_on(&self) -> bool {
        self.functions.borrow().is_some()
    }

    /// Looks at the code that runs since `begun`.
    ///
    /// # Errors
    ///
    /// It takes too long.
    pub(in crate::script) fn watch(&self, begun: Instant) -> mlua::Result<VmState> {
        match self.at_most.get() {
            Some(at_most) if begun.elapsed() > at_most => Err(refused("FUNCTION LOAD timeout")),
            _ => Ok(VmState::Continue),
        }
    }
}

/// `register_function` as the library called `of` ("redis" or "server") has it.
pub(in crate::script) fn register_function(
    lua: &Lua,
    of: &'static str,
    loading: &Rc<Loading>,
) -> mlua::Result<Function> {
    let loading = Rc::clone(loading);
    lua.create_function(move |lua, args: MultiValue| {
        let own = format!("{of}.register_function");
        if !loading.is_on() {
            return Err(refused(format!(
                "{own} can only be called on FUNCTION LOAD command"
            )));
        }
        let function = read(lua, &own, &args)?;
        if let Some(functions) = loading.functions.borrow_mut().as_mut() {
            functions.push(function);
        }
        Ok(())
    })
}

fn refused(text: impl std::fmt::Display) -> mlua::Error {
    failure::reply(format!("ERR {text}"))
}

/// The function that `args` describe, in either form.
fn read(lua: &Lua, own: &str, args: &MultiValue) -> mlua::Result<Registered> {
    let words: Vec<&Value> = args.iter().collect();
    match *words {
        [Value::Table(named)] => read_named(lua, own, named),
        [_] => Err(refused(format!(
            "calling {own} with a single argument is only applicable to Lua table (representing named arguments)."
        ))),
        [name, callback] => {
            let name = text(lua, name)?
                .ok_or_else(|| refused(format!("first argument to {own} must be a string")))?;
            let Value::Function(callback) = callback else {
                let text = format!("second argument to {own} must be a function");
                return Err(refused(text));
            };
            let about = Described {
                name,
                description: None,
                declared: Declared::told(),
            };
            let callback = callback.clone();
            Ok(Registered { about, callback })
        }
        _ => Err(refused(format!("wrong number of arguments to {own}"))),
    }
}

fn read_named(lua: &Lua, own: &str, named: &Table) -> mlua::Result<Registered> {
    let (mut name, mut callback, mut description) = (None, None, None);
    let mut declared = Declared::told();
    for pair in named.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Some(key) = text(lua, &key)? else {
            let text = format!("named argument key given to {own} is not a string");
            return Err(refused(text));
        };
        match (&*key.to_ascii_lowercase(), &value) {
            (b"function_name", _) => {
                name = text(lua, &value)?;
                if name.is_none() {
                    let text = format!("function_name argument given to {own} must be a string");
                    return Err(refused(text));
                }
            }
            (b"description", _) => {
                description = text(lua, &value)?;
                if description.is_none() {
                    let text = format!("description argument given to {own} must be a string");
                    return Err(refused(text));
                }
            }
            (b"callback", Value::Function(given)) => callback = Some(given.clone()),
            (b"callback", _) => {
                let text = format!("callback argument given to {own} must be a function");
                return Err(refused(text));
            }
            (b"flags", Value::Table(flags)) => read_flags(lua, flags, &mut declared)?,
            (b"flags", _) => {
                return Err(refused(format!(
                    "flags argument to {own} must be a table representing function flags"
                )));
            }
            _ => return Err(refused(format!("unknown argument given to {own}"))),
        }
    }
    let name = name.ok_or_else(|| refused(format!("{own} must get a function name argument")))?;
    let callback =
        callback.ok_or_else(|| refused(format!("{own} must get a callback argument")))?;
    let about = Described {
        name,
        description,
        declared,
    };
    Ok(Registered { about, callback })
}

fn read_flags(lua: &Lua, flags: &Table, declared: &mut Declared) -> mlua::Result<()> {
    for flag in flags.sequence_values::<Value>() {
        let flag = text(lua, &flag?)?;
        if !flag.is_some_and(|flag| declared.add(&flag)) {
            return Err(refused("unknown flag given"));
        }
    }
    Ok(())
}

/// A string, or a number as one.
fn text(lua: &Lua, value: &Value) -> mlua::Result<Option<Box<[u8]>>> {
    let text = match value {
        Value::String(_) | Value::Integer(_) | Value::Number(_) => {
            lua.coerce_string(value.clone())?
        }
        _ => None,
    };
    Ok(text.map(|text| text.as_bytes().to_vec().into()))
}
