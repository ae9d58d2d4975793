//! Expiries of hash fields: what has expired is not there, goes with writes and sweeps, and takes its key along.

use std::sync::Arc;

use crate::testing::log::ManualLog;
use crate::testing::model::Model;
use crate::{At, Cursor, Db, KeySet, MemoryOptions, MemoryStore, Store, Txn, UnixMillis};

const KEY: &[u8] = b"hash";

fn store() -> (MemoryStore, Arc<ManualLog>) {
    let log = Arc::new(ManualLog::default());
    let options = MemoryOptions {
        stripes: 1,
        ..MemoryOptions::default()
    };
    (MemoryStore::new(options).with_log(log.clone()), log)
}

fn at(now: i64) -> At {
    At {
        db: Db::FIRST,
        now: UnixMillis(now),
    }
}

fn write<R>(store: &MemoryStore, now: i64, change: impl FnOnce(&mut Txn<'_>) -> R) -> R {
    let written = store.write_with(at(now), KeySet::One(KEY), change);
    written.expect("no refusal").0
}

/// What a look at that time shows: fields and their values, by field.
fn shown(store: &MemoryStore, now: i64) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut fields, _) = store.read_with(at(now), KeySet::One(KEY), |view| {
        assert_eq!(view.exists(KEY), hash_len(view) > 0);
        let hash = view.hash(KEY).expect("a hash");
        hash.map_or_else(Vec::new, |hash| {
            assert_eq!(hash.iter().len(), hash.len());
            assert_eq!(hash.at(hash.len()), None);
            let pairs = hash.iter();
            pairs
                .map(|(field, value)| (text(field), text(value)))
                .collect()
        })
    });
    fields.sort();
    fields
}

fn hash_len(view: &mut crate::View<'_>) -> usize {
    view.hash(KEY).expect("a hash").map_or(0, |hash| hash.len())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn expire(store: &MemoryStore, fields: &[&[u8]], expires: Option<i64>) -> usize {
    write(store, 0, |txn| {
        txn.hash_expire(KEY, fields, expires.map(UnixMillis))
            .expect("a hash")
    })
}

#[test]
fn what_has_expired_is_not_there() {
    let (store, log) = store();
    write(&store, 0, |txn| {
        txn.hash_set(KEY, &[b"a", b"1", b"b", b"2", b"c", b"3"])
    })
    .unwrap();
    assert_eq!(expire(&store, &[b"a", b"b", b"none"], Some(100)), 2);
    assert_eq!(expire(&store, &[b"b"], Some(200)), 1);
    assert_eq!(
        shown(&store, 99),
        pairs(&[("a", "1"), ("b", "2"), ("c", "3")])
    );
    assert_eq!(shown(&store, 100), pairs(&[("b", "2"), ("c", "3")]));
    assert_eq!(shown(&store, 200), pairs(&[("c", "3")]));
    let (told, _) = store.read_with(at(150), KeySet::One(KEY), |view| {
        let hash = view.hash(KEY).expect("a hash").expect("it is there");
        let mut scanned = 0;
        assert_eq!(hash.scan(0, 10, |_, _| scanned += 1), 0);
        assert_eq!(
            (scanned, hash.get(b"a"), hash.contains(b"b")),
            (2, None, true)
        );
        [hash.expiry(b"a"), hash.expiry(b"b"), hash.expiry(b"c")]
    });
    assert_eq!(told, [None, Some(Some(UnixMillis(200))), Some(None)]);
    // A write that meets it removes what has expired, as an effect.
    write(&store, 150, |txn| assert_eq!(txn.effects(), 1));
    // Sweeps count what they remove.
    assert_eq!(store.stats().expired_fields, 0);
    let replayed = MemoryStore::new(MemoryOptions::default());
    log.replay(&replayed);
    assert_eq!(Model::of(&replayed), Model::of(&store));
}

#[test]
fn overwriting_takes_the_expiry_away_unless_it_is_kept() {
    let (store, _) = store();
    write(&store, 0, |txn| {
        txn.hash_set(KEY, &[b"a", b"1", b"b", b"2"])
    })
    .unwrap();
    expire(&store, &[b"a", b"b"], Some(100));
    let new = write(&store, 0, |txn| {
        txn.hash_set_keeping_expiry(KEY, &[b"a", b"x", b"new", b"y"])
    });
    assert_eq!(new, Ok(1));
    write(&store, 0, |txn| txn.hash_set(KEY, &[b"b", b"z"])).unwrap();
    assert_eq!(shown(&store, 100), pairs(&[("b", "z"), ("new", "y")]));
    // What has expired is new when it comes again, and has no expiry to keep.
    let new = write(&store, 100, |txn| {
        txn.hash_set_keeping_expiry(KEY, &[b"a", b"again"])
    });
    assert_eq!(new, Ok(1));
    expire(&store, &[b"b"], Some(200));
    expire(&store, &[b"b"], None);
    assert_eq!(shown(&store, 999).len(), 3);
}

#[test]
fn the_last_field_takes_the_key_along() {
    let (store, log) = store();
    write(&store, 0, |txn| {
        txn.hash_set(KEY, &[b"a", b"1", b"b", b"2"])
    })
    .unwrap();
    expire(&store, &[b"a"], Some(100));
    expire(&store, &[b"b"], Some(200));
    assert_eq!(shown(&store, 200), []);
    let mut keys = 0;
    store.scan_at(at(200), Cursor::START, 10, &mut |_| keys += 1);
    assert_eq!(keys, 0);
    assert_eq!(store.expire_due(UnixMillis(99), 100).looked_at, 0);
    let sweep = store.expire_due(UnixMillis(150), 100);
    assert_eq!(
        (sweep.removed, sweep.removed_fields, sweep.more),
        (0, 1, false)
    );
    assert_eq!(
        store.expire_due(UnixMillis(199), 100).looked_at,
        0,
        "the bound is exact"
    );
    let sweep = store.expire_due(UnixMillis(200), 100);
    assert_eq!((sweep.removed, sweep.removed_fields), (1, 0));
    assert_eq!(Store::len(&store, Db::FIRST), 0);
    write(&store, 0, |txn| txn.hash_set(KEY, &[b"a", b"1"])).unwrap();
    // A time that has come removes at once.
    assert_eq!(
        write(&store, 5, |txn| txn.hash_expire(
            KEY,
            &[b"a"],
            Some(UnixMillis(5))
        )),
        Ok(1)
    );
    assert_eq!(store.memory_used(), 0);
    let replayed = MemoryStore::new(MemoryOptions::default());
    log.replay(&replayed);
    assert_eq!(Model::of(&replayed), Model::default());
}

#[test]
fn many_fields_that_are_due_go_in_slices() {
    let (store, _) = store();
    let names: Vec<String> = (0..1_000).map(|number: u32| number.to_string()).collect();
    let fields: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    let both: Vec<&[u8]> = fields.iter().flat_map(|field| [*field, b"v"]).collect();
    write(&store, 0, |txn| txn.hash_set(KEY, &both)).unwrap();
    expire(&store, &fields[..900], Some(100));
    assert_eq!(shown(&store, 100).len(), 100);
    let removed = write(&store, 100, |txn| txn.hash_delete(KEY, &[b"899", b"950"]));
    assert_eq!(removed, Ok(1), "an expired field cannot be removed");
    let mut removed = 0;
    for _ in 0..100 {
        let sweep = store.expire_due(UnixMillis(100), 50);
        assert!(sweep.removed_fields <= 256);
        removed += sweep.removed_fields;
        if !sweep.more {
            break;
        }
    }
    assert_eq!(removed as u64 + 128, 900);
    assert_eq!(shown(&store, 0).len(), 99);
    // The write that came between has removed some, and counts none.
    assert_eq!(store.stats().expired_fields, removed as u64);
}
