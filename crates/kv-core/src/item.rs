//! An item as an effect: what makes it again.

use crate::{CollectionKind, Effect, Elements, Item, ValueRef};

impl Item<'_> {
    /// Shows the effect that makes this item, whatever its key held before: one for each item, so that items may
    /// be made again in any order.
    pub fn for_each_effect(&self, show: &mut dyn FnMut(&Effect<'_>)) {
        let &Item {
            db,
            key,
            value,
            expires,
        } = self;
        let mut collection = |kind, elements: Vec<&[u8]>| {
            show(&Effect::SetCollection {
                db,
                key,
                kind,
                elements: Elements::new(&elements),
                expires,
            });
        };
        match value {
            ValueRef::List(list) => collection(CollectionKind::List, list.iter().collect()),
            ValueRef::Set(set) => collection(CollectionKind::Set, set.iter().collect()),
            ValueRef::Hash(hash) => {
                let flat = hash.iter().flat_map(|(field, value)| [field, value]);
                collection(CollectionKind::Hash, flat.collect());
            }
            ValueRef::String(string) => show(&Effect::SetString {
                db,
                key,
                value: string.to_value(),
                expires,
            }),
        }
    }
}
