//! Patterns that make the name of a key from an element: `weight_*`, `object_*->field`, or `#` for the element.

use kv_core::ValueRef;

use crate::command::prelude::*;

/// A pattern as a request gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern<'r>(&'r [u8]);

impl<'r> Pattern<'r> {
    pub(super) fn new(pattern: &'r [u8]) -> Self {
        Self(pattern)
    }

    /// Whether it makes different names of different elements.
    pub(super) fn depends_on_element(self) -> bool {
        Self::names_keys(self.0)
    }

    /// Whether the word, as a pattern, makes names of keys.
    pub(super) fn names_keys(word: &[u8]) -> bool {
        word.contains(&b'*')
    }

    /// What the key named from `element` holds: a string, or a field of a hash. `None` where there is none.
    pub(super) fn look(self, view: &mut View<'_>, element: &[u8]) -> Option<Box<[u8]>> {
        if self.0 == b"#" {
            return Some(element.into());
        }
        let star = self.0.iter().position(|byte| *byte == b'*')?;
        let (before, behind) = (&self.0[..star], &self.0[star + 1..]);
        let (behind, field) = match field(behind) {
            Some((behind, field)) => (behind, Some(field)),
            None => (behind, None),
        };
        let key = [before, element, behind].concat();
        match (view.value(&key)?, field) {
            (ValueRef::String(string), None) => {
                Some(string.as_bytes(&mut itoa::Buffer::new()).into())
            }
            (ValueRef::Hash(hash), Some(field)) => hash.get(field).map(Box::from),
            _ => None,
        }
    }
}

/// What stands before the first arrow, and the field behind it, if there is one.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let arrow = text.windows(2).position(|pair| pair == b"->")?;
    let field = &text[arrow + 2..];
    (!field.is_empty()).then_some((&text[..arrow], field))
}
