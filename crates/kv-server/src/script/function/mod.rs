//! Functions: programs that are kept under names, in libraries.
//!
//! The store keeps the code of libraries, which makes it as durable as all data; what is here is what has become of
//! it in the interpreter: whenever it is asked for, it is made to agree with the store first.
//!
//! Invariant: no two libraries have functions whose names differ by case at most.

pub(crate) mod code;
pub(crate) mod load;
pub(super) mod register;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kv_core::Libraries;
use mlua::{Function, Lua, Table};

use super::shebang::Declared;
use crate::command::error::CommandError;

/// What is told of a function.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) name: Box<[u8]>,
    pub(crate) description: Option<Box<[u8]>>,
    pub(super) declared: Declared,
}

impl Described {
    /// The words for what it may do.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static str> {
        self.declared.flags()
    }

    fn is_called(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A function that a library which is loaded has.
#[derive(Clone)]
pub(crate) struct Registered {
    about: Described,
    callback: Function,
}

/// A library that was loaded and is not among the others yet.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) name: Box<[u8]>,
    pub(super) code: Arc<[u8]>,
    pub(super) functions: Vec<Registered>,
    /// How many bytes the interpreter needs for it, about.
    pub(super) bytes: usize,
}

/// A library.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) code: Arc<[u8]>,
    /// In the order in which it named them.
    pub(crate) functions: Vec<Described>,
    bytes: usize,
}

/// The library of a function, and what is told of the function.
type Owned = (Box<[u8]>, Described);

/// All of them.
pub(super) struct Functions {
    /// The version of the store's libraries that these agree with; `None`: they may agree with none.
    agreed: Option<u64>,
    libraries: BTreeMap<Box<[u8]>, Library>,
    /// By the function's name in small letters.
    owners: HashMap<Box<[u8]>, Owned>,
    /// Function by name in small letters: inside of the interpreter, where there may be many.
    callbacks: Table,
    /// How long all code is.
    code_bytes: usize,
    /// How many bytes the interpreter needs for it, about.
    bytes: usize,
    /// How often a library came or went.
    pub(super) changes: u64,
}

impl Functions {
    /// None.
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            agreed: None,
            libraries: BTreeMap::new(),
            owners: HashMap::new(),
            callbacks: lua.create_table()?,
            code_bytes: 0,
            bytes: 0,
            changes: 0,
        })
    }

    /// Whether these agree with the libraries of this version.
    pub(super) fn agree(&self, version: u64) -> bool {
        self.agreed == Some(version)
    }

    /// These agree with the libraries of this version, `None` for none.
    pub(super) fn set_agreed(&mut self, version: Option<u64>) {
        self.agreed = version;
    }

    /// Forgets what `libraries` do not have, or have otherwise; the code of those that are to be added.
    pub(super) fn forget_others(&mut self, libraries: &Libraries) -> mlua::Result<Vec<Arc<[u8]>>> {
        let is_there = |name: &[u8], code: &Arc<[u8]>| {
            let there = libraries.get(name);
            there.is_some_and(|there| Arc::ptr_eq(there, code) || there == code)
        };
        let all = self.libraries.iter();
        let gone = all.filter(|(name, library)| !is_there(name, &library.code));
        for name in gone.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.remove(&name)?;
        }
        let new = libraries.iter();
        let new = new.filter(|(name, _)| !self.libraries.contains_key(&**name));
        Ok(new.map(|(_, code)| Arc::clone(code)).collect())
    }

    /// The first function of `library` whose name one of another library has, if that one does not go.
    pub(super) fn in_the_way<'l>(
        &self,
        library: &'l Loaded,
        goes: impl Fn(&[u8]) -> bool,
    ) -> Option<&'l [u8]> {
        let mut names = library
            .functions
            .iter()
            .map(|function| &*function.about.name);
        names.find(|name| {
            let owner = self.owners.get(&small(name));
            owner.is_some_and(|(owner, _)| *owner != library.name && !goes(owner))
        })
    }

    /// Adds a library, in the place of one that has its name.
    pub(super) fn put(&mut self, library: Loaded) -> mlua::Result<()> {
        self.remove(&library.name)?;
        self.changes += 1;
        let mut functions = Vec::with_capacity(library.functions.len());
        for Registered { about, callback } in library.functions {
            let name = small(&about.name);
            self.callbacks
                .raw_set(&*String::from_utf8_lossy(&name), callback)?;
            let owned = (library.name.clone(), about.clone());
            self.owners.insert(name, owned);
            functions.push(about);
        }
        self.code_bytes += library.code.len();
        self.bytes += library.bytes;
        let kept = Library {
            code: library.code,
            functions,
            bytes: library.bytes,
        };
        self.libraries.insert(library.name, kept);
        Ok(())
    }

    /// Removes a library, if there is one of this name.
    pub(super) fn remove(&mut self, name: &[u8]) -> mlua::Result<()> {
        let Some(library) = self.libraries.remove(name) else {
            return Ok(());
        };
        self.changes += 1;
        self.code_bytes -= library.code.len();
        self.bytes -= library.bytes;
        for about in &library.functions {
            let name = small(&about.name);
            self.callbacks
                .raw_remove(&*String::from_utf8_lossy(&name))?;
            self.owners.remove(&name);
        }
        Ok(())
    }

    /// A function, and what is told of it.
    pub(super) fn find(&self, name: &[u8]) -> mlua::Result<Option<(Function, &Described)>> {
        let name = small(name);
        let Some((_, about)) = self.owners.get(&name) else {
            return Ok(None);
        };
        let callback = self.callbacks.raw_get(&*String::from_utf8_lossy(&name))?;
        Ok(Some((callback, about)))
    }

    /// The names of functions that say that they change nothing.
    pub(super) fn readers(&self) -> impl Iterator<Item = Box<[u8]>> {
        let all = self.owners.iter();
        all.filter(|(_, (_, about))| about.declared.no_writes())
            .map(|(name, _)| name.clone())
    }

    /// All libraries.
    pub(super) fn libraries(&self) -> &BTreeMap<Box<[u8]>, Library> {
        &self.libraries
    }

    /// How many libraries and how many functions there are, how long the code is, and about how many bytes the
    /// interpreter needs for them.
    pub(super) fn figures(&self) -> [usize; 4] {
        let [libraries, functions] = [self.libraries.len(), self.owners.len()];
        [libraries, functions, self.code_bytes, self.bytes]
    }
}

fn small(name: &[u8]) -> Box<[u8]> {
    name.to_ascii_lowercase().into()
}

/// There is a library of this name already.
fn library_exists(name: &[u8]) -> CommandError {
    let name = String::from_utf8_lossy(name);
    CommandError::err(format!("Library '{name}' already exists"))
}

/// There is a function of this name in another library.
fn function_exists(name: &[u8]) -> CommandError {
    let name = String::from_utf8_lossy(name);
    CommandError::err(format!("Function {name} already exists"))
}
