//! The words of one request behind the command's name, read from front to back.
//!
//! Owns what a number looks like on the wire. Option words are compared without regard to case.

use kv_core::StringValue;
use kv_proto::RequestRef;
use smallvec::SmallVec;

use super::error::CommandError;
use super::spec::CommandSpec;

/// Some words of a request, as stores take them.
pub(crate) type Words<'r> = SmallVec<[&'r [u8]; 8]>;

/// A place among the words of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'r> {
    spec: &'static CommandSpec,
    request: RequestRef<'r>,
    next: usize,
    /// The place behind the last word.
    end: usize,
}

impl<'r> Args<'r> {
    /// The words of `request`, which asks for `spec`, from the first behind its name.
    pub(crate) fn new(spec: &'static CommandSpec, request: RequestRef<'r>) -> Self {
        Self {
            spec,
            request,
            next: spec.name_words(),
            end: request.len(),
        }
    }

    /// The command that was asked for.
    pub(crate) fn spec(&self) -> &'static CommandSpec {
        self.spec
    }

    /// The whole request.
    pub(crate) fn request(&self) -> RequestRef<'r> {
        self.request
    }

    /// The first word of the request, as it was sent.
    pub(crate) fn name(&self) -> &'r [u8] {
        self.request.arg(0)
    }

    /// How many words are left.
    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.next)
    }

    /// The next word, left in place.
    pub(crate) fn peek(&self) -> Option<&'r [u8]> {
        (self.next < self.end).then(|| self.request.arg(self.next))
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
        integer(self.bytes()?)
    }

    /// The next word, as the number of a database: an integer of 32 bits, of which there may be no database.
    ///
    /// # Errors
    ///
    /// There is none, or it is no integer, or one of more bits.
    pub(crate) fn database(&mut self) -> Result<i64, CommandError> {
        let number = self.int()?;
        match i32::try_from(number) {
            Ok(_) => Ok(number),
            Err(_) => Err(CommandError::NOT_OF_32_BITS),
        }
    }

    /// The next word, as a number that is not less than `least`; `otherwise` says that it is none.
    ///
    /// # Errors
    ///
    /// There is no word, or it is no such number of 63 bits.
    pub(crate) fn at_least(
        &mut self,
        least: usize,
        otherwise: &'static str,
    ) -> Result<usize, CommandError> {
        let number = integer(self.bytes()?).ok();
        number
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number >= least)
            .ok_or_else(|| CommandError::err(otherwise))
    }

    /// The next word, as how many elements are wanted.
    ///
    /// # Errors
    ///
    /// There is no word, or it is no number of 63 bits.
    pub(crate) fn amount(&mut self) -> Result<usize, CommandError> {
        self.at_least(0, "value is out of range, must be positive")
    }

    /// The next word, as an integer of 64 bits that has an opposite: which end to count from, and how far.
    ///
    /// # Errors
    ///
    /// There is no word, or it is no such integer.
    pub(crate) fn signed(&mut self) -> Result<i64, CommandError> {
        let number = self.int()?;
        match number {
            i64::MIN => Err(CommandError::NO_OPPOSITE),
            number => Ok(number),
        }
    }

    /// The next word, as the number of keys that follow.
    ///
    /// # Errors
    ///
    /// There is none, or it is no positive number of 31 bits.
    pub(crate) fn count(&mut self) -> Result<usize, CommandError> {
        let count = integer(self.bytes()?).ok();
        count
            .filter(|count| (1..=i64::from(i32::MAX)).contains(count))
            .and_then(|count| usize::try_from(count).ok())
            .ok_or(CommandError::KEY_COUNT)
    }

    /// Takes the next `count` words, to be read by themselves.
    ///
    /// # Errors
    ///
    /// There are fewer.
    pub(crate) fn take(&mut self, count: usize) -> Result<Self, CommandError> {
        if self.len() < count {
            return Err(CommandError::SYNTAX);
        }
        let taken = Self {
            end: self.next + count,
            ..*self
        };
        self.next += count;
        Ok(taken)
    }

    /// Takes the next word if it is `option`, in any case.
    pub(crate) fn eat(&mut self, option: &[u8]) -> bool {
        let eaten = self
            .peek()
            .is_some_and(|word| word.eq_ignore_ascii_case(option));
        self.next += usize::from(eaten);
        eaten
    }

    /// All words that are left, at hand as a slice.
    pub(crate) fn words(self) -> Words<'r> {
        self.rest().collect()
    }

    /// All words that are left.
    pub(crate) fn rest(self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        self.request.iter().take(self.end).skip(self.next)
    }

    /// The words that are left, and all behind them, as a request of their own.
    pub(crate) fn rest_as_request(self) -> RequestRef<'r> {
        self.request.tail(self.next)
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

/// The integer whose plain decimal form `word` is: no plus sign, no leading zero, no blank.
///
/// # Errors
///
/// It is none, or needs more than 64 bits.
pub(crate) fn integer(word: &[u8]) -> Result<i64, CommandError> {
    match StringValue::new(word) {
        StringValue::Int(number) => Ok(number),
        StringValue::Bytes(_) => Err(CommandError::NOT_AN_INTEGER),
    }
}
