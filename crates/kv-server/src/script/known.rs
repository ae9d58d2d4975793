//! The scripts that the interpreter knows: compiled once, asked for by their digests.

use mlua::Function;
use mlua::chunk::ChunkMode;

use super::failure::{self, SCRIPT_CHUNK};
use super::machine::{Machine, NO_SCRIPT, internal};
use super::shebang::{self, Declared};
use super::store::Digest;
use crate::command::error::CommandError;
use crate::server::Server;

impl Machine {
    /// Compiles `source` and lets it stay; its digest.
    ///
    /// # Errors
    ///
    /// It is no program.
    pub(crate) fn load(&self, server: &Server, source: &[u8]) -> Result<String, CommandError> {
        let digest = Digest::of(source);
        self.script(digest, Some(source))?;
        self.store.borrow_mut().keep(&digest);
        self.tell(server);
        Ok(digest.text().to_owned())
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

    /// The script `digest`, which is added if it is not known and this is its source.
    pub(super) fn script(
        &self,
        digest: Digest,
        source: Option<&[u8]>,
    ) -> Result<(Function, Declared), CommandError> {
        let mut store = self.store.borrow_mut();
        if let Some(found) = store.find(&digest).map_err(internal)? {
            return Ok(found);
        }
        let source = source.ok_or(NO_SCRIPT)?;
        let (declared, program) = shebang::split(source)?;
        let chunk = self
            .lua
            .load(program)
            .set_name(SCRIPT_CHUNK)
            .set_mode(ChunkMode::Text);
        let function = chunk
            .into_function()
            .map_err(|error| not_a_program(&error))?;
        store
            .add(digest, source, declared, &function)
            .map_err(internal)?;
        Ok((function, declared))
    }
}

fn not_a_program(error: &mlua::Error) -> CommandError {
    let text = failure::syntax(error);
    CommandError::err(format!("Error compiling script (new function): {text}"))
}
