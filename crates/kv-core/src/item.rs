//! Items as effects, for whoever writes down a whole store.

use crate::{CollectionKind, Effect, Elements, Item, ListEnd, ValueRef};

/// A piece of a collection ends with the element that brings it to so many bytes, slices included.
const PIECE_BYTES: usize = 64 << 10;

impl Item<'_> {
    /// Shows the effects that make this item, whatever its key held before, in their order: one, and of a
    /// large collection one more for each further piece. Items may be made again in any order.
    pub fn for_each_effect(&self, show: &mut dyn FnMut(&Effect<'_>)) {
        let &Item {
            db,
            key,
            value,
            expires,
        } = self;
        match value {
            ValueRef::String(string) => show(&Effect::SetString {
                db,
                key,
                value: string.to_value(),
                expires,
            }),
            ValueRef::List(list) => in_pieces(list.iter(), |first, elements| {
                show(&match first {
                    true => self.whole(CollectionKind::List, elements),
                    false => Effect::ListPush {
                        db,
                        key,
                        end: ListEnd::Back,
                        elements,
                    },
                });
            }),
            ValueRef::Hash(hash) => {
                let fields = hash.iter().flat_map(|(field, value)| [field, value]);
                in_pieces(fields, |first, fields| {
                    show(&match first {
                        true => self.whole(CollectionKind::Hash, fields),
                        false => Effect::HashSet { db, key, fields },
                    });
                });
            }
            ValueRef::Set(set) => in_pieces(set.iter(), |first, members| {
                show(&match first {
                    true => self.whole(CollectionKind::Set, members),
                    false => Effect::SetAdd { db, key, members },
                });
            }),
        }
    }

    /// The effect that makes this item with no more than `elements`.
    fn whole<'e>(&'e self, kind: CollectionKind, elements: Elements<'e>) -> Effect<'e> {
        Effect::SetCollection {
            db: self.db,
            key: self.key,
            kind,
            elements,
            expires: self.expires,
        }
    }
}

/// Shows `elements` in pieces, the first and at least one with `true`. All but the last have an even length:
/// a field and its value are not parted.
fn in_pieces<'a>(
    elements: impl Iterator<Item = &'a [u8]>,
    mut show: impl FnMut(bool, Elements<'_>),
) {
    let (mut first, mut piece, mut bytes) = (true, Vec::new(), 0);
    for element in elements {
        if bytes >= PIECE_BYTES && piece.len().is_multiple_of(2) {
            show(first, Elements::new(&piece));
            (first, bytes) = (false, 0);
            piece.clear();
        }
        piece.push(element);
        bytes += element.len() + size_of::<&[u8]>();
    }
    show(first, Elements::new(&piece));
}
