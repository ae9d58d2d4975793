//! What scripts have become in one interpreter: functions, by the numbers of the scripts.
//!
//! Invariant: a function is found only by whoever has found its script among those that all interpreters share: one that
//! is forgotten there is not run here, however long it stays.

use mlua::{Function, Lua, Table};

use super::store::Store;

/// When so many functions have come, those go whose scripts were forgotten.
const NEW_MAX: usize = 100;

/// The functions of one interpreter.
pub(super) struct Compiled {
    /// Inside of the interpreter, where there may be many.
    functions: Table,
    /// How many have come since forgotten ones went.
    new: usize,
}

impl Compiled {
    /// None.
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            functions: lua.create_table()?,
            new: 0,
        })
    }

    /// The function of the script with this number, if it was compiled here.
    pub(super) fn find(&self, number: i64) -> mlua::Result<Option<Function>> {
        self.functions.raw_get(number)
    }

    /// Adds a function.
    pub(super) fn add(
        &mut self,
        lua: &Lua,
        number: i64,
        function: &Function,
        store: &Store,
    ) -> mlua::Result<()> {
        if self.new >= NEW_MAX {
            self.forget_others(lua, store)?;
        }
        self.new += 1;
        self.functions.raw_set(number, function)
    }

    /// Forgets those whose scripts are not in `store`.
    pub(super) fn forget_others(&mut self, lua: &Lua, store: &Store) -> mlua::Result<()> {
        let functions = lua.create_table()?;
        for number in store.numbers() {
            if let Some(function) = self.find(number)? {
                functions.raw_set(number, function)?;
            }
        }
        self.functions = functions;
        self.new = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::shebang::Declared;
    use super::super::store::Digest;
    use super::*;

    #[test]
    fn functions_of_forgotten_scripts_go() {
        let lua = Lua::new();
        let (mut store, mut compiled) = (Store::default(), Compiled::new(&lua).unwrap());
        let mut compile = |store: &mut Store, source: &str| {
            let known = store.add(
                Digest::of(source.as_bytes()),
                source.as_bytes(),
                Declared::default(),
            );
            let function = lua.load(source).into_function().unwrap();
            compiled.add(&lua, known.number, &function, store).unwrap();
            known.number
        };
        let gone = compile(&mut store, "return 'gone'");
        store.clear();
        let numbers: Vec<i64> = (0..NEW_MAX)
            .map(|number| compile(&mut store, &format!("return {number}")))
            .collect();
        assert!(compiled.find(gone).unwrap().is_none());
        for number in numbers {
            assert!(compiled.find(number).unwrap().is_some());
        }
    }
}
