//! The effects of one frame as payload bytes, in either encoding.

use kv_core::Effect;

use super::fields::{Fields, Malformed};
use super::record;
use crate::{Encoding, json};

/// Adds one effect to a payload.
pub(crate) fn encode_effect(encoding: Encoding, effect: &Effect<'_>, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Binary => record::encode(effect, out),
        Encoding::Json => json::encode(effect, out),
    }
}

/// How many bytes effects can have that are made of `bytes` bytes, with what goes with them.
pub(crate) fn encoded_bytes_max(encoding: Encoding, bytes: u64) -> u64 {
    /// A control character becomes `\u0000`.
    const JSON_GROWTH: u64 = 6;

    match encoding {
        Encoding::Binary => bytes,
        Encoding::Json => bytes.saturating_mul(JSON_GROWTH),
    }
}

/// Shows each effect of a payload; `count` is how many there must be. Those before a flaw are shown, so
/// whoever gets an error must drop what came of them.
pub(crate) fn for_each_effect<E: From<Malformed>>(
    encoding: Encoding,
    payload: &[u8],
    count: u32,
    mut show: impl FnMut(&Effect<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut shown = 0_u32;
    let mut counted = |effect: &Effect<'_>| {
        shown = shown.saturating_add(1);
        if shown > count {
            return Err(Malformed("more effects than the frame says").into());
        }
        show(effect)
    };
    match encoding {
        Encoding::Binary => {
            let mut fields = Fields::new(payload);
            while !fields.is_empty() {
                counted(&record::decode(&mut fields)?)?;
            }
        }
        Encoding::Json => {
            for line in payload.split_inclusive(|&byte| byte == b'\n') {
                json::decode(line, &mut counted)?;
            }
        }
    }
    if shown < count {
        return Err(Malformed("fewer effects than the frame says").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_core::testing::generate::{OwnedEffect, on_collections};
    use kv_core::{Db, StringValue, UnixMillis};
    use proptest::prelude::*;

    use super::*;

    /// What an effect is made of: which kind, database, key, value, expiry.
    type Parts = (u8, u16, Vec<u8>, Vec<u8>, Option<i64>);

    fn parts() -> impl Strategy<Value = Parts> {
        let bytes = || {
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                any::<String>().prop_map(String::into_bytes),
                any::<i64>().prop_map(|number| number.to_string().into_bytes()),
            ]
        };
        let expires = prop::option::of(any::<i64>());
        (0..12_u8, 0..1024_u16, bytes(), bytes(), expires)
    }

    fn effect((kind, db, key, value, expires): &Parts) -> Effect<'_> {
        let db = Db(*db);
        let expires = expires.map(UnixMillis);
        match kind {
            0 => Effect::SetString {
                db,
                key,
                value: StringValue::new(value),
                expires,
            },
            1 => Effect::AppendString {
                db,
                key,
                suffix: value,
            },
            2 => Effect::SetExpiry { db, key, expires },
            3 => Effect::Delete { db, key },
            4 => Effect::FlushDb { db },
            5 => Effect::PatchString {
                db,
                key,
                offset: 300,
                bytes: value,
            },
            6 => Effect::CopyKey {
                from_db: db,
                from: value,
                db: Db(5),
                key,
            },
            7 => Effect::MoveKey {
                from_db: Db(1000),
                from: value,
                db,
                key,
            },
            8 => Effect::SwapDbs {
                one: db,
                other: Db(3),
            },
            9 => Effect::SetLibrary {
                name: key,
                code: Some(value),
            },
            10 => Effect::SetLibrary {
                name: key,
                code: None,
            },
            _ => Effect::FlushAll,
        }
    }

    fn decoded(encoding: Encoding, payload: &[u8], count: u32) -> Result<Vec<u8>, Malformed> {
        let mut again = Vec::new();
        for_each_effect(encoding, payload, count, |effect| {
            encode_effect(encoding, effect, &mut again);
            Ok::<(), Malformed>(())
        })?;
        Ok(again)
    }

    proptest! {
        #[test]
        fn effects_come_back(all in prop::collection::vec(parts(), 1..8)) {
            for encoding in [Encoding::Binary, Encoding::Json] {
                let mut payload = Vec::new();
                for parts in &all {
                    encode_effect(encoding, &effect(parts), &mut payload);
                }
                let mut expected = all.iter().map(effect);
                let count = u32::try_from(all.len()).unwrap();
                for_each_effect(encoding, &payload, count, |effect| {
                    assert_eq!(Some(*effect), expected.next());
                    Ok::<(), Malformed>(())
                }).unwrap();
                prop_assert_eq!(expected.next(), None);
                prop_assert!(decoded(encoding, &payload, count - 1).is_err());
                prop_assert!(decoded(encoding, &payload, count + 1).is_err());
            }
        }

        #[test]
        fn effects_on_collections_come_back(
            changes in prop::collection::vec(on_collections(), 1..8),
            db in 0..1024_u16,
            key: Vec<u8>,
        ) {
            let all: Vec<OwnedEffect> = changes
                .into_iter()
                .map(|change| OwnedEffect::OnCollection(Db(db), key.clone(), change))
                .collect();
            for encoding in [Encoding::Binary, Encoding::Json] {
                let mut payload = Vec::new();
                for owned in &all {
                    owned.with(|effect| encode_effect(encoding, effect, &mut payload));
                }
                let mut expected = all.iter();
                let count = u32::try_from(all.len()).unwrap();
                for_each_effect(encoding, &payload, count, |effect| {
                    let same = expected.next().map(|owned| owned.with(|owned| owned == effect));
                    assert_eq!(same, Some(true));
                    Ok::<(), Malformed>(())
                }).unwrap();
                prop_assert_eq!(decoded(encoding, &payload, count), Ok(payload.clone()));
                for cut in 0..payload.len().min(100) {
                    let cut = &payload[..payload.len() - 1 - cut];
                    prop_assert!(decoded(encoding, cut, count).is_err());
                }
            }
        }

        #[test]
        fn garbage_is_refused_or_canonical(
            payload in prop::collection::vec(any::<u8>(), 0..60),
            tag in 0..64_u8,
            count in 0..4_u32,
        ) {
            let tagged = [&[tag][..], &payload].concat();
            for payload in [payload, tagged] {
                if let Ok(again) = decoded(Encoding::Binary, &payload, count) {
                    prop_assert_eq!(again, payload);
                }
            }
        }

        #[test]
        fn mangled_lines_do_not_panic(parts in parts(), at: prop::sample::Index, byte: u8) {
            let mut line = Vec::new();
            encode_effect(Encoding::Json, &effect(&parts), &mut line);
            let at = at.index(line.len());
            line[at] = byte;
            // Whatever it says now, it can be written down again and read back.
            if let Ok(again) = decoded(Encoding::Json, &line, 1) {
                prop_assert_eq!(decoded(Encoding::Json, &again, 1), Ok(again.clone()));
            }
        }
    }
}
