//! The interpreter: compiles scripts, runs them, keeps them.
//!
//! Invariant: its memory has a limit, and what runs in it is looked at every [`INSTRUCTIONS`] instructions: a script
//! without an end is told to others as such and can be killed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kv_core::UnixMillis;
use kv_proto::{Format, Reply};
use mlua::chunk::ChunkMode;
use mlua::debug::HookTriggers;
use mlua::state::LuaOptions;
use mlua::{Function, Lua, MultiValue, StdLib, Value, VmState};

use super::call::Caller;
use super::convert;
use super::failure::{self, CHUNK, Raised};
use super::sandbox::{self, Sandbox};
use super::shebang::{self, Declared};
use super::store::{Digest, Store};
use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::spec::Outcome;
use crate::engine::transaction::Hold;
use crate::server::Server;
use crate::session::SessionCx;

/// How many instructions run from one look to the next.
const INSTRUCTIONS: u32 = 100_000;

/// Bytes that the interpreter may take, with all that scripts have in hand.
pub(super) const MEMORY_BYTES_MAX: usize = 512 << 20;

/// A run that leaves more than this behind is followed by a whole collection.
const GARBAGE_BYTES_MAX: usize = 64 << 20;

/// After so many runs the interpreter collects a part of its garbage.
const RUNS_PER_COLLECTION: u32 = 50;

/// There is no script of this digest.
pub(crate) const NO_SCRIPT: CommandError =
    CommandError::fixed("NOSCRIPT", "No matching script. Please use EVAL.");

/// The script may write, and was asked for by a command that may not.
const WRITES: CommandError = CommandError::fixed(
    "ERR",
    "Can not execute a script with write flag using *_ro command.",
);

/// The interpreter of one server.
pub(crate) struct Machine {
    lua: Lua,
    sandbox: Sandbox,
    store: RefCell<Store>,
    /// When the script that runs began.
    begun: Rc<Cell<Instant>>,
    runs: Cell<u32>,
}

/// A script, and what it is given.
pub(crate) struct Program<'p> {
    pub(crate) script: Script<'p>,
    pub(crate) keys: Args<'p>,
    pub(crate) arguments: Args<'p>,
}

/// Which script is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Script<'p> {
    /// This one.
    Source(&'p [u8]),
    /// The one whose digest this is.
    Digest(&'p [u8]),
}

/// A script that can run.
struct Runnable {
    digest: Digest,
    function: Function,
    declared: Declared,
}

impl Machine {
    /// An interpreter without scripts, for `server`.
    ///
    /// # Panics
    ///
    /// When there is no memory for it.
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        let begun = Rc::new(Cell::new(Instant::now()));
        let made = Self::make(Rc::clone(&begun), Arc::downgrade(server));
        let (lua, sandbox, store) = made.expect("an empty interpreter can be made");
        Self {
            lua,
            sandbox,
            store: RefCell::new(store),
            begun,
            runs: Cell::new(0),
        }
    }

    fn make(begun: Rc<Cell<Instant>>, server: Weak<Server>) -> mlua::Result<(Lua, Sandbox, Store)> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let sandbox = sandbox::build(&lua)?;
        let store = Store::new(&lua)?;
        lua.set_memory_limit(MEMORY_BYTES_MAX)?;
        // Threads that scripts make inherit it.
        let every = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
        lua.set_global_hook(every, move |_, _| match server.upgrade() {
            Some(server) => watch(&server, begun.get()),
            None => Ok(VmState::Continue),
        })?;
        Ok((lua, sandbox, store))
    }

    /// Runs `program` and answers with what it returns, or with its error: then what it has changed before stays.
    ///
    /// # Errors
    ///
    /// It did not even begin.
    pub(crate) fn run(
        &self,
        cx: &mut SessionCx<'_>,
        hold: &mut Hold<'_, '_>,
        now: UnixMillis,
        program: Program<'_>,
        reply: &mut Reply<'_>,
    ) -> Outcome {
        let server = cx.server;
        let runnable = self.runnable(program.script)?;
        let is_for_readers = matches!(hold, Hold::Look(_));
        let Declared {
            has_shebang,
            no_writes,
        } = runnable.declared;
        if is_for_readers && has_shebang && !no_writes {
            return Err(WRITES);
        }
        let (db, may_write) = (cx.state.db, !is_for_readers && !no_writes);
        server.scripts.running.begin();
        self.begun.set(Instant::now());
        self.sandbox.format.set(Format::Resp2);
        let ran = self
            .give("KEYS", program.keys)
            .and_then(|()| self.give("ARGV", program.arguments))
            .and_then(|()| {
                let caller = Caller::new(cx, hold, now, may_write);
                self.play(&runnable.function, caller)
            })
            .and_then(|(ended_well, value)| {
                if ended_well {
                    return convert::to_reply(&value, self.sandbox.format.get(), reply);
                }
                let error = self.final_error(&runnable.digest, &value)?;
                convert::write_error(&error, reply);
                Ok(())
            });
        server.scripts.running.end();
        cx.state.db = db;
        self.clean_up(server);
        if let Err(error) = ran {
            // Nothing of it may be in the middle of a reply.
            return Err(CommandError::err(
                failure::plain_text(&error)
                    .trim_start_matches("ERR ")
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Compiles `source` and lets it stay; its digest.
    ///
    /// # Errors
    ///
    /// It is no program.
    pub(crate) fn load(&self, server: &Server, source: &[u8]) -> Result<String, CommandError> {
        let runnable = self.runnable(Script::Source(source))?;
        self.store.borrow_mut().keep(&runnable.digest);
        self.tell(server);
        Ok(runnable.digest.text().to_owned())
    }

    /// Whether there is a script of this digest.
    pub(crate) fn has(&self, digest: &[u8]) -> bool {
        let store = self.store.borrow();
        Digest::parse(digest).is_some_and(|digest| store.source(&digest).is_some())
    }

    /// The script of this digest.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn source(&self, digest: &[u8]) -> Result<Vec<u8>, CommandError> {
        let store = self.store.borrow();
        let digest = Digest::parse(digest);
        let source = digest.and_then(|digest| store.source(&digest).map(<[u8]>::to_vec));
        source.ok_or(NO_SCRIPT)
    }

    /// Forgets all scripts.
    ///
    /// # Errors
    ///
    /// There is no memory left to do it.
    pub(crate) fn forget_all(&self, server: &Server) -> Result<(), CommandError> {
        let forgotten = self.store.borrow_mut().clear(&self.lua);
        forgotten
            .and_then(|()| self.lua.gc_collect())
            .map_err(|error| CommandError::err(failure::plain_text(&error)))?;
        self.tell(server);
        Ok(())
    }

    fn runnable(&self, script: Script<'_>) -> Result<Runnable, CommandError> {
        let internal = |error: mlua::Error| CommandError::err(failure::plain_text(&error));
        let digest = match script {
            Script::Source(source) => Digest::of(source),
            Script::Digest(digest) => Digest::parse(digest).ok_or(NO_SCRIPT)?,
        };
        let mut store = self.store.borrow_mut();
        if let Some((function, declared)) = store.find(&digest).map_err(internal)? {
            return Ok(Runnable {
                digest,
                function,
                declared,
            });
        }
        let Script::Source(source) = script else {
            return Err(NO_SCRIPT);
        };
        let (declared, program) = shebang::split(source)?;
        let chunk = self
            .lua
            .load(program)
            .set_name(CHUNK)
            .set_mode(ChunkMode::Text);
        let function = chunk
            .into_function()
            .map_err(|error| not_a_program(&error))?;
        store
            .add(digest, source, declared, &function)
            .map_err(internal)?;
        Ok(Runnable {
            digest,
            function,
            declared,
        })
    }

    /// Puts `words` where scripts look for them.
    fn give(&self, name: &str, words: Args<'_>) -> mlua::Result<()> {
        let words = words.rest();
        let table = self.lua.create_table_with_capacity(words.len(), 0)?;
        for (index, word) in words.enumerate() {
            table.raw_set(index + 1, self.lua.create_string(word)?)?;
        }
        self.sandbox.globals.raw_set(name, table)
    }

    /// Runs `function`: whether it ended well, and what it returned or why it did not.
    fn play(
        &self,
        function: &Function,
        caller: Caller<'_, '_, '_, '_>,
    ) -> mlua::Result<(bool, Value)> {
        let Sandbox {
            redis, run, format, ..
        } = &self.sandbox;
        let caller = RefCell::new(caller);
        let ask = |words: &MultiValue| {
            let mut caller = caller
                .try_borrow_mut()
                .map_err(|_| Raised::Reply(NESTED.into()))?;
            caller.format = format.get();
            caller.call(words)
        };
        self.lua.scope(|scope| {
            let call = scope.create_function(|lua, words: MultiValue| match ask(&words) {
                Ok(answer) => convert::to_lua(lua, &answer, format.get()),
                Err(raised) => Err(raised.into_error()),
            })?;
            let pcall = scope.create_function(|lua, words: MultiValue| match ask(&words) {
                Ok(answer) => convert::to_lua(lua, &answer, format.get()),
                Err(Raised::Reply(text)) => convert::error_table(lua, &text).map(Value::Table),
                Err(raised) => Err(raised.into_error()),
            })?;
            redis.raw_set("call", call)?;
            redis.raw_set("pcall", pcall)?;
            run.call(function)
        })
    }

    /// The error of a script that nobody has caught, with the place where it happened.
    fn final_error(&self, digest: &Digest, value: &Value) -> mlua::Result<Vec<u8>> {
        let Value::Table(blame) = value else {
            // The handler had no memory, or no stack, to say more.
            let text = self.lua.coerce_string(value.clone())?;
            let text =
                text.map_or_else(|| "unknown error".to_owned(), |text| text.to_string_lossy());
            return Ok(format!("ERR {text}").into_bytes());
        };
        let err: mlua::LuaString = blame.raw_get("err")?;
        let mut text = err.as_bytes().to_vec();
        if let Some(line) = blame.raw_get::<Option<i64>>("line")? {
            let source: mlua::LuaString = blame.raw_get("source")?;
            let (digest, source) = (digest.text(), source.to_string_lossy());
            text.extend_from_slice(format!(" script: {digest}, on {source}:{line}.").as_bytes());
        }
        Ok(text)
    }

    fn clean_up(&self, server: &Server) {
        let runs = self.runs.get().wrapping_add(1);
        self.runs.set(runs);
        // What the script has left is not found by the next one; if there is no memory for that, the next one
        // finds none either.
        if let Err(error) = self.sandbox.tidy.call::<()>(()) {
            tracing::warn!(%error, "cannot tidy up behind a script");
        }
        // Neither can fail for want of memory: they give some back.
        if self.lua.used_memory() > GARBAGE_BYTES_MAX {
            let _ = self.lua.gc_collect();
        } else if runs.is_multiple_of(RUNS_PER_COLLECTION) {
            let _ = self.lua.gc_step();
        }
        self.tell(server);
    }

    fn tell(&self, server: &Server) {
        let store = self.store.borrow();
        let (cached, evicted) = store.counts();
        let figures = &server.scripts.figures;
        figures.cached.store(cached, Ordering::Relaxed);
        figures.evicted.store(evicted, Ordering::Relaxed);
        let sources = store.source_bytes() as u64;
        figures.source_bytes.store(sources, Ordering::Relaxed);
        let bytes = self.lua.used_memory();
        figures.memory_bytes.store(bytes as u64, Ordering::Relaxed);
    }
}

/// What a request of a script inside of a request of a script is answered; there is no such thing.
const NESTED: &[u8] = b"ERR a request of a script cannot hold another";

/// Looks at the script that runs since `begun`.
fn watch(server: &Server, begun: Instant) -> mlua::Result<VmState> {
    let running = &server.scripts.running;
    let limit = server.settings.busy_reply_threshold_ms.get();
    if limit > 0 && !running.is_slow() && begun.elapsed() > Duration::from_millis(limit) {
        running.becomes_slow();
        tracing::warn!("a script takes too long: others are answered that the server is busy");
    }
    if server.shutdown.is_asked() {
        // One that has written must end by itself or with the process, before it is in the log.
        let _ = running.end_unless_written();
    }
    match running.is_killed() {
        true => Err(Raised::Killed.into_error()),
        false => Ok(VmState::Continue),
    }
}

fn not_a_program(error: &mlua::Error) -> CommandError {
    let message = match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    CommandError::err(format!("Error compiling script (new function): {message}"))
}
