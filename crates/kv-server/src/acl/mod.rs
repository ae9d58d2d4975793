//! Who may do what: users, their passwords, and what each of them is allowed.
//!
//! Users live in memory. A server that starts has one, `default`, who needs no password and may do everything.
//!
//! Invariant: no password is kept, only its SHA-256.
//! Invariant: a connection meets a change of its user at its next request.

mod check;
mod modifier;
mod user;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use self::user::User;

/// The user that connections are before they log in, if it lets them.
pub(crate) const DEFAULT: &[u8] = b"default";

/// All users.
#[derive(Debug)]
pub(crate) struct Acl {
    users: RwLock<BTreeMap<Vec<u8>, Arc<User>>>,
    /// Moves on with each change.
    generation: AtomicU64,
}

impl Default for Acl {
    fn default() -> Self {
        let users = BTreeMap::from([(DEFAULT.to_vec(), Arc::new(User::everybody()))]);
        Self {
            users: RwLock::new(users),
            generation: AtomicU64::new(0),
        }
    }
}

impl Acl {
    /// The user called `name`.
    pub(crate) fn user(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users().get(name).cloned()
    }

    /// All users, by name.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        self.users().values().cloned().collect()
    }

    /// Puts `change` of the user called `name`, who is new if there is none, into effect, if it succeeds.
    ///
    /// # Errors
    ///
    /// Those of `change`.
    pub(crate) fn set<E>(
        &self,
        name: &[u8],
        change: impl FnOnce(&mut User) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut users = self.users_mut();
        let mut user = match users.get(name) {
            Some(user) => User::clone(user),
            None => User::nobody(name),
        };
        change(&mut user)?;
        users.insert(name.to_vec(), Arc::new(user));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Gives the default user this password and no other; an empty one: it needs none.
    pub(crate) fn set_default_password(&self, password: &[u8]) {
        let changed: Result<(), Infallible> = self.set(DEFAULT, |user| {
            user.set_password(password);
            Ok(())
        });
        let Ok(()) = changed;
    }

    /// Removes the user called `name`; whether there was one.
    pub(crate) fn remove(&self, name: &[u8]) -> bool {
        let removed = self.users_mut().remove(name).is_some();
        self.generation.fetch_add(1, Ordering::Release);
        removed
    }

    /// The user called `name`, if this is a password of theirs and they may log in.
    pub(crate) fn log_in(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let user = self.user(name)?;
        (user.is_on && user.has_password(password)).then_some(user)
    }

    fn users(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, Arc<User>>> {
        self.users.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn users_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<Vec<u8>, Arc<User>>> {
        self.users.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As whom a connection has logged in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    user: Option<Arc<User>>,
    /// The generation that `user` is of.
    seen: u64,
}

impl Login {
    /// A connection that has said nothing: the default user's, if that needs no password.
    pub(crate) fn new(acl: &Acl) -> Self {
        let seen = acl.generation.load(Ordering::Acquire);
        let user = acl.user(DEFAULT);
        Self {
            user: user.filter(|user| user.is_on && user.needs_no_password),
            seen,
        }
    }

    /// The connection is `user`'s from now on.
    pub(crate) fn become_user(&mut self, user: Arc<User>) {
        self.user = Some(user);
        // What has changed since is looked up at the next request.
        self.seen = u64::MAX;
    }

    /// Whose connection it is; `None` before it has logged in.
    #[inline]
    pub(crate) fn user(&mut self, acl: &Acl) -> Option<&Arc<User>> {
        let generation = acl.generation.load(Ordering::Acquire);
        if self.seen != generation {
            self.seen = generation;
            self.user = self.user.take().and_then(|user| acl.user(&user.name));
        }
        self.user.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(acl: &Acl, name: &[u8], words: &[&str]) -> Result<(), String> {
        acl.set(name, |user| {
            let mut words = words.iter();
            words.try_for_each(|word| user.modify(word.as_bytes()))
        })
    }

    #[test]
    fn a_change_that_fails_changes_nothing_and_others_are_met_at_once() {
        let acl = Acl::default();
        let mut login = Login::new(&acl);
        assert!(login.user(&acl).is_some_and(|user| user.is_unrestricted()));
        set(&acl, b"bob", &["on", ">secret", "+get", "~*"]).unwrap();
        assert!(set(&acl, b"bob", &["+set", "+nosuch"]).is_err());
        assert!(acl.log_in(b"bob", b"wrong").is_none());
        let bob = acl.log_in(b"bob", b"secret").unwrap();
        login.become_user(bob);
        let line = |login: &mut Login| login.user(&acl).map(|user| user.commands_line());
        assert_eq!(line(&mut login).as_deref(), Some("-@all +get"));
        set(&acl, b"bob", &["-@all", "+set"]).unwrap();
        assert_eq!(line(&mut login).as_deref(), Some("-@all +set"));
        assert!(acl.remove(b"bob"));
        assert_eq!(line(&mut login), None);
        set(&acl, DEFAULT, &[">pw"]).unwrap();
        assert!(Login::new(&acl).user(&acl).is_none());
    }
}
