//! The words of one request behind the command's name, read from front to back.
//!
//! Owns what a number looks like on the wire. Option words are compared without regard to case.

use kv_core::StringValue;
use kv_proto::RequestRef;

use super::error::CommandError;
use super::spec::CommandSpec;

/// A place among the words of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'r> {
    spec: &'static CommandSpec,
    request: RequestRef<'r>,
    next: usize,
}

impl<'r> Args<'r> {
    /// The words of `request`, which asks for `spec`, from the first behind its name.
    pub(crate) fn new(spec: &'static CommandSpec, request: RequestRef<'r>) -> Self {
        Self {
            spec,
            request,
            next: spec.name_words(),
        }
    }

    /// The command that was asked for.
    pub(crate) fn spec(&self) -> &'static CommandSpec {
        self.spec
    }

    /// How many words are left.
    pub(crate) fn len(&self) -> usize {
        self.request.len().saturating_sub(self.next)
    }

    /// The next word, left in place.
    pub(crate) fn peek(&self) -> Option<&'r [u8]> {
        self.request.get(self.next)
    }

    /// The next word, as a key.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn key(&mut self) -> Result<&'r [u8], CommandError> {
        self.bytes()
    }

    /// The next word.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn bytes(&mut self) -> Result<&'r [u8], CommandError> {
        let word = self.peek().ok_or(CommandError::SYNTAX)?;
        self.next += 1;
        Ok(word)
    }

    /// The next word, as an integer.
    ///
    /// # Errors
    ///
    /// There is none, or it is not the plain decimal form of an integer of 64 bits.
    pub(crate) fn int(&mut self) -> Result<i64, CommandError> {
        match StringValue::new(self.bytes()?) {
            StringValue::Int(number) => Ok(number),
            StringValue::Bytes(_) => Err(CommandError::NOT_AN_INTEGER),
        }
    }

    /// Takes the next word if it is `option`, in any case.
    pub(crate) fn eat(&mut self, option: &[u8]) -> bool {
        let eaten = self
            .peek()
            .is_some_and(|word| word.eq_ignore_ascii_case(option));
        self.next += usize::from(eaten);
        eaten
    }

    /// All words that are left.
    pub(crate) fn rest(self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        self.request.iter().skip(self.next)
    }

    /// There is no further word.
    ///
    /// # Errors
    ///
    /// There is one.
    pub(crate) fn finish(self) -> Result<(), CommandError> {
        match self.len() {
            0 => Ok(()),
            _ => Err(CommandError::SYNTAX),
        }
    }

    /// The error that the command takes another number of words.
    pub(crate) fn wrong_arity(&self) -> CommandError {
        CommandError::wrong_arity(self.spec.name)
    }
}
