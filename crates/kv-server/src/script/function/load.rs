//! The interpreter's side of libraries: their code becomes functions, and functions agree with what the store has.

use std::time::{Duration, Instant};

use kv_core::{Libraries, Txn, View};
use mlua::Value;
use mlua::chunk::ChunkMode;

use super::super::failure::{self, LIBRARY_CHUNK};
use super::super::machine::{Machine, Runnable, internal};
use super::super::running::Kind;
use super::code::{bad_name, is_name, split};
use super::{Functions, Library, Loaded, function_exists, library_exists};
use crate::command::error::CommandError;
use crate::server::Server;

/// How long the code of a library may run when a client adds it.
const LOAD_TIME_MAX: Duration = Duration::from_millis(500);

/// There is no function of this name.
const NO_FUNCTION: CommandError = CommandError::fixed("ERR", "Function not found");

/// What becomes of libraries whose names those of a payload have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// All libraries go first.
    Flush,
    /// That must not be.
    Append,
    /// They go.
    Replace,
}

impl Machine {
    /// Adds the library that `code` is, if there is none of its name or it may replace that; its name.
    ///
    /// # Errors
    ///
    /// It is none, or collides with another one.
    pub(crate) fn add_library(
        &self,
        server: &Server,
        txn: &mut Txn<'_>,
        code: &[u8],
        replaces: bool,
    ) -> Result<Box<[u8]>, CommandError> {
        self.settle(server, txn);
        let (name, _) = split(code)?;
        if !replaces && txn.libraries().contains_key(&*name) {
            return Err(library_exists(&name));
        }
        let loaded = self.load_library(code, Some(LOAD_TIME_MAX))?;
        if let Some(name) = self.functions.borrow().in_the_way(&loaded, |_| false) {
            return Err(function_exists(name));
        }
        self.change_libraries(server, txn, |functions, txn| {
            txn.set_library(&name, Some(code));
            functions.put(loaded)
        })?;
        Ok(name.into())
    }

    /// Removes a library; whether there was one.
    ///
    /// # Errors
    ///
    /// The interpreter has no memory left to do it.
    pub(crate) fn remove_library(
        &self,
        server: &Server,
        txn: &mut Txn<'_>,
        name: &[u8],
    ) -> Result<bool, CommandError> {
        self.settle(server, txn);
        let mut there = false;
        self.change_libraries(server, txn, |functions, txn| {
            there = txn.set_library(name, None);
            functions.remove(name)
        })?;
        Ok(there)
    }

    /// Removes all libraries.
    ///
    /// # Errors
    ///
    /// The interpreter has no memory left to do it.
    pub(crate) fn remove_libraries(
        &self,
        server: &Server,
        txn: &mut Txn<'_>,
    ) -> Result<(), CommandError> {
        self.change_libraries(server, txn, |functions, txn| {
            for name in txn.libraries().keys() {
                txn.set_library(name, None);
                functions.remove(name)?;
            }
            Ok(())
        })?;
        self.lua.gc_collect().map_err(internal)
    }

    /// Adds the libraries that `codes` are, all of them or none.
    ///
    /// # Errors
    ///
    /// One is none, or collides with another one of them, or with one that is there and stays.
    pub(crate) fn add_libraries(
        &self,
        server: &Server,
        txn: &mut Txn<'_>,
        codes: &[Vec<u8>],
        policy: Policy,
    ) -> Result<(), CommandError> {
        self.settle(server, txn);
        // Apart from those that are there first.
        let mut apart = Functions::new(&self.lua).map_err(internal)?;
        let mut all = Vec::with_capacity(codes.len());
        for code in codes {
            let (name, _) = split(code)?;
            if apart.libraries().contains_key(&*name) {
                return Err(library_exists(&name));
            }
            let loaded = self.load_library(code, Some(LOAD_TIME_MAX))?;
            if let Some(name) = apart.in_the_way(&loaded, |_| false) {
                return Err(function_exists(name));
            }
            apart.put(loaded.clone()).map_err(internal)?;
            all.push(loaded);
        }
        let there = txn.libraries();
        let taken = all.iter().find(|loaded| there.contains_key(&loaded.name));
        if let (Policy::Append, Some(loaded)) = (policy, taken) {
            let name = String::from_utf8_lossy(&loaded.name);
            return Err(CommandError::err(format!("Library {name} already exists")));
        }
        let goes = |name: &[u8]| policy == Policy::Flush || apart.libraries().contains_key(name);
        let functions = self.functions.borrow();
        let mut collisions = all
            .iter()
            .filter_map(|loaded| functions.in_the_way(loaded, goes));
        if let Some(name) = collisions.next() {
            return Err(function_exists(name));
        }
        drop(collisions);
        drop(functions);
        self.change_libraries(server, txn, |functions, txn| {
            for name in there.keys().filter(|name| goes(name)) {
                if !apart.libraries().contains_key(name) {
                    txn.set_library(name, None);
                }
                functions.remove(name)?;
            }
            for loaded in all {
                txn.set_library(&loaded.name, Some(&loaded.code));
                functions.put(loaded)?;
            }
            Ok(())
        })
    }

    /// Changes functions and libraries together. Should the log refuse the latter, the next one who asks finds that
    /// they do not agree, and mends it.
    fn change_libraries(
        &self,
        server: &Server,
        txn: &mut Txn<'_>,
        change: impl FnOnce(&mut Functions, &mut Txn<'_>) -> mlua::Result<()>,
    ) -> Result<(), CommandError> {
        let mut functions = self.functions.borrow_mut();
        functions.set_agreed(None);
        let before = txn.libraries_version();
        let changed = change(&mut functions, txn);
        let after = txn.libraries_version();
        functions.set_agreed((changed.is_ok() && before != after).then_some(after));
        drop(functions);
        self.tell(server);
        changed.map_err(internal)
    }

    /// Makes the functions agree with the libraries of the store.
    pub(crate) fn settle(&self, server: &Server, view: &mut View<'_>) {
        let version = view.libraries_version();
        if self.functions.borrow().agree(version) {
            return;
        }
        if let Err(error) = self.agree_with(&view.libraries()) {
            return tracing::error!(%error, "cannot make functions of the libraries");
        }
        self.functions.borrow_mut().set_agreed(Some(version));
        self.tell(server);
    }

    fn agree_with(&self, libraries: &Libraries) -> mlua::Result<()> {
        let new = self.functions.borrow_mut().forget_others(libraries)?;
        for code in new {
            // It was loaded once: as long as it takes, it takes.
            match self.load_library(&code, None) {
                Ok(loaded) => self.functions.borrow_mut().put(loaded)?,
                Err(error) => tracing::error!(%error, "cannot load a library of functions"),
            }
        }
        Ok(())
    }

    /// Runs the code of a library, to learn which functions it has.
    fn load_library(&self, code: &[u8], at_most: Option<Duration>) -> Result<Loaded, CommandError> {
        let (name, program) = split(code)?;
        let before = self.lua.used_memory();
        let chunk = self
            .lua
            .load(program)
            .set_name(LIBRARY_CHUNK)
            .set_mode(ChunkMode::Text)
            .set_environment(self.sandbox.function_environment.clone());
        let program = chunk.into_function().map_err(|error| {
            let text = failure::syntax(&error);
            CommandError::err(format!("Error compiling function: {text}"))
        })?;
        self.begun.set(Instant::now());
        let sandbox = &self.sandbox;
        sandbox.set_loading.call::<()>(true).map_err(internal)?;
        sandbox.loading.begin(at_most);
        let ran = sandbox.run.call::<(bool, Value)>(program);
        let functions = sandbox.loading.end();
        sandbox.set_loading.call::<()>(false).map_err(internal)?;
        let (ended_well, value) = ran.map_err(internal)?;
        if !ended_well {
            let text = self.final_error(None, &value).map_err(internal)?;
            let text = String::from_utf8_lossy(&text);
            return Err(CommandError::err(format!(
                "Error registering functions: {text}"
            )));
        }
        let loaded = Loaded {
            name: name.into(),
            code: code.into(),
            functions,
            bytes: self.lua.used_memory().saturating_sub(before),
        };
        check(&loaded)?;
        Ok(loaded)
    }

    /// Whether there is a function `name`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn must_have_function(
        &self,
        server: &Server,
        view: &mut View<'_>,
        name: &[u8],
    ) -> Result<(), CommandError> {
        self.settle(server, view);
        self.function(name).map(drop)
    }

    /// The function `name`, of the libraries as they were last settled.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(in crate::script) fn function(&self, name: &[u8]) -> Result<Runnable, CommandError> {
        let functions = self.functions.borrow();
        let (function, about) = functions.find(name).map_err(internal)?.ok_or(NO_FUNCTION)?;
        Ok(Runnable {
            kind: Kind::Function,
            name: String::from_utf8_lossy(&about.name).into_owned(),
            function,
            declared: about.declared,
        })
    }

    /// Shows all libraries, in the order of their names.
    pub(crate) fn show_libraries(&self, mut show: impl FnMut(&[(&[u8], &Library)])) {
        let functions = self.functions.borrow();
        let all = functions.libraries().iter();
        let all: Vec<_> = all.map(|(name, library)| (&**name, library)).collect();
        show(&all);
    }
}

/// Whether a library that was loaded may be one.
fn check(loaded: &Loaded) -> Result<(), CommandError> {
    if loaded.functions.is_empty() {
        return Err(CommandError::err("No functions registered"));
    }
    for (number, function) in loaded.functions.iter().enumerate() {
        let name = &function.about.name;
        if !is_name(name) {
            return Err(CommandError::err(bad_name("Function")));
        }
        let mut before = loaded.functions.iter().take(number);
        if before.any(|other| other.about.is_called(name)) {
            return Err(CommandError::err("Function already exists in the library"));
        }
    }
    Ok(())
}
