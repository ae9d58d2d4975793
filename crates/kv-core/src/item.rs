//! Items as effects, for whoever writes down a whole store.

use crate::{CollectionKind, Effect, Elements, HashRef, Item, ListEnd, ValueRef, ZSet};

mod stream;

/// A piece of a collection ends with the element that brings it to so many bytes, slices included.
const PIECE_BYTES: usize = 64 << 10;

/// Most members of a piece of a sorted set, or fields that one effect gives an expiry.
const PIECE_MEMBERS: usize = 512;

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
                self.for_each_expiry_of(hash, show);
            }
            ValueRef::ZSet(zset) => self.for_each_piece_of(zset, show),
            ValueRef::Stream(stream) => self.for_each_change_of(stream, show),
            ValueRef::Set(set) => in_pieces(set.iter(), |first, members| {
                show(&match first {
                    true => self.whole(CollectionKind::Set, members),
                    false => Effect::SetAdd { db, key, members },
                });
            }),
        }
    }

    fn for_each_piece_of(&self, zset: &ZSet, show: &mut dyn FnMut(&Effect<'_>)) {
        let (db, key) = (self.db, self.key);
        let mut members = zset.iter();
        // A score's bytes lie nowhere: those of one piece are made at a time.
        for first in (0..zset.len()).step_by(PIECE_MEMBERS) {
            let piece: Vec<_> = members.by_ref().take(PIECE_MEMBERS).collect();
            let scores: Vec<[u8; 8]> = piece.iter().map(|(_, score)| score.to_le_bytes()).collect();
            let pairs = scores.iter().zip(&piece);
            let pairs: Vec<&[u8]> = pairs
                .flat_map(|(score, (member, _))| [score.as_slice(), member])
                .collect();
            let members = Elements::new(&pairs);
            show(&match first {
                0 => self.whole(CollectionKind::ZSet, members),
                _ => Effect::ZSetAdd { db, key, members },
            });
        }
    }

    /// Shows when fields expire, those of one time together.
    fn for_each_expiry_of(&self, hash: HashRef<'_>, show: &mut dyn FnMut(&Effect<'_>)) {
        let mut expiring = hash.expiring().peekable();
        while let Some((expires, first)) = expiring.next() {
            let mut fields = vec![first];
            while fields.len() < PIECE_MEMBERS
                && let Some((_, field)) = expiring.next_if(|(next, _)| *next == expires)
            {
                fields.push(field);
            }
            show(&Effect::HashExpire {
                db: self.db,
                key: self.key,
                expires: Some(expires),
                fields: Elements::new(&fields),
            });
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
