//! The scripts that the server knows: asked for by their digests, compiled once in each interpreter.

use std::sync::Arc;

use mlua::Function;
use mlua::chunk::ChunkMode;

use super::Scripts;
use super::failure::{self, SCRIPT_CHUNK};
use super::machine::{Machine, NO_SCRIPT, internal};
use super::shebang;
use super::store::{Digest, Known};
use crate::command::error::CommandError;
use crate::server::Server;

impl Scripts {
    /// Whether there is a script of this digest.
    pub(crate) fn has(&self, digest: &[u8]) -> bool {
        Digest::parse(digest).is_some_and(|digest| self.store().source(&digest).is_some())
    }

    /// The script of this digest.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn source(&self, digest: &[u8]) -> Result<Arc<[u8]>, CommandError> {
        let digest = Digest::parse(digest);
        let source = digest.and_then(|digest| self.store().source(&digest));
        source.ok_or(NO_SCRIPT)
    }
}

impl Machine {
    /// Compiles `source` and lets it stay; its digest.
    ///
    /// # Errors
    ///
    /// It is no program.
    pub(crate) fn load(&self, server: &Server, source: &[u8]) -> Result<String, CommandError> {
        let digest = Digest::of(source);
        self.script(&server.scripts, digest, Some(source))?;
        server.scripts.store().keep(&digest);
        self.tell(server);
        Ok(digest.text().to_owned())
    }

    /// Forgets all scripts.
    ///
    /// # Errors
    ///
    /// There is no memory left to do it.
    pub(crate) fn forget_all(&self, server: &Server) -> Result<(), CommandError> {
        let mut store = server.scripts.store();
        store.clear();
        let mut compiled = self.compiled.borrow_mut();
        let forgotten = compiled.forget_others(&self.lua, &store);
        drop(store);
        forgotten
            .and_then(|()| self.lua.gc_collect())
            .map_err(internal)?;
        self.tell(server);
        Ok(())
    }

    /// The script `digest`, which is added if it is not known and this is its source.
    pub(super) fn script(
        &self,
        scripts: &Scripts,
        digest: Digest,
        source: Option<&[u8]>,
    ) -> Result<(Function, Known), CommandError> {
        let found = scripts.store().find(&digest);
        let mut compiled = self.compiled.borrow_mut();
        if let Some(known) = found
            && let Some(function) = compiled.find(known.number).map_err(internal)?
        {
            return Ok((function, known));
        }
        // Another interpreter may have compiled it: then its source is there, too.
        let kept = scripts.store().source(&digest);
        let source = kept.as_deref().or(source).ok_or(NO_SCRIPT)?;
        let (declared, program) = shebang::split(source)?;
        let chunk = self
            .lua
            .load(program)
            .set_name(SCRIPT_CHUNK)
            .set_mode(ChunkMode::Text);
        self.limit(true);
        let function = chunk.into_function();
        self.limit(false);
        let function = function.map_err(|error| not_a_program(&error))?;
        let mut store = scripts.store();
        let known = store.add(digest, source, declared);
        compiled
            .add(&self.lua, known.number, &function, &store)
            .map_err(internal)?;
        scripts.figures.tell(&store);
        Ok((function, known))
    }
}

fn not_a_program(error: &mlua::Error) -> CommandError {
    let text = failure::syntax(error);
    CommandError::err(format!("Error compiling script (new function): {text}"))
}
