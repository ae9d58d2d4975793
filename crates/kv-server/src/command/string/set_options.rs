//! The options of `SET` and `MSETEX`: under which condition, and until when.

use kv_core::{StringValue, UnixMillis};

use super::comparison::Comparison;
use crate::command::expire_time::{self, TimeOption};
use crate::command::prelude::*;

/// What has to hold for the value to be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition<'r> {
    /// Nothing.
    #[default]
    None,
    /// `NX`: the key is not there.
    NoKey,
    /// `XX`: the key is there.
    Key,
    /// What it holds must be, or must not be, something certain.
    Compares(Comparison<'r>),
}

/// When the key goes, as far as the options say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EndOption<'r> {
    /// They say nothing: never.
    #[default]
    Never,
    /// `KEEPTTL`: when the value before it would have gone.
    AsBefore,
    /// At this time.
    At(TimeOption<'r>),
}

/// All options of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SetOptions<'r> {
    /// What has to hold.
    pub(super) condition: Condition<'r>,
    /// When the key goes.
    pub(super) end: EndOption<'r>,
    /// Whether the old value is asked for.
    pub(super) get: bool,
}

impl<'r> SetOptions<'r> {
    /// Reads all words that are left. An option may be repeated; two that contradict each other may not stand
    /// together.
    ///
    /// # Errors
    ///
    /// They do, or a word is no option.
    pub(super) fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if args.eat(b"GET") {
                options.get = true;
            } else if args.eat(b"NX") {
                options.only_if(Condition::NoKey)?;
            } else if args.eat(b"XX") {
                options.only_if(Condition::Key)?;
            } else if let Some(comparison) = Comparison::eat(&mut args)? {
                options.only_if(Condition::Compares(comparison))?;
            } else if args.eat(b"KEEPTTL") {
                options.until(EndOption::AsBefore)?;
            } else if let Some(time) = TimeOption::eat(&mut args)? {
                options.until(EndOption::At(time))?;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    fn only_if(&mut self, condition: Condition<'r>) -> Result<(), CommandError> {
        let repeats = self.condition == condition && !matches!(condition, Condition::Compares(_));
        if self.condition != Condition::None && !repeats {
            return Err(CommandError::SYNTAX);
        }
        self.condition = condition;
        Ok(())
    }

    fn until(&mut self, end: EndOption<'r>) -> Result<(), CommandError> {
        let agree = match (self.end, end) {
            (EndOption::Never, _) => true,
            (EndOption::At(one), EndOption::At(other)) => one.form == other.form,
            (one, other) => one == other,
        };
        if !agree {
            return Err(CommandError::SYNTAX);
        }
        self.end = end;
        Ok(())
    }
}

impl Condition<'_> {
    /// Whether it holds of `key`.
    ///
    /// # Errors
    ///
    /// What the key holds is to be compared, and it holds something else than a string.
    pub(super) fn holds(self, view: &mut View<'_>, key: &[u8]) -> Result<bool, CommandError> {
        Ok(match self {
            Self::None => true,
            Self::NoKey => !view.exists(key),
            Self::Key => view.exists(key),
            Self::Compares(comparison) => comparison.holds(view.string(key)?),
        })
    }
}

/// When a key goes, its time read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Never.
    Never,
    /// When the value before it would have gone.
    AsBefore,
    /// Then.
    At(UnixMillis),
}

impl EndOption<'_> {
    /// Reads the time, which `command` was given.
    ///
    /// # Errors
    ///
    /// It cannot be one.
    pub(super) fn resolve(self, now: UnixMillis, command: &str) -> Result<End, CommandError> {
        Ok(match self {
            Self::Never => End::Never,
            Self::AsBefore => End::AsBefore,
            Self::At(time) => End::At(time.form.read(time.number, now, command)?),
        })
    }
}

impl End {
    /// Sets the string at `key`; one whose end has come already is not there afterwards.
    pub(super) fn put(self, txn: &mut Txn<'_>, key: &[u8], value: &[u8]) {
        let expires = match self {
            Self::Never => None,
            Self::AsBefore => expire_time::current(txn, key),
            Self::At(time) if time <= txn.now() => {
                if txn.delete(key) {
                    txn.announce(key, event::EXPIRED);
                }
                return;
            }
            Self::At(time) => Some(time),
        };
        txn.set_string(key, StringValue::new(value), expires);
        txn.announce(key, event::SET);
        if let Self::At(_) = self {
            txn.announce(key, event::EXPIRE);
        }
    }
}
