//! The interpreter: compiles scripts, runs them, keeps them.
//!
//! There is one on the thread of scripts, and one on each serving thread for what is tried [`at_once`].
//!
//! Invariant: its memory has a limit, and what runs in it is looked at every [`INSTRUCTIONS`] instructions: a script
//! without an end is told to others as such and can be killed. Tried at once, it runs apart before that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kv_core::UnixMillis;
use kv_proto::{Format, Reply, Request, Value as Answer};
use mlua::debug::HookTriggers;
use mlua::state::LuaOptions;
use mlua::{Function, Lua, MultiValue, StdLib, Table, Value, VmState};

use super::at_once::{self, AtOnce};
use super::call::{Caller, May};
use super::compiled::Compiled;
use super::convert;
use super::failure::{self, Raised};
use super::function::Functions;
use super::function::register::Loading;
use super::running::{Kind, Title};
use super::sandbox::{self, Sandbox};
use super::shebang::Declared;
use super::store::Digest;
use super::{Figures, Scripts};
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

/// An interpreter.
pub(crate) struct Machine {
    pub(super) lua: Lua,
    pub(super) sandbox: Sandbox,
    pub(super) compiled: RefCell<Compiled>,
    pub(super) functions: RefCell<Functions>,
    /// When the program that runs began.
    pub(super) begun: Rc<Cell<Instant>>,
    /// On a serving thread: how the script fares that runs.
    at_once: Option<Rc<AtOnce>>,
    /// Bytes that the interpreter takes without any program.
    own_bytes: usize,
    runs: Cell<u32>,
    /// The bytes beside these that were told of last.
    told_bytes: Cell<u64>,
    /// The changes of functions as of which it has told who only reads.
    told: Cell<u64>,
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
    /// The function of a library that has this name, which was made sure of.
    Function(&'p [u8]),
}

/// A program that can run.
pub(super) struct Runnable {
    pub(super) kind: Kind,
    /// The digest of a script, the name of a function.
    pub(super) name: String,
    pub(super) function: Function,
    pub(super) declared: Declared,
    /// Whether it had better run apart at once.
    pub(super) is_apart: bool,
}

/// Bytes more or less that an interpreter takes that are worth to be told to others: these run on other threads.
const BYTES_TOLD_MIN: u64 = 4096;

impl Machine {
    /// An interpreter without scripts, for the thread of scripts of `server`.
    ///
    /// # Panics
    ///
    /// When there is no memory for it.
    pub(crate) fn apart(server: &Arc<Server>) -> Self {
        Self::make(server, None).expect("an empty interpreter can be made")
    }

    /// An interpreter without scripts, for a serving thread of `server`.
    ///
    /// # Panics
    ///
    /// When there is no memory for it.
    pub(crate) fn at_once(server: &Arc<Server>) -> Self {
        let at_once = Some(Rc::new(AtOnce::new()));
        Self::make(server, at_once).expect("an empty interpreter can be made")
    }

    fn make(server: &Arc<Server>, at_once: Option<Rc<AtOnce>>) -> mlua::Result<Self> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let sandbox = sandbox::build(&lua, &server.scripts.chance)?;
        let (compiled, functions) = (Compiled::new(&lua)?, Functions::new(&lua)?);
        if at_once.is_none() {
            lua.set_memory_limit(MEMORY_BYTES_MAX)?;
        }
        let begun = Rc::new(Cell::new(Instant::now()));
        match &at_once {
            Some(at_once) => look_often(&lua, at_once)?,
            None => watch_over(&lua, Arc::downgrade(server), &begun, &sandbox.loading)?,
        }
        let own_bytes = lua.used_memory();
        Ok(Self {
            lua,
            sandbox,
            own_bytes,
            compiled: RefCell::new(compiled),
            functions: RefCell::new(functions),
            begun,
            at_once,
            runs: Cell::new(0),
            told_bytes: Cell::new(0),
            told: Cell::new(0),
        })
    }

    /// Whether scripts are tried at once here. If so, none has given itself up from now on.
    pub(crate) fn tries_at_once(&self) -> bool {
        self.at_once.as_deref().map(AtOnce::prepare).is_some()
    }

    /// Whether the script that ran last gave itself up.
    pub(crate) fn has_given_up(&self) -> bool {
        self.at_once.as_deref().is_some_and(AtOnce::has_given_up)
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
        let at_once = self.at_once.as_deref();
        if let Some(at_once) = at_once {
            at_once.begin();
        }
        let runnable = self.runnable(&server.scripts, program.script)?;
        let may = may(server, hold, runnable.declared)?;
        if let Some(at_once) = at_once
            && runnable.is_apart
        {
            at_once.give_up();
            at_once.end(cx, hold);
            return Ok(());
        }
        let db = cx.state.db;
        self.begin(server, &runnable, &program);
        cx.state.script_errors.begin();
        hold.view().want_order(true);
        let ran = self
            .given(&runnable, &program)
            .and_then(|given| {
                let caller = Caller::new(cx, hold, now, may, at_once);
                self.play(&runnable, given, caller)
            })
            .and_then(|(ended_well, value)| {
                let errors = &mut cx.state.script_errors;
                if ended_well {
                    if let Some(error) = convert::error_of(&value)? {
                        errors.answered(&error);
                    }
                    return convert::to_reply(&value, self.sandbox.format.get(), reply);
                }
                let error = self.final_error(Some(&runnable.name), &value)?;
                errors.answered(&error);
                convert::write_error(&error, reply);
                Ok(())
            });
        hold.view().want_order(false);
        match at_once {
            Some(at_once) if !at_once.end(cx, hold) => server.scripts.keep_apart(&runnable.name),
            Some(_) => cx.state.script_errors.end(&server.stats.error_codes),
            None => {
                server.scripts.running.end();
                cx.state.script_errors.end(&server.stats.error_codes);
            }
        }
        cx.state.db = db;
        self.clean_up(server, ran.is_ok());
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

    /// A program begins.
    fn begin(&self, server: &Server, runnable: &Runnable, program: &Program<'_>) {
        self.sandbox.format.set(Format::Resp2);
        if self.at_once.is_some() {
            return;
        }
        let begun = Instant::now();
        self.begun.set(begun);
        server.scripts.running.begin(Title {
            kind: runnable.kind,
            name: runnable.name.clone(),
            request: Request::from_ref(program.keys.request()),
            begun,
        });
    }

    fn runnable(&self, scripts: &Scripts, script: Script<'_>) -> Result<Runnable, CommandError> {
        let (digest, source) = match script {
            Script::Source(source) => (Digest::of(source), Some(source)),
            Script::Digest(digest) => (Digest::parse(digest).ok_or(NO_SCRIPT)?, None),
            Script::Function(name) => return self.function(name),
        };
        let (function, known) = self.script(scripts, digest, source)?;
        Ok(Runnable {
            kind: Kind::Script,
            name: digest.text().to_owned(),
            function,
            declared: known.declared,
            is_apart: known.is_apart,
        })
    }

    /// What a program is called with: a function gets its words as arguments, a script finds them in globals.
    fn given(&self, runnable: &Runnable, program: &Program<'_>) -> mlua::Result<MultiValue> {
        let keys = self.table_of(program.keys)?;
        let arguments = self.table_of(program.arguments)?;
        if runnable.kind == Kind::Function {
            return Ok([keys, arguments].map(Value::Table).into_iter().collect());
        }
        let Sandbox { globals, names, .. } = &self.sandbox;
        globals.raw_set(&names.keys, keys)?;
        globals.raw_set(&names.arguments, arguments)?;
        Ok(MultiValue::new())
    }

    fn table_of(&self, words: Args<'_>) -> mlua::Result<Table> {
        let words = words.rest();
        if words.len() == 0 {
            return self.lua.create_table();
        }
        let table = self.lua.create_table_with_capacity(words.len(), 0)?;
        for (index, word) in words.enumerate() {
            table.raw_set(index + 1, self.lua.create_string(word)?)?;
        }
        Ok(table)
    }

    /// Runs a program: whether it ended well, and what it returned or why it did not.
    fn play(
        &self,
        runnable: &Runnable,
        given: MultiValue,
        caller: Caller<'_, '_, '_, '_>,
    ) -> mlua::Result<(bool, Value)> {
        let Sandbox {
            run, format, names, ..
        } = &self.sandbox;
        let redis = match runnable.kind {
            Kind::Script => &self.sandbox.redis,
            Kind::Function => &self.sandbox.function_redis,
        };
        let caller = RefCell::new(caller);
        let alone = || {
            let caller = caller.try_borrow_mut();
            caller.map_err(|_| Raised::Reply(NESTED.into()))
        };
        let ask = |lua: &Lua, words: &MultiValue| {
            let mut caller = alone()?;
            caller.format = format.get();
            caller.call(lua, words)
        };
        let to_lua = |lua: &Lua, answer: &Answer| {
            // Answers that are seen on a serving thread are small.
            self.limit(false);
            let value = convert::to_lua(lua, answer, format.get());
            self.limit(true);
            value
        };
        self.lua.scope(|scope| {
            let call = scope.create_function(|lua, words: MultiValue| match ask(lua, &words) {
                Ok(answer) => to_lua(lua, &answer),
                Err(raised) => Err(raised.into_error()),
            })?;
            let pcall = scope.create_function(|lua, words: MultiValue| match ask(lua, &words) {
                Ok(answer) => to_lua(lua, &answer),
                Err(Raised::Reply(text)) => convert::error_table(lua, &text).map(Value::Table),
                Err(raised) => Err(raised.into_error()),
            })?;
            let check = scope.create_function(|_, words: MultiValue| {
                let may = alone().and_then(|mut caller| caller.may_call(&words));
                may.map_err(Raised::into_error)
            })?;
            redis.raw_set(&names.call, call)?;
            redis.raw_set(&names.pcall, pcall)?;
            redis.raw_set(&names.check, check)?;
            self.limit(true);
            let ran = run.call((&runnable.function, given));
            self.limit(false);
            ran
        })
    }

    /// Limits the memory of an interpreter of a serving thread while a program runs, or does not. Where there is a limit,
    /// each step that may need memory is one that may fail, which takes four times as long; between programs these are
    /// short. The other interpreter always has one.
    pub(super) fn limit(&self, on: bool) {
        if self.at_once.is_some() {
            let bytes = if on { MEMORY_BYTES_MAX } else { 0 };
            // It cannot fail: the memory is the interpreter's own.
            let _ = self.lua.set_memory_limit(bytes);
        }
    }

    /// The error of a script that nobody has caught, with the place where it happened.
    pub(super) fn final_error(&self, name: Option<&str>, value: &Value) -> mlua::Result<Vec<u8>> {
        let Value::Table(blame) = value else {
            // The handler had no memory, or no stack, to say more.
            let text = self.lua.coerce_string(value.clone())?;
            let text =
                text.map_or_else(|| "unknown error".to_owned(), |text| text.to_string_lossy());
            return Ok(format!("ERR {text}").into_bytes());
        };
        let err: mlua::LuaString = blame.raw_get("err")?;
        let mut text = err.as_bytes().to_vec();
        if let (Some(name), Some(line)) = (name, blame.raw_get::<Option<i64>>("line")?) {
            let source: mlua::LuaString = blame.raw_get("source")?;
            let source = source.to_string_lossy();
            text.extend_from_slice(format!(" script: {name}, on {source}:{line}.").as_bytes());
        }
        Ok(text)
    }

    fn clean_up(&self, server: &Server, is_tidy: bool) {
        let runs = self.runs.get().wrapping_add(1);
        self.runs.set(runs);
        // What the script has left is not found by the next one; if there is no memory for that, the next one
        // finds none either.
        if !is_tidy && let Err(error) = self.sandbox.tidy.call::<()>(()) {
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

    /// Tells what is to be known of this interpreter.
    pub(super) fn tell(&self, server: &Server) {
        let figures = &server.scripts.figures;
        if self.at_once.is_some() {
            return self.tell_bytes(figures, 0, BYTES_TOLD_MIN);
        }
        figures.tell(&server.scripts.store());
        let functions = self.functions.borrow();
        let told = functions.figures();
        let [libraries, count, code, memory] = told.map(|figure| figure as u64);
        self.tell_bytes(figures, memory, 0);
        figures.libraries.store(libraries, Ordering::Relaxed);
        figures.functions.store(count, Ordering::Relaxed);
        figures.library_bytes.store(code, Ordering::Relaxed);
        figures
            .function_memory_bytes
            .store(memory, Ordering::Relaxed);
        if self.told.replace(functions.changes) != functions.changes {
            server.scripts.set_readers(functions.readers().collect());
        }
    }

    /// Tells how many bytes scripts take, if they are so many more or less than before.
    fn tell_bytes(&self, figures: &Figures, functions: u64, at_least: u64) {
        let bytes = self.lua.used_memory().saturating_sub(self.own_bytes) as u64;
        let (scripts, before) = (bytes.saturating_sub(functions), self.told_bytes.get());
        if scripts.abs_diff(before) >= at_least {
            self.told_bytes.set(scripts);
            let more = scripts.wrapping_sub(before);
            figures.memory_bytes.fetch_add(more, Ordering::Relaxed);
        }
    }
}

/// Lets `at_once` look at whatever runs. Threads that scripts make inherit it.
fn look_often(lua: &Lua, at_once: &Rc<AtOnce>) -> mlua::Result<()> {
    lua.set_app_data(Rc::clone(at_once));
    let at_once = Rc::clone(at_once);
    let every = HookTriggers::new().every_nth_instruction(at_once::INSTRUCTIONS);
    lua.set_global_hook(every, move |lua, _| {
        let looked = at_once.look(lua.used_memory());
        looked.map_err(Raised::into_error)?;
        Ok(VmState::Continue)
    })
}

/// Lets what runs too long be told to others, and be ended. Threads that scripts make inherit it.
fn watch_over(
    lua: &Lua,
    server: Weak<Server>,
    begun: &Rc<Cell<Instant>>,
    loading: &Rc<Loading>,
) -> mlua::Result<()> {
    let (since, loading) = (Rc::clone(begun), Rc::clone(loading));
    let every = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
    lua.set_global_hook(every, move |_, _| match server.upgrade() {
        _ if loading.is_on() => loading.watch(since.get()),
        Some(server) => watch(&server, since.get()),
        None => Ok(VmState::Continue),
    })
}

/// What a program may do that has declared this.
///
/// # Errors
///
/// It may not run.
fn may(server: &Server, hold: &Hold<'_, '_>, declared: Declared) -> Result<May, CommandError> {
    let is_for_readers = matches!(hold, Hold::Look(_));
    let no_writes = declared.no_writes();
    let is_full = server.is_memory_full();
    let lacks_replicas = server.settings.replicas_min.get() > 0;
    if lacks_replicas && declared.is_told() && !no_writes {
        return Err(CommandError::NO_REPLICAS);
    }
    if is_full && declared.is_told() && !no_writes && !declared.allows_oom() {
        return Err(CommandError::OUT_OF_MEMORY);
    }
    if is_for_readers && declared.is_told() && !no_writes {
        return Err(WRITES);
    }
    Ok(May {
        write: !is_for_readers && !no_writes,
        do_without_replicas: !lacks_replicas,
        grow: !is_full || declared.allows_oom(),
    })
}

/// The interpreter's own error as an answer.
pub(super) fn internal(error: mlua::Error) -> CommandError {
    CommandError::err(failure::plain_text(&error))
}

/// What a request of a script inside of a request of a script is answered; there is no such thing.
const NESTED: &[u8] = b"ERR a request of a script cannot hold another";

/// Looks at the script that runs since `begun`.
fn watch(server: &Server, begun: Instant) -> mlua::Result<VmState> {
    let running = &server.scripts.running;
    if !running.is_on() {
        return Ok(VmState::Continue);
    }
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
        true => Err(Raised::Killed(running.kind()).into_error()),
        false => Ok(VmState::Continue),
    }
}
