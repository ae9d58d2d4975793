//! Errors inside of scripts: how the server raises them, what a script that catches one sees, and what is answered
//! when none does.
//!
//! What a callback raises is an object of the interpreter's own kind. It stands for what Redis would have raised: a
//! table with a field `err`, or a text with the place where it happened.

use std::fmt;

use mlua::{Error, Lua, Table, Value};

use super::convert::error_table;
use super::running::Kind;

/// What the server raises in a script.
#[derive(Clone, Debug)]
pub(super) enum Raised {
    /// An error reply, as a table with the field `err`.
    Reply(Box<[u8]>),
    /// A text.
    Text(Box<[u8]>),
    /// The script was killed: it cannot catch that.
    Killed(Kind),
}

/// The name that a script has in its own errors.
pub(super) const SCRIPT_CHUNK: &str = "@user_script";

/// The name that a library has in its own errors.
pub(super) const LIBRARY_CHUNK: &str = "@user_function";

/// The name of the prelude: what is wrong in there is the fault of whoever called it.
pub(super) const PRELUDE: &str = "=prelude";

/// How deep the stack is looked through for the script's own part of it.
const LEVELS_MAX: usize = 32;

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(text) | Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Killed(kind) => {
                write!(
                    f,
                    "ERR Script killed by user with {}...",
                    kind.kill_command()
                )
            }
        }
    }
}

impl std::error::Error for Raised {}

impl Raised {
    /// As the interpreter carries it.
    pub(super) fn into_error(self) -> Error {
        Error::external(self)
    }
}

/// An error reply, to be raised.
pub(super) fn reply(text: impl Into<Vec<u8>>) -> Error {
    Raised::Reply(text.into().into()).into_error()
}

/// A text with the place in the script, to be raised by what the script has called.
pub(super) fn text(lua: &Lua, text: impl fmt::Display) -> Error {
    let mut level = 1;
    let mut is_prelude = true;
    let mut place = None;
    while is_prelude && level < LEVELS_MAX {
        let found = lua.inspect_stack(level, |level| {
            let of = level.source();
            is_prelude = of.source.is_some_and(|source| source == PRELUDE);
            let source = of.short_src.map(|source| source.into_owned());
            source.zip(level.current_line())
        });
        is_prelude &= found.is_some();
        place = found.flatten();
        level += 1;
    }
    let text = match place {
        Some((source, line)) => format!("{source}:{line}: {text}"),
        None => text.to_string(),
    };
    Raised::Text(text.into_bytes().into()).into_error()
}

/// What Lua calls a value of this kind.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        other => other.type_name(),
    }
}

/// What Lua raises itself where it has no memory left.
pub(super) fn not_enough_memory() -> Error {
    Raised::Text(b"not enough memory".as_slice().into()).into_error()
}

/// An argument that a function of a library cannot take, to be raised.
pub(super) fn argument(
    lua: &Lua,
    place: usize,
    function: &str,
    problem: impl fmt::Display,
) -> Error {
    text(
        lua,
        format_args!("bad argument #{place} to '{function}' ({problem})"),
    )
}

/// What `error` stands for.
fn raised(error: &Error) -> Raised {
    match error {
        Error::CallbackError { cause, .. } => raised(cause),
        Error::ExternalError(external) => match external.downcast_ref::<Raised>() {
            Some(raised) => raised.clone(),
            None => Raised::Text(external.to_string().into_bytes().into()),
        },
        Error::RuntimeError(text) | Error::MemoryError(text) => {
            Raised::Text(text.as_bytes().into())
        }
        other => Raised::Text(other.to_string().into_bytes().into()),
    }
}

/// What a script that has caught `value` gets in its place, and whether it may not catch it.
pub(super) fn reason(lua: &Lua, value: Value) -> mlua::Result<(Value, bool)> {
    let Value::Error(error) = &value else {
        return Ok((value, false));
    };
    Ok(match raised(error) {
        Raised::Reply(text) => (Value::Table(error_table(lua, &text)?), false),
        Raised::Text(text) => (Value::String(lua.create_string(&text)?), false),
        Raised::Killed(_) => (value, true),
    })
}

/// What a script that has not caught `value` is answered: a table with the text, and the chunk and the line where it
/// happened.
pub(super) fn blame(lua: &Lua, value: Value) -> mlua::Result<Table> {
    let text = text_of(lua, &value)?;
    let blame = lua.create_table()?;
    blame.raw_set("err", lua.create_string(&text)?)?;
    let mut level = 1;
    while level < LEVELS_MAX {
        let line = lua.inspect_stack(level, |level| {
            let of = level.source();
            let source = of.source.filter(|source| *source != PRELUDE);
            source
                .map(|source| source.into_owned())
                .zip(level.current_line())
        });
        match line {
            None => break,
            Some(None) => level += 1,
            Some(Some((source, line))) => {
                blame.raw_set("source", source)?;
                blame.raw_set("line", line)?;
                break;
            }
        }
    }
    Ok(blame)
}

fn text_of(lua: &Lua, value: &Value) -> mlua::Result<Vec<u8>> {
    let with_code = |text: &[u8]| [b"ERR ", text].concat();
    Ok(match value {
        Value::Error(error) => match raised(error) {
            Raised::Reply(text) => text.into(),
            Raised::Text(text) => with_code(&text),
            killed @ Raised::Killed(_) => killed.to_string().into(),
        },
        Value::Table(table) => match lua.coerce_string(table.raw_get("err")?)? {
            Some(text) => text.as_bytes().to_vec(),
            None => b"ERR unknown error".to_vec(),
        },
        Value::String(text) => with_code(&text.as_bytes()),
        other => with_code(other.to_string()?.as_bytes()),
    })
}

/// What is wrong with a text that is no program.
pub(super) fn syntax(error: &Error) -> String {
    match error {
        Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// The text of an error that was not even blamed on anybody: the interpreter had no memory left, for one.
pub(super) fn plain_text(error: &Error) -> String {
    format!("ERR {}", raised(error))
}
