//! `FIELDS numfields field [field ...]`: the end of a request about some fields, and the options before it.

use crate::command::args::{Args, Words};
use crate::command::error::CommandError;

const COUNT: CommandError = CommandError::fixed(
    "ERR",
    "numfields should be greater than 0 and match the provided number of fields",
);

/// The words around `FIELDS`.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldList<'r> {
    /// What stands before it.
    pub(super) options: Args<'r>,
    list: Args<'r>,
}

impl<'r> FieldList<'r> {
    /// Splits the words that are left where `FIELDS` stands.
    ///
    /// # Errors
    ///
    /// It stands nowhere, or at the end.
    pub(super) fn split(mut args: Args<'r>) -> Result<Self, CommandError> {
        let is_fields = |word: &[u8]| word.eq_ignore_ascii_case(b"FIELDS");
        let at = args.rest().position(is_fields).ok_or(COUNT)?;
        let options = args.take(at)?;
        args.bytes()?;
        if args.len() == 0 {
            return Err(COUNT);
        }
        Ok(Self {
            options,
            list: args,
        })
    }

    /// Takes `FIELDS`, where no option can stand before it.
    ///
    /// # Errors
    ///
    /// Another word comes next.
    pub(super) fn eat(mut args: Args<'r>) -> Result<Self, CommandError> {
        let options = args.take(0)?;
        if !args.eat(b"FIELDS") {
            return Err(CommandError::SYNTAX);
        }
        Ok(Self {
            options,
            list: args,
        })
    }

    /// The fields, each with the words that belong to it, `words_each` in all.
    ///
    /// # Errors
    ///
    /// They are not as many as announced.
    pub(super) fn fields(self, words_each: usize) -> Result<Words<'r>, CommandError> {
        self.fields_or(COUNT, words_each)
    }

    /// The same with another error.
    ///
    /// # Errors
    ///
    /// `error`, where they are not as many as announced.
    pub(super) fn fields_or(
        mut self,
        error: CommandError,
        words_each: usize,
    ) -> Result<Words<'r>, CommandError> {
        let count = usize::try_from(self.list.int()?).ok();
        match count.and_then(|count| count.checked_mul(words_each)) {
            Some(words) if words > 0 && words == self.list.len() => Ok(self.list.words()),
            _ => Err(error),
        }
    }
}
