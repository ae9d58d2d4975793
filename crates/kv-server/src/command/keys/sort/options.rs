//! The options of `SORT`.

use kv_proto::RequestRef;

use super::pattern::Pattern;
use crate::command::prelude::*;

/// The option that a destination follows.
pub(super) const STORE: &str = "STORE";

/// Options, each with how many words follow it.
const LENGTHS: [(&str, usize); 4] = [("LIMIT", 2), ("BY", 1), ("GET", 1), (STORE, 1)];

/// The options of `request` that one word follows, with the place of that word.
pub(super) fn words(request: RequestRef<'_>) -> impl Iterator<Item = (&'static str, usize)> {
    let mut next = 2;
    std::iter::from_fn(move || {
        loop {
            let word = request.get(next)?;
            let named = |(name, _): &&(&str, usize)| name.as_bytes().eq_ignore_ascii_case(word);
            let place = next + 1;
            match LENGTHS.iter().find(named) {
                None => next += 1,
                Some((name, length)) => {
                    next += 1 + length;
                    if *length == 1 && request.get(place).is_some() {
                        return Some((*name, place));
                    }
                }
            }
        }
    })
}

/// What a request asks for.
#[derive(Debug, Default)]
pub(super) struct Options<'r> {
    /// What elements are compared by; `None`: themselves.
    pub(super) by: Option<Pattern<'r>>,
    /// What is shown for each element; nothing: itself.
    pub(super) get: Vec<Pattern<'r>>,
    pub(super) descending: bool,
    /// Whether bytes are compared, not numbers.
    pub(super) by_bytes: bool,
    /// How many elements are passed over, and how many are shown at most.
    pub(super) limit: Option<(i64, i64)>,
    /// Where the outcome goes.
    pub(super) store: Option<&'r [u8]>,
}

impl<'r> Options<'r> {
    /// Reads all words that are left; `STORE` is one of them only if it `may_store`.
    ///
    /// # Errors
    ///
    /// A word is no option, or no number where one should be.
    pub(super) fn parse(mut args: Args<'r>, may_store: bool) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if args.eat(b"ASC") {
                options.descending = false;
            } else if args.eat(b"DESC") {
                options.descending = true;
            } else if args.eat(b"ALPHA") {
                options.by_bytes = true;
            } else if args.len() > 2 && args.eat(b"LIMIT") {
                options.limit = Some((args.int()?, args.int()?));
            } else if may_store && args.len() > 1 && args.eat(STORE.as_bytes()) {
                options.store = Some(args.key()?);
            } else if args.len() > 1 && args.eat(b"BY") {
                options.by = Some(Pattern::new(args.bytes()?));
            } else if args.len() > 1 && args.eat(b"GET") {
                options.get.push(Pattern::new(args.bytes()?));
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether the elements stay as they come: they are compared by something that is the same for all.
    pub(super) fn is_unsorted(&self) -> bool {
        self.by.is_some_and(|by| !by.depends_on_element())
    }
}
