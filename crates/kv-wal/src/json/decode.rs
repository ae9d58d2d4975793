//! Lines into effects.
//!
//! Invariant: a line that no effect becomes is refused; nothing in it is passed over.

use std::borrow::Cow;

use kv_core::{CollectionKind, Db, Effect, Elements, ListEnd, StringValue, UnixMillis, limits};
use serde::Deserialize;

use super::stream::{StreamOp, with_change};
use super::{Text, base64};
use crate::format::Malformed;

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Set,
    Append,
    Patch,
    Copy,
    Move,
    SwapDbs,
    Expire,
    Persist,
    Delete,
    PutList,
    PutHash,
    PutSet,
    ListPush,
    ListPop,
    ListSet,
    ListInsert,
    ListRemove,
    HashSet,
    HashDelete,
    SetAdd,
    SetRemove,
    HashExpire,
    HashPersist,
    ZSetAdd,
    ZSetRemove,
    PutZSet,
    FlushDb,
    FlushAll,
    SetLibrary,
    DeleteLibrary,
    #[serde(untagged)]
    Stream(StreamOp),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum End {
    Front,
    Back,
}

impl From<End> for ListEnd {
    fn from(end: End) -> Self {
        match end {
            End::Front => Self::Front,
            End::Back => Self::Back,
        }
    }
}

/// One line; which fields belong to which `op` is checked when it becomes an effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    op: Op,
    db: Option<u16>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    key_base64: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(borrow)]
    value_base64: Option<Text<'a>>,
    from_db: Option<u16>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(borrow)]
    from_base64: Option<Text<'a>>,
    other_db: Option<u16>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    name_base64: Option<Text<'a>>,
    offset: Option<u64>,
    expires: Option<i64>,
    end: Option<End>,
    count: Option<u64>,
    index: Option<u64>,
    #[serde(borrow)]
    elements: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    elements_base64: Option<Vec<Text<'a>>>,
}

/// Shows the effect of one line, its line end included.
pub(crate) fn decode<E: From<Malformed>>(
    line: &[u8],
    show: &mut impl FnMut(&Effect<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let line = line
        .strip_suffix(b"\n")
        .ok_or(Malformed("line without an end"))?;
    let line: Line<'_> =
        serde_json::from_slice(line).map_err(|_| Malformed("not a JSON effect"))?;
    let key = one_of(line.key, line.key_base64, limits::KEY_BYTES_MAX)?;
    let value = one_of(line.value, line.value_base64, limits::STRING_BYTES_MAX)?;
    let from = one_of(line.from, line.from_base64, limits::KEY_BYTES_MAX)?;
    let name = one_of(line.name, line.name_base64, limits::KEY_BYTES_MAX)?;
    let mut all = all_of(line.elements, line.elements_base64)?;
    if let (Op::ZSetAdd | Op::PutZSet, Some(all)) = (line.op, &mut all) {
        read_scores(all).ok_or(Malformed("sorted set member without a score"))?;
    }
    let slices: Option<Vec<&[u8]>> = all
        .as_ref()
        .map(|all| all.iter().map(|element| &**element).collect());
    let details = Details {
        from_db: line.from_db.map(Db),
        from: from.as_deref(),
        other_db: line.other_db.map(Db),
        name: name.as_deref(),
        offset: line.offset,
        expires: line.expires.map(UnixMillis),
        end: line.end.map(ListEnd::from),
        count: line.count,
        index: line.index,
        elements: slices.as_deref().map(Elements::new),
    };
    if let Op::Stream(op) = line.op {
        let place = (line.db, key.as_deref());
        return on_stream(
            op,
            place,
            value.as_deref(),
            details,
            slices.as_deref(),
            show,
        );
    }
    let effect =
        to_effect(line.op, line.db, key.as_deref(), value.as_deref(), details).ok_or(DISAGREE)?;
    show(&effect)
}

const DISAGREE: Malformed = Malformed("fields and kind of JSON effect do not agree");

/// Shows the effect of a line that is about a stream.
fn on_stream<E: From<Malformed>>(
    op: StreamOp,
    (db, key): (Option<u16>, Option<&[u8]>),
    value: Option<&[u8]>,
    details: Details<'_>,
    words: Option<&[&[u8]]>,
    show: &mut impl FnMut(&Effect<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let alone = Details {
        elements: details.elements,
        ..Details::default()
    };
    let db = db.filter(|&db| db < limits::DATABASES_MAX).map(Db);
    let (Some(db), Some(key), Some(words)) = (db, key, words) else {
        return Err(DISAGREE.into());
    };
    if value.is_some() || details != alone {
        return Err(DISAGREE.into());
    }
    with_change(op, words, |change| {
        show(&Effect::Stream { db, key, change })
    })
    .ok_or(DISAGREE)?
}

/// Turns the text of scores into what effects carry.
fn read_scores(all: &mut [Cow<'_, [u8]>]) -> Option<()> {
    for pair in all.chunks_mut(2) {
        let [text, _member] = pair else { return None };
        let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        *text = Cow::Owned(score.to_le_bytes().to_vec());
    }
    Some(())
}

/// The elements that stand in one of two fields; `None` when neither is there.
fn all_of<'a>(
    plain: Option<Vec<Text<'a>>>,
    coded: Option<Vec<Text<'a>>>,
) -> Result<Option<Vec<Cow<'a, [u8]>>>, Malformed> {
    let max = limits::STRING_BYTES_MAX;
    let one = |plain, coded| Ok(one_of(plain, coded, max)?.unwrap_or_default());
    match (plain, coded) {
        (None, None) => Ok(None),
        (Some(all), None) => {
            let all = all.into_iter().map(|text| one(Some(text), None));
            all.collect::<Result<_, _>>().map(Some)
        }
        (None, Some(all)) => {
            let all = all.into_iter().map(|text| one(None, Some(text)));
            all.collect::<Result<_, _>>().map(Some)
        }
        (Some(_), Some(_)) => Err(Malformed("elements given twice")),
    }
}

/// What only some kinds of effect have.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Details<'a> {
    from_db: Option<Db>,
    from: Option<&'a [u8]>,
    other_db: Option<Db>,
    name: Option<&'a [u8]>,
    offset: Option<u64>,
    expires: Option<UnixMillis>,
    end: Option<ListEnd>,
    count: Option<u64>,
    index: Option<u64>,
    elements: Option<Elements<'a>>,
}

/// The bytes that stand in one of two fields; `None` when neither is there.
fn one_of<'a>(
    plain: Option<Text<'a>>,
    coded: Option<Text<'a>>,
    max: usize,
) -> Result<Option<Cow<'a, [u8]>>, Malformed> {
    let bytes = match (plain, coded) {
        (None, None) => return Ok(None),
        (Some(plain), None) => plain.into_bytes(),
        (None, Some(coded)) => {
            Cow::Owned(base64::decode(&coded.into_bytes()).ok_or(Malformed("not base64"))?)
        }
        (Some(_), Some(_)) => return Err(Malformed("string given twice")),
    };
    if bytes.len() > max {
        return Err(Malformed("string longer than its limit"));
    }
    Ok(Some(bytes))
}

fn to_effect<'a>(
    op: Op,
    db: Option<u16>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    details: Details<'a>,
) -> Option<Effect<'a>> {
    let none = Details::default();
    if op == Op::FlushAll {
        let alone = (db, key, value, details) == (None, None, None, none);
        return alone.then_some(Effect::FlushAll);
    }
    if let Op::SetLibrary | Op::DeleteLibrary = op {
        let name = details.name?;
        let named = Details {
            name: Some(name),
            ..none
        };
        let alone = (db, key, details) == (None, None, named);
        let agree = alone && value.is_some() == (op == Op::SetLibrary);
        return agree.then_some(Effect::SetLibrary { name, code: value });
    }
    let db = db.filter(|&db| db < limits::DATABASES_MAX).map(Db)?;
    if op == Op::FlushDb {
        let alone = (key, value, details) == (None, None, none);
        return alone.then_some(Effect::FlushDb { db });
    }
    if op == Op::SwapDbs {
        let other_db = details.other_db;
        let swap = Details { other_db, ..none };
        let alone = (key, value, details) == (None, None, swap);
        let other = other_db.filter(|db| db.0 < limits::DATABASES_MAX)?;
        return alone.then_some(Effect::SwapDbs { one: db, other });
    }
    let key = key?;
    let expires = details.expires;
    let timeless = Details {
        expires: None,
        ..details
    };
    match (op, value, expires) {
        (Op::Set, Some(value), expires) if timeless == none => Some(Effect::SetString {
            db,
            key,
            value: StringValue::new(value),
            expires,
        }),
        (Op::Append, Some(suffix), None) if timeless == none => {
            Some(Effect::AppendString { db, key, suffix })
        }
        (Op::Patch, Some(bytes), None) => patch(db, key, bytes, timeless),
        (Op::Copy | Op::Move, None, None) => of_two(op, db, key, timeless),
        (Op::Expire, None, Some(_)) | (Op::Persist, None, None) if timeless == none => {
            Some(Effect::SetExpiry { db, key, expires })
        }
        (Op::Delete, None, None) if timeless == none => Some(Effect::Delete { db, key }),
        (Op::PutList | Op::PutHash | Op::PutSet | Op::PutZSet, None, expires) => {
            whole_collection(op, db, key, timeless, expires)
        }
        (Op::HashExpire, None, Some(_)) | (Op::HashPersist, None, None) => {
            let fields = timeless.elements?;
            let alone = Details {
                elements: Some(fields),
                ..none
            };
            (timeless == alone).then_some(Effect::HashExpire {
                db,
                key,
                expires,
                fields,
            })
        }
        (_, _, None) => on_collection(op, db, key, value, timeless),
        _ => None,
    }
}

/// The effect that changes bytes of a string.
fn patch<'a>(db: Db, key: &'a [u8], bytes: &'a [u8], details: Details<'a>) -> Option<Effect<'a>> {
    let offset = details.offset?;
    let alone = Details {
        offset: Some(offset),
        ..Details::default()
    };
    let end = offset.checked_add(bytes.len() as u64)?;
    let fits = end <= limits::STRING_BYTES_MAX as u64;
    (details == alone && fits).then_some(Effect::PatchString {
        db,
        key,
        offset,
        bytes,
    })
}

/// The effect that gives one key the value of another.
fn of_two<'a>(op: Op, db: Db, key: &'a [u8], details: Details<'a>) -> Option<Effect<'a>> {
    let from = details.from?;
    let from_db = details.from_db.filter(|db| db.0 < limits::DATABASES_MAX)?;
    let alone = Details {
        from: Some(from),
        from_db: Some(from_db),
        ..Details::default()
    };
    if details != alone {
        return None;
    }
    Some(match op {
        Op::Copy => Effect::CopyKey {
            from_db,
            from,
            db,
            key,
        },
        _ => Effect::MoveKey {
            from_db,
            from,
            db,
            key,
        },
    })
}

/// The effect that puts a whole collection.
fn whole_collection<'a>(
    op: Op,
    db: Db,
    key: &'a [u8],
    details: Details<'a>,
    expires: Option<UnixMillis>,
) -> Option<Effect<'a>> {
    let elements = details.elements?;
    let alone = Details {
        elements: Some(elements),
        ..Details::default()
    };
    let kind = match op {
        Op::PutList => CollectionKind::List,
        Op::PutHash if elements.len().is_multiple_of(2) => CollectionKind::Hash,
        Op::PutSet => CollectionKind::Set,
        Op::PutZSet if elements.are_scored() => CollectionKind::ZSet,
        _ => return None,
    };
    (details == alone).then_some(Effect::SetCollection {
        db,
        key,
        kind,
        elements,
        expires,
    })
}

/// The effect on a collection that these fields say.
fn on_collection<'a>(
    op: Op,
    db: Db,
    key: &'a [u8],
    value: Option<&'a [u8]>,
    details: Details<'a>,
) -> Option<Effect<'a>> {
    let Details {
        end,
        count,
        index,
        elements,
        ..
    } = details;
    let others = Details {
        end: None,
        count: None,
        index: None,
        elements: None,
        ..details
    };
    if others != Details::default() {
        return None;
    }
    let effect = match (op, end, count, index, elements, value) {
        (Op::ListPush, Some(end), None, None, Some(elements), None) => Effect::ListPush {
            db,
            key,
            end,
            elements,
        },
        (Op::ListPop, Some(end), Some(count), None, None, None) => Effect::ListPop {
            db,
            key,
            end,
            count,
        },
        (Op::ListSet, None, None, Some(index), None, Some(element)) => Effect::ListSet {
            db,
            key,
            index,
            element,
        },
        (Op::ListInsert, None, None, Some(index), None, Some(element)) => Effect::ListInsert {
            db,
            key,
            index,
            element,
        },
        (Op::ListRemove, Some(from), Some(count), None, None, Some(element)) => {
            Effect::ListRemove {
                db,
                key,
                from,
                count,
                element,
            }
        }
        (Op::HashSet, None, None, None, Some(fields), None) if fields.len().is_multiple_of(2) => {
            Effect::HashSet { db, key, fields }
        }
        (Op::HashDelete, None, None, None, Some(fields), None) => {
            Effect::HashDelete { db, key, fields }
        }
        (Op::SetAdd, None, None, None, Some(members), None) => Effect::SetAdd { db, key, members },
        (Op::SetRemove, None, None, None, Some(members), None) => {
            Effect::SetRemove { db, key, members }
        }
        (Op::ZSetAdd, None, None, None, Some(members), None) if members.are_scored() => {
            Effect::ZSetAdd { db, key, members }
        }
        (Op::ZSetRemove, None, None, None, Some(members), None) => {
            Effect::ZSetRemove { db, key, members }
        }
        _ => return None,
    };
    Some(effect)
}
