//! Changes of lists as records.

use kv_core::{Db, Effect, ListEnd, limits};

use super::fields::{Fields, Malformed, put_string, put_varint};
use super::record::{put_elements, put_place, take_elements};

/// `db key count element...`: the list grew at its front, each element before the last.
pub(super) const PUSH_FRONT: u8 = 11;
/// `db key count element...`: the list grew at its back.
pub(super) const PUSH_BACK: u8 = 12;
/// `db key count`: the list lost elements at its front.
pub(super) const POP_FRONT: u8 = 13;
/// `db key count`: the list lost elements at its back.
pub(super) const POP_BACK: u8 = 14;
/// `db key index element`: the element there is this one now.
pub(super) const SET: u8 = 15;
/// `db key index element`: this element came in before the one there.
pub(super) const INSERT: u8 = 16;
/// `db key count element`: the list lost elements equal to this one, those nearest to the front.
pub(super) const REMOVE_FRONT: u8 = 17;
/// `db key count element`: the list lost elements equal to this one, those nearest to the back.
pub(super) const REMOVE_BACK: u8 = 18;

pub(super) fn encode(effect: &Effect<'_>, out: &mut Vec<u8>) {
    let (tag, db, key, number, element) = match *effect {
        Effect::ListPush {
            db,
            key,
            end,
            elements,
        } => {
            let tag = at_end(end, PUSH_FRONT, PUSH_BACK);
            return put_elements(out, tag, db, key, elements);
        }
        Effect::ListPop {
            db,
            key,
            end,
            count,
        } => (at_end(end, POP_FRONT, POP_BACK), db, key, count, None),
        Effect::ListSet {
            db,
            key,
            index,
            element,
        } => (SET, db, key, index, Some(element)),
        Effect::ListInsert {
            db,
            key,
            index,
            element,
        } => (INSERT, db, key, index, Some(element)),
        Effect::ListRemove {
            db,
            key,
            from,
            count,
            element,
        } => {
            let tag = at_end(from, REMOVE_FRONT, REMOVE_BACK);
            (tag, db, key, count, Some(element))
        }
        _ => unreachable!("an effect on a list"),
    };
    out.push(tag);
    put_place(out, db, key);
    put_varint(out, number);
    if let Some(element) = element {
        put_string(out, element);
    }
}

fn at_end(end: ListEnd, front: u8, back: u8) -> u8 {
    match end {
        ListEnd::Front => front,
        ListEnd::Back => back,
    }
}

/// The rest of a record whose tag says that it is about a list.
pub(super) fn decode<'a>(
    tag: u8,
    db: Db,
    key: &'a [u8],
    fields: &mut Fields<'a>,
) -> Result<Effect<'a>, Malformed> {
    let end = match tag {
        PUSH_FRONT | POP_FRONT | REMOVE_FRONT => ListEnd::Front,
        _ => ListEnd::Back,
    };
    Ok(match tag {
        PUSH_FRONT | PUSH_BACK => Effect::ListPush {
            db,
            key,
            end,
            elements: take_elements(fields)?,
        },
        POP_FRONT | POP_BACK => Effect::ListPop {
            db,
            key,
            end,
            count: fields.varint()?,
        },
        SET => Effect::ListSet {
            db,
            key,
            index: fields.varint()?,
            element: fields.string(limits::STRING_BYTES_MAX)?,
        },
        INSERT => Effect::ListInsert {
            db,
            key,
            index: fields.varint()?,
            element: fields.string(limits::STRING_BYTES_MAX)?,
        },
        _ => Effect::ListRemove {
            db,
            key,
            from: end,
            count: fields.varint()?,
            element: fields.string(limits::STRING_BYTES_MAX)?,
        },
    })
}
