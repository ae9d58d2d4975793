//! The times at which keys go, as requests give them.
//!
//! Owns the four forms of a time and which numbers are times; whether a time has come is the store's to say.

use kv_core::{Expiry, Txn, UnixMillis, View};

use super::args::{self, Args};
use super::error::CommandError;
use super::event;

/// How a number says when a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// Seconds from now.
    InSeconds,
    /// Milliseconds from now.
    InMillis,
    /// Unix time in seconds.
    AtSecond,
    /// Unix time in milliseconds.
    AtMilli,
}

impl TimeForm {
    /// The point in time that `number` stands for; `None` when it is too far away to be expressed.
    pub(crate) fn resolve(self, number: i64, now: UnixMillis) -> Option<UnixMillis> {
        let millis = match self {
            Self::InSeconds | Self::AtSecond => number.checked_mul(1000)?,
            Self::InMillis | Self::AtMilli => number,
        };
        match self {
            Self::InSeconds | Self::InMillis => now.checked_add(millis),
            Self::AtSecond | Self::AtMilli => Some(UnixMillis(millis)),
        }
    }

    /// The point in time that the word `number` stands for, where only a positive number is a time. `command`
    /// is who asks.
    ///
    /// # Errors
    ///
    /// The word is no integer, not positive, or too far away.
    pub(crate) fn read(
        self,
        number: &[u8],
        now: UnixMillis,
        command: &str,
    ) -> Result<UnixMillis, CommandError> {
        Some(args::integer(number)?)
            .filter(|&number| number > 0)
            .and_then(|number| self.resolve(number, now))
            .ok_or_else(|| CommandError::invalid_expire_time(command))
    }
}

/// One of the options `EX`, `PX`, `EXAT`, `PXAT` with its number, which is not read yet: a mistake in the
/// syntax further on is reported before one in the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOption<'r> {
    /// Which of the options.
    pub(crate) form: TimeForm,
    /// What stands behind it.
    pub(crate) number: &'r [u8],
}

impl<'r> TimeOption<'r> {
    /// Takes the option and its number if they come next.
    ///
    /// # Errors
    ///
    /// The option without a number.
    pub(crate) fn eat(args: &mut Args<'r>) -> Result<Option<Self>, CommandError> {
        let form = if args.eat(b"EX") {
            TimeForm::InSeconds
        } else if args.eat(b"PX") {
            TimeForm::InMillis
        } else if args.eat(b"EXAT") {
            TimeForm::AtSecond
        } else if args.eat(b"PXAT") {
            TimeForm::AtMilli
        } else {
            return Ok(None);
        };
        let number = args.bytes()?;
        Ok(Some(Self { form, number }))
    }
}

/// Changes when `key` goes, `None` for never, and announces it; whether it was there and anything changed. A time
/// that has come takes the key away at once.
pub(crate) fn change(txn: &mut Txn<'_>, key: &[u8], expires: Option<UnixMillis>) -> bool {
    let changed = txn.set_expiry(key, expires);
    if changed {
        let event = match expires {
            None => event::PERSIST,
            Some(_) if txn.exists(key) => event::EXPIRE,
            Some(_) => event::EXPIRED,
        };
        txn.announce(key, event);
    }
    changed
}

/// What a look at a value is to make of its expiry: the words behind `GETEX` and `HGETEX`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum End<'r> {
    /// It stays.
    #[default]
    AsBefore,
    /// `PERSIST`: there is none any more.
    Never,
    /// It is this.
    At(TimeOption<'r>),
}

impl<'r> End<'r> {
    /// Reads all words that are left. One option may be repeated, the last one counts.
    ///
    /// # Errors
    ///
    /// They are no options, or contradict each other.
    pub(crate) fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut end = Self::AsBefore;
        while args.len() > 0 {
            let next = if args.eat(b"PERSIST") {
                Self::Never
            } else {
                Self::At(TimeOption::eat(&mut args)?.ok_or(CommandError::SYNTAX)?)
            };
            end = match (end, next) {
                (Self::At(one), Self::At(other)) if one.form != other.form => {
                    return Err(CommandError::SYNTAX);
                }
                (Self::At(_), Self::Never) | (Self::Never, Self::At(_)) => {
                    return Err(CommandError::SYNTAX);
                }
                (_, next) => next,
            };
        }
        Ok(end)
    }
}

/// When `key` goes, if it is there and ever goes.
pub(crate) fn current(view: &mut View<'_>, key: &[u8]) -> Option<UnixMillis> {
    match view.expiry(key) {
        Expiry::At(time) => Some(time),
        Expiry::NoKey | Expiry::Never => None,
    }
}
