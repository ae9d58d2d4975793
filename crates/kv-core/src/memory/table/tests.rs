//! A table against a map, and what it must not cost.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 1 } else { 128 };
const STEPS: usize = if cfg!(miri) { 20 } else { 200 };

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMillis>)>;

#[derive(Clone, Debug)]
enum Change {
    Set(Vec<u8>, Option<i64>),
    Append(Vec<u8>),
    Expire(Option<i64>),
    Remove,
}

fn changes() -> impl Strategy<Value = Change> {
    let value = || {
        prop_oneof![
            5 => vec(any::<u8>(), 0..30),
            2 => any::<i32>().prop_map(|number| number.to_string().into_bytes()),
            1 => (4_080usize..4_110).prop_map(|length| vec![b'v'; length]),
        ]
    };
    prop_oneof![
        5 => (value(), option::of(any::<i64>()))
            .prop_map(|(value, expires)| Change::Set(value, expires)),
        2 => value().prop_map(Change::Append),
        2 => option::of(any::<i64>()).prop_map(Change::Expire),
        2 => Just(Change::Remove),
    ]
}

fn apply(table: &mut Table, place: Place, key: &[u8], change: &Change) {
    match change {
        Change::Set(value, expires) => {
            table.set_string(place, key, StringValue::new(value), expires.map(UnixMillis));
        }
        Change::Append(suffix) => {
            table.append_string(place, key, suffix);
        }
        Change::Expire(expires) => table.set_expiry(place, key, expires.map(UnixMillis)),
        Change::Remove => {
            table.remove(place, key);
        }
    }
}

fn apply_to_model(model: &mut Model, key: &[u8], change: &Change) {
    match change {
        Change::Set(value, expires) => {
            model.insert(key.to_vec(), (value.clone(), expires.map(UnixMillis)));
        }
        Change::Append(suffix) => {
            let (value, _) = model.entry(key.to_vec()).or_default();
            value.extend_from_slice(suffix);
        }
        Change::Expire(expires) => {
            if let Some(held) = model.get_mut(key) {
                held.1 = expires.map(UnixMillis);
            }
        }
        Change::Remove => {
            model.remove(key);
        }
    }
}

fn held(entry: EntryRef<'_>) -> (Vec<u8>, Option<UnixMillis>) {
    let crate::ValueRef::String(string) = entry.value() else {
        panic!("a table of strings")
    };
    (string.to_bytes().to_vec(), entry.expires())
}

fn check(table: &Table, model: &Model) {
    let mut shown = Model::new();
    let mut heap_bytes = 0;
    table.for_each(|entry| {
        heap_bytes += entry.heap_bytes();
        let before = shown.insert(entry.key().to_vec(), held(entry));
        assert_eq!(before, None, "a key is there twice");
    });
    assert_eq!(&shown, model);
    assert_eq!(table.len(), model.len());
    assert_eq!(table.entry_bytes, heap_bytes);
    let chained: usize = table.buckets.iter().map(Bucket::chained).sum();
    assert_eq!(table.chained, chained);
    let expiries = model.values().filter_map(|(_, expires)| *expires);
    assert_eq!(table.expiries.count(), expiries.clone().count());
    assert!(
        expiries
            .min()
            .is_none_or(|least| table.expiries.bound() <= least)
    );
    assert!(table.len() <= table.buckets.len() * FILL_MAX);
    assert!(table.buckets.len() <= table.len().max(1));
}

/// A key's place, chosen badly: `kind` 0 puts all keys into one place, 1 gives all the same tag, 2 the same
/// bits beside the address, 3 spreads them.
fn place(kind: u8, number: u32) -> Place {
    Place::new(match kind {
        0 => 0xab_cdef,
        1 => (number % 4) << 22 | 0x55,
        2 => number % 3,
        _ => number.wrapping_mul(0x9e37_79b9) >> 8,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_table_is_a_map_even_when_places_collide(
        kind in 0u8..4,
        changes in vec((0u32..60, changes()), 0..STEPS),
    ) {
        let mut table = Table::default();
        let mut model = Model::new();
        for (number, change) in &changes {
            let key = number.to_string().into_bytes();
            let place = place(kind, *number);
            apply(&mut table, place, &key, change);
            apply_to_model(&mut model, &key, change);
            prop_assert_eq!(table.get(place, &key).map(held), model.get(&key).cloned());
        }
        check(&table, &model);
        for (number, _) in &changes {
            let key = number.to_string().into_bytes();
            prop_assert_eq!(
                table.get(place(kind, *number), &key).map(held),
                model.get(&key).cloned()
            );
        }
    }
}

#[test]
fn every_kind_of_value_can_follow_every_other() {
    let (long, longer) = (vec![b'a'; 4_097], vec![b'b'; 5_000]);
    let values: [&[u8]; 7] = [
        b"",
        b"7",
        b"text",
        &[b't'; 40],
        &long[..4_096],
        &long,
        &longer,
    ];
    for first in values {
        for second in values {
            for expires in [None, Some(9)] {
                let mut table = Table::default();
                let mut model = Model::new();
                let changes = [
                    Change::Set(first.to_vec(), None),
                    Change::Set(second.to_vec(), expires),
                    Change::Expire(Some(3)),
                    Change::Append(first.to_vec()),
                    Change::Append(second.to_vec()),
                    Change::Expire(None),
                    Change::Set(first.to_vec(), expires),
                ];
                for change in &changes {
                    apply(&mut table, Place::START, b"key", change);
                    apply_to_model(&mut model, b"key", change);
                    check(&table, &model);
                }
            }
        }
    }
}

fn fill(table: &mut Table, kind: u8, keys: std::ops::Range<u32>) {
    for number in keys {
        let key = number.to_le_bytes();
        table.set_string(place(kind, number), &key, StringValue::new(b"v"), None);
    }
}

const MANY: u32 = if cfg!(miri) { 200 } else { 20_000 };

#[test]
fn growing_and_shrinking_keep_every_key() {
    let mut table = Table::default();
    fill(&mut table, 3, 0..MANY);
    assert!(table.buckets.len() * FILL_MAX >= MANY as usize);
    for number in 0..MANY {
        assert!(table.get(place(3, number), &number.to_le_bytes()).is_some());
    }
    for number in 0..MANY {
        assert!(
            table
                .remove(place(3, number), &number.to_le_bytes())
                .is_some()
        );
        assert!(
            table
                .remove(place(3, number), &number.to_le_bytes())
                .is_none()
        );
        assert_eq!(table.len(), (MANY - number - 1) as usize);
        assert!(table.buckets.len() <= table.len().max(1));
    }
    assert_eq!(table.heap_bytes(), 0);
}

#[test]
fn a_walk_shows_each_entry_once_while_the_table_grows_and_shrinks() {
    let mut table = Table::default();
    fill(&mut table, 3, 0..100);
    let mut shown = Vec::new();
    let mut next = Some(Place::START);
    for round in 0.. {
        let Some(from) = next else { break };
        next = table.walk(
            from,
            |slot| shown.push(slot.entry().key().to_vec()),
            || true,
        );
        if round % 4 == 0 {
            fill(&mut table, 3, 100..1_000);
        } else if round % 4 == 2 {
            for number in 100..1_000u32 {
                table.remove(place(3, number), &number.to_le_bytes());
            }
        }
    }
    for number in 0..100u32 {
        let times = shown
            .iter()
            .filter(|key| **key == number.to_le_bytes())
            .count();
        assert_eq!(times, 1, "key {number}");
    }
}

#[test]
fn appending_byte_by_byte_copies_little() {
    let mut table = Table::default();
    let place = Place::START;
    let mut moves = 0;
    let mut address = std::ptr::null();
    let length = if cfg!(miri) { 6_000 } else { 300_000 };
    for _ in 0..length {
        table.append_string(place, b"k", b"x");
        let Some(entry) = table.get(place, b"k") else {
            panic!("the key is there")
        };
        let crate::ValueRef::String(string) = entry.value() else {
            panic!("a string")
        };
        let now = string.as_bytes(&mut itoa::Buffer::new()).as_ptr();
        moves += usize::from(now != address);
        address = now;
    }
    assert!(moves < 60, "{moves} moves");
}

#[test]
fn a_value_of_about_the_same_length_stays_in_its_allocation() {
    let mut table = Table::default();
    let place = Place::START;
    let address = |table: &Table| table.get(place, b"key").map(|entry| entry.key().as_ptr());
    table.set_string(
        place,
        b"key",
        StringValue::new(&[b'v'; 64]),
        Some(UnixMillis(5)),
    );
    let before = address(&table);
    for length in [64, 50, 63, 64] {
        let value = vec![b'w'; length];
        table.set_string(place, b"key", StringValue::new(&value), Some(UnixMillis(6)));
        table.set_string(place, b"key", StringValue::new(&value), None);
        table.set_expiry(place, b"key", Some(UnixMillis(7)));
        assert_eq!(address(&table), before);
    }
    table.set_string(place, b"key", StringValue::new(b"v"), None);
    assert_ne!(address(&table), before, "a short value gives memory back");
}

#[test]
fn a_small_entry_takes_no_more_than_it_must() {
    let mut table = Table::default();
    fill(&mut table, 3, 0..1);
    let key = [b'k'; 16];
    let before = table.entry_bytes;
    table.set_string(place(3, 1), &key, StringValue::new(b"8 bytes."), None);
    assert_eq!(table.entry_bytes - before, 8 + 16 + 8);
    table.set_string(
        place(3, 1),
        &key,
        StringValue::new(b"123456789012345"),
        None,
    );
    assert_eq!(table.entry_bytes - before, 8 + 16 + 8);
    table.set_expiry(place(3, 1), &key, Some(UnixMillis(1)));
    assert_eq!(table.entry_bytes - before, 8 + 16 + 8 + 8);
}
