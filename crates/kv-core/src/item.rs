//! An item as effects: what makes it again in a store that does not have its key.

use crate::{Effect, Elements, Item, ListEnd, ValueRef};

/// Most elements in one effect.
const ELEMENTS_MAX: usize = 512;

/// Elements of one effect are no longer than this together, in bytes, unless a single one is.
const BYTES_MAX: usize = 64 * 1024;

impl Item<'_> {
    /// Shows the effects that make this item, in order. Each is short, however large the collection.
    pub fn for_each_effect(&self, show: &mut dyn FnMut(&Effect<'_>)) {
        let &Item {
            db,
            key,
            value,
            expires,
        } = self;
        match value {
            ValueRef::String(string) => {
                let value = string.to_value();
                return show(&Effect::SetString {
                    db,
                    key,
                    value,
                    expires,
                });
            }
            ValueRef::List(list) => in_parts(list.iter(), 1, |elements| {
                let end = ListEnd::Back;
                show(&Effect::ListPush {
                    db,
                    key,
                    end,
                    elements,
                });
            }),
            ValueRef::Hash(hash) => {
                let flat = hash.iter().flat_map(|(field, value)| [field, value]);
                in_parts(flat, 2, |fields| show(&Effect::HashSet { db, key, fields }));
            }
            ValueRef::Set(set) => in_parts(set.iter(), 1, |members| {
                show(&Effect::SetAdd { db, key, members });
            }),
        }
        if expires.is_some() {
            show(&Effect::SetExpiry { db, key, expires });
        }
    }
}

/// Shows `all` in parts of a limited size, each a multiple of `together`.
fn in_parts<'a>(
    all: impl Iterator<Item = &'a [u8]>,
    together: usize,
    mut show: impl FnMut(Elements<'_>),
) {
    let mut part: Vec<&[u8]> = Vec::new();
    let mut bytes = 0;
    for element in all {
        part.push(element);
        bytes += element.len();
        let full = part.len() >= ELEMENTS_MAX || bytes >= BYTES_MAX;
        if full && part.len().is_multiple_of(together) {
            show(Elements::new(&part));
            part.clear();
            bytes = 0;
        }
    }
    if !part.is_empty() {
        show(Elements::new(&part));
    }
}
