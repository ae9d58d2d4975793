//! Effects on streams.

use crate::memory::garbage::Garbage;
use crate::memory::place::Place;
use crate::memory::table::Table;
use crate::value::{Collection, Rest};
use crate::{StreamChange, ValueLimits};

/// Changes memory as an effect on a stream says.
pub(super) fn apply(
    table: &mut Table,
    place: Place,
    key: &[u8],
    change: &StreamChange<'_>,
    limits: &ValueLimits,
) -> Option<Garbage> {
    if !change.makes_keys() {
        return table.shrink(place, key, |collection| match collection {
            Collection::Stream(stream) => stream.apply(change, limits).map(Rest::Stream),
            _ => None,
        });
    }
    let removed = match change {
        StreamChange::Renew => table.remove(place, key),
        _ => None,
    };
    let replaced = table.grow(
        place,
        key,
        Collection::Stream(Box::default()),
        |collection| {
            if let Collection::Stream(stream) = collection {
                stream.apply(change, limits);
            }
        },
    );
    removed.and_then(Garbage::of_entry).or(replaced)
}
