//! What every [`KeyValue`] store must do.

use std::collections::BTreeSet;
use std::thread;

use super::super::mirror::all_keys;
use super::{FUTURE, PAST, ROUNDS, THREADS, named};
use crate::{Cursor, Expiry, KeyValue, Kind, StoreError, limits};

/// Runs every obligation of [`KeyValue`], each on what `make` makes: an empty store.
///
/// # Panics
///
/// When one does not hold.
pub fn all<S: KeyValue>(make: impl Fn() -> S) {
    let obligations: [fn(&S); 13] = [
        a_missing_key_has_nothing,
        a_value_comes_back_byte_for_byte,
        a_set_replaces_value_and_expiry,
        many_values_come_in_the_order_of_their_keys,
        a_delete_says_whether_the_key_was_there,
        a_key_expires_when_its_time_has_come,
        an_expiry_can_change_and_go,
        a_scan_gives_every_key,
        a_scan_gives_what_stays_while_others_come_and_go,
        a_clear_removes_every_key,
        len_counts_keys,
        what_is_too_long_is_refused,
        each_thread_sees_its_own_writes,
    ];
    for obligation in obligations {
        obligation(&make());
    }
}

/// A key that was never set is not there, in any respect.
pub fn a_missing_key_has_nothing<S: KeyValue>(store: &S) {
    assert_eq!(store.get(b"k"), Ok(None));
    assert_eq!(store.kind(b"k"), Ok(None));
    assert_eq!(store.expiry(b"k"), Ok(Expiry::NoKey));
    assert_eq!(store.delete(b"k"), Ok(false));
    assert_eq!(store.expire(b"k", Some(FUTURE)), Ok(false));
    assert_eq!(store.expire(b"k", None), Ok(false));
    assert_eq!(store.get_many(&[b"k", b""]), Ok(vec![None, None]));
    assert_eq!(store.get_many(&[]), Ok(vec![]));
    assert_eq!(store.len(), Ok(0));
    assert_eq!(store.is_empty(), Ok(true));
    assert_eq!(store.scan(Cursor::START, 10), Ok((Cursor::START, vec![])));
}

/// Any bytes are a key, any bytes are a value, and values come back as they were.
pub fn a_value_comes_back_byte_for_byte<S: KeyValue>(store: &S) {
    let long = vec![0xa5; 100_000];
    let values: [&[u8]; 14] = [
        b"",
        b"0",
        b"-0",
        b"007",
        b"+7",
        b"-9223372036854775808",
        b"9223372036854775807",
        b"9223372036854775808",
        b"line\r\nline\0",
        b"\xff\xfe",
        &long[..4095],
        &long[..4096],
        &long[..4097],
        &long,
    ];
    let keys: [&[u8]; 4] = [b"", b"k", b"\0\xff\r\n", &long[..300]];
    for value in values {
        for key in keys {
            assert_eq!(store.set(key, value), Ok(()));
            assert_eq!(store.get(key).expect("no error").as_deref(), Some(value));
            assert_eq!(store.kind(key), Ok(Some(Kind::String)));
        }
    }
    assert_eq!(store.len(), Ok(keys.len() as u64));
}

/// A set forgets the value and the expiry that were there.
pub fn a_set_replaces_value_and_expiry<S: KeyValue>(store: &S) {
    assert_eq!(store.set_until(b"k", b"first", FUTURE), Ok(()));
    assert_eq!(store.expiry(b"k"), Ok(Expiry::At(FUTURE)));
    assert_eq!(store.set(b"k", b"2"), Ok(()));
    assert_eq!(store.expiry(b"k"), Ok(Expiry::Never));
    assert_eq!(
        store.get(b"k").expect("no error").as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(store.len(), Ok(1));
}

/// `get_many` answers each key in its place, missing and repeated ones too.
pub fn many_values_come_in_the_order_of_their_keys<S: KeyValue>(store: &S) {
    let keys = named(100);
    for key in &keys {
        assert_eq!(store.set(key, key), Ok(()));
    }
    let mut wanted: Vec<&[u8]> = keys.iter().rev().map(Vec::as_slice).collect();
    wanted.extend([b"missing".as_slice(), &keys[7], &keys[7]]);
    let found = store.get_many(&wanted).expect("no error");
    assert_eq!(found.len(), wanted.len());
    for (key, value) in wanted.iter().zip(&found) {
        let expected = (*key != b"missing").then_some(*key);
        assert_eq!(value.as_deref(), expected);
    }
}

/// A delete says whether there was a key, and there is none afterwards.
pub fn a_delete_says_whether_the_key_was_there<S: KeyValue>(store: &S) {
    assert_eq!(store.set(b"k", b"v"), Ok(()));
    assert_eq!(store.delete(b"k"), Ok(true));
    assert_eq!(store.get(b"k"), Ok(None));
    assert_eq!(store.delete(b"k"), Ok(false));
    assert_eq!(store.len(), Ok(0));
}

/// From its expiry on, a key is not there.
pub fn a_key_expires_when_its_time_has_come<S: KeyValue>(store: &S) {
    assert_eq!(store.set(b"kept", b"v"), Ok(()));
    assert_eq!(store.set_until(b"k", b"v", PAST), Ok(()));
    assert_eq!(store.get(b"k"), Ok(None));
    assert_eq!(store.kind(b"k"), Ok(None));
    assert_eq!(store.expiry(b"k"), Ok(Expiry::NoKey));
    assert_eq!(store.delete(b"k"), Ok(false));
    assert_eq!(store.set(b"k", b"v"), Ok(()));
    assert_eq!(store.set_until(b"k", b"v", PAST), Ok(()));
    assert_eq!(all_keys(store), Ok(BTreeSet::from(["kept".into()])));
}

/// An expiry can be set, moved, taken away and be in the past, whatever the size of the value.
pub fn an_expiry_can_change_and_go<S: KeyValue>(store: &S) {
    let long = vec![b'x'; 50_000];
    for value in [b"12".as_slice(), b"text", &long] {
        assert_eq!(store.set(b"k", value), Ok(()));
        assert_eq!(store.expire(b"k", Some(FUTURE)), Ok(true));
        assert_eq!(store.expiry(b"k"), Ok(Expiry::At(FUTURE)));
        assert_eq!(store.expire(b"k", None), Ok(true));
        assert_eq!(store.expiry(b"k"), Ok(Expiry::Never));
        assert_eq!(store.expire(b"k", None), Ok(true));
        assert_eq!(store.expire(b"k", Some(FUTURE)), Ok(true));
        assert_eq!(store.get(b"k").expect("no error").as_deref(), Some(value));
        assert_eq!(store.expire(b"k", Some(PAST)), Ok(true));
        assert_eq!(store.get(b"k"), Ok(None));
        assert_eq!(store.expire(b"k", Some(FUTURE)), Ok(false));
    }
}

/// A scan gives every key, whatever the count.
pub fn a_scan_gives_every_key<S: KeyValue>(store: &S) {
    let keys = named(300);
    for key in &keys {
        assert_eq!(store.set(key, b"v"), Ok(()));
    }
    for count in [0, 1, 10, 1_000_000] {
        let mut seen = BTreeSet::new();
        let mut cursor = Cursor::START;
        loop {
            let (next, keys) = store.scan(cursor, count).expect("no error");
            seen.extend(keys.into_iter().map(|key| key.to_vec()));
            if next == Cursor::START {
                break;
            }
            cursor = next;
        }
        assert_eq!(seen, keys.iter().cloned().collect());
    }
}

/// Keys that stay from the first call of a scan to the last are given, whatever else happens.
pub fn a_scan_gives_what_stays_while_others_come_and_go<S: KeyValue>(store: &S) {
    let staying = named(100);
    for key in &staying {
        assert_eq!(store.set(key, b"v"), Ok(()));
    }
    let mut seen = BTreeSet::new();
    let mut cursor = Cursor::START;
    for round in 0u64.. {
        let (next, keys) = store.scan(cursor, 5).expect("no error");
        seen.extend(keys.into_iter().map(|key| key.to_vec()));
        if next == Cursor::START {
            break;
        }
        cursor = next;
        for n in 0..40u64 {
            let passing = format!("passing:{}:{n}", round / 2);
            if round % 2 == 0 {
                assert_eq!(store.set(passing.as_bytes(), b"v"), Ok(()));
            } else {
                assert_eq!(store.delete(passing.as_bytes()), Ok(true));
            }
        }
    }
    for key in &staying {
        assert!(seen.contains(key), "the scan passed over {key:?}");
    }
}

/// After a clear there is nothing, and the store works on.
pub fn a_clear_removes_every_key<S: KeyValue>(store: &S) {
    for key in named(50) {
        assert_eq!(store.set_until(&key, b"v", FUTURE), Ok(()));
    }
    assert_eq!(store.clear(), Ok(()));
    assert_eq!(store.len(), Ok(0));
    assert_eq!(all_keys(store), Ok(BTreeSet::new()));
    assert_eq!(store.set(b"key:1", b"again"), Ok(()));
    assert_eq!(store.len(), Ok(1));
}

/// `len` counts each key once.
pub fn len_counts_keys<S: KeyValue>(store: &S) {
    for (count, key) in named(50).iter().enumerate() {
        assert_eq!(store.len(), Ok(count as u64));
        assert_eq!(store.set(key, b"v"), Ok(()));
        assert_eq!(store.set(key, b"v"), Ok(()));
    }
}

/// Keys and values beyond the limits are refused, and nothing is changed.
pub fn what_is_too_long_is_refused<S: KeyValue>(store: &S) {
    if cfg!(miri) {
        // The interpreter would really fill half a gigabyte.
        return;
    }
    let long = vec![0; limits::KEY_BYTES_MAX.max(limits::STRING_BYTES_MAX) + 1];
    let key = &long[..limits::KEY_BYTES_MAX + 1];
    let value = &long[..limits::STRING_BYTES_MAX + 1];
    let refused = store.set(key, b"v");
    assert!(matches!(refused, Err(StoreError::KeyTooLong { .. })));
    let refused = store.set_until(b"k", value, FUTURE);
    assert!(matches!(refused, Err(StoreError::ValueTooLong { .. })));
    assert_eq!(store.len(), Ok(0));
}

/// Threads that use different keys do not disturb each other.
pub fn each_thread_sees_its_own_writes<S: KeyValue>(store: &S) {
    let work = |thread: usize| {
        for round in 0..ROUNDS {
            let key = format!("{thread}:{}", round % 50);
            let value = format!("{thread}:{round}");
            assert_eq!(store.set(key.as_bytes(), value.as_bytes()), Ok(()));
            let found = store.get(key.as_bytes()).expect("no error");
            assert_eq!(found.as_deref(), Some(value.as_bytes()));
            if round % 3 == 0 {
                assert_eq!(store.delete(key.as_bytes()), Ok(true));
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || work(thread));
        }
    });
}
