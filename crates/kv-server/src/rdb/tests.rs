//! What other servers wrote is read; what is damaged is refused, without a panic.

use kv_core::CollectionKind;
use proptest::collection::vec;
use proptest::prelude::*;

use super::payload::seal;
use super::{Content, Damaged, Object, open};

/// The value of a payload, its version and checksum put behind it here.
fn sealed(value: &[u8], version: u16) -> Result<Object, Damaged> {
    let mut payload = value.to_vec();
    seal(&mut payload, version);
    open(&payload).expect("as it was made").read()
}

fn collection(value: &[u8], version: u16) -> Content {
    match sealed(value, version) {
        Ok(Object::Collection(content)) => content,
        other => panic!("{other:?}"),
    }
}

fn shown(content: &Content) -> String {
    let elements: Vec<&[u8]> = content.elements().iter().collect();
    let elements = elements.join(&b","[..]);
    let times = content.expiring.iter().map(|(time, field)| {
        let field = String::from_utf8_lossy(field);
        format!(" {field}@{}", time.0)
    });
    format!(
        "{}{}",
        String::from_utf8_lossy(&elements),
        times.collect::<String>()
    )
}

/// What Redis 8.2.3 and Valkey 9.1.2 answered to `DUMP`.
#[test]
fn payloads_of_other_servers_are_read() {
    let payload = b"\x00\xc3\x09\x40\x64\x01\x61\x61\xe0\x57\x00\x01\x61\x61\x50\x00\x27\x89\x7c\x96\x2e\x3f\x95\x85";
    let read = open(payload).expect("as it was made").read();
    assert_eq!(read, Ok(Object::String(vec![b'a'; 100])));
    let redis = b"\x19\x7b\x38\xd3\x60\xba\x01\x00\x00\x1f\x1f\x00\x00\x00\x06\x00\x81\x66\x02\x81\x76\x02\xf4\x7b\x38\xd3\x60\
                  \xba\x01\x00\x00\x09\x81\x67\x02\x81\x77\x02\x00\x01\xff\x0c\x00\x95\x9e\xcf\x4d\xfb\xb4\x9f\xf1";
    let valkey = b"\x16\x02\x01\x66\x01\x76\x7b\x38\xd3\x60\xba\x01\x00\x00\x01\x67\x01\x77\xff\xff\xff\xff\xff\xff\xff\xff\
                   \x50\x00\x6d\x67\xa9\x60\xd0\xca\xd2\xb4";
    for payload in [&redis[..], valkey] {
        match open(payload).expect("as it was made").read() {
            Ok(Object::Collection(content)) => {
                assert_eq!(content.kind, CollectionKind::Hash);
                assert_eq!(shown(&content), "f,v,g,w f@1900000000123");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_form_is_read() {
    use CollectionKind::{Hash, List, Set, ZSet};
    let listpack = b"\x0c\x0c\0\0\0\x02\0\x81a\x02\x07\x01\xff";
    let form = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
    for (value, kind, expected) in [
        (form(1, b"\x02\x01a\xc0\x05"), List, "a,5"),
        (form(2, b"\x02\x01a\xc0\x05"), Set, "a,5"),
        (form(4, b"\x01\x01a\xc0\x05"), Hash, "a,5"),
        (
            form(11, b"\x0c\x02\0\0\0\x02\0\0\0\xff\xff\x05\0"),
            Set,
            "-1,5",
        ),
        (form(16, listpack), Hash, "a,7"),
        (
            form(
                18,
                b"\x02\x01\x01x\x02\x0c\x0c\0\0\0\x02\0\x81a\x02\x07\x01\xff",
            ),
            List,
            "x,a,7",
        ),
        (form(20, listpack), Set, "a,7"),
        (
            form(
                24,
                b"\x10\0\0\0\0\0\0\0\x03\0\x01a\x01b\x01\x01c\x01d\x02\x01e\x01f",
            ),
            Hash,
            "a,b,c,d,e,f c@16 e@17",
        ),
    ] {
        let content = collection(&value, 11);
        assert_eq!((content.kind, shown(&content).as_str()), (kind, expected));
    }
    for scored in [
        form(17, listpack),
        form(5, b"\x01\x01a\0\0\0\0\0\0\x1c\x40"),
    ] {
        let content = collection(&scored, 11);
        let members: Vec<(f64, &[u8])> = content.elements().scored().collect();
        assert_eq!((content.kind, members), (ZSet, vec![(7.0, &b"a"[..])]));
    }
}

#[test]
fn what_no_store_can_hold_is_refused() {
    let repeated = b"\x14\x0d\x0d\0\0\0\x02\0\x81a\x02\x81a\x02\xff";
    for value in [
        &b""[..],
        // Nothing in it.
        b"\x01\0",
        b"\x02\0",
        b"\x04\0",
        b"\x05\0",
        b"\x12\0",
        // The same twice.
        b"\x02\x02\x01a\x01a",
        b"\x04\x02\x01a\x01b\x01a\x01c",
        repeated,
        // A score that is no number.
        b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f",
        b"\x11\x0f\x0f\0\0\0\x02\0\x81a\x02\x83nan\x04\xff",
        // A field without a value.
        b"\x10\x0a\x0a\0\0\0\x01\0\x81a\x02\xff",
        // More bytes than the value has.
        b"\x00\x01ab",
        // Forms of other times and values.
        b"\x0a\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",
        b"\x15\0",
        b"\x16\x01\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xff",
    ] {
        assert_eq!(sealed(value, 11), Err(Damaged), "{value:?}");
    }
}

#[test]
fn versions_and_checksums_are_looked_at() {
    for version in [0, 6, 11, 12, 80] {
        assert_eq!(
            sealed(b"\0\x01a", version),
            Ok(Object::String(b"a".to_vec()))
        );
    }
    for version in [13, 79, 81, u16::MAX] {
        let mut payload = b"\0\x01a".to_vec();
        seal(&mut payload, version);
        assert!(open(&payload).is_err(), "{version}");
    }
    let mut payload = b"\0\x01a".to_vec();
    seal(&mut payload, 11);
    for place in 0..payload.len() {
        assert!(open(&payload[..place]).is_err());
        payload[place] ^= 1;
        assert!(open(&payload).is_err());
        payload[place] ^= 1;
    }
}

/// Values of every form, as seeds for damage.
const SEEDS: [&[u8]; 9] = [
    b"\x00\xc3\x09\x40\x64\x01\x61\x61\xe0\x57\x00\x01\x61\x61",
    b"\x02\x03\x01a\xc0\x05\x05words",
    b"\x04\x02\x01a\xc0\x05\x01b\xc1\x05\x05",
    b"\x05\x01\x01a\0\0\0\0\0\0\x1c\x40",
    b"\x0b\x0c\x02\0\0\0\x02\0\0\0\xff\xff\x05\0",
    b"\x11\x0c\x0c\0\0\0\x02\0\x81a\x02\x07\x01\xff",
    b"\x12\x02\x01\x01x\x02\x0c\x0c\0\0\0\x02\0\x81a\x02\x07\x01\xff",
    b"\x18\x10\0\0\0\0\0\0\0\x03\0\x01a\x01b\x01\x01c\x01d\x02\x01e\x01f",
    b"\x19\x7b\x38\xd3\x60\xba\x01\x00\x00\x1f\x1f\x00\x00\x00\x06\x00\x81\x66\x02\x81\x76\x02\xf4\x7b\x38\xd3\x60\xba\x01\
      \x00\x00\x09\x81\x67\x02\x81\x77\x02\x00\x01\xff",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Checksums made right again: only the forms themselves stand between damage and the store.
    #[test]
    fn damaged_values_are_read_or_refused(
        seed in 0..SEEDS.len(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
        version in prop::sample::select(vec![11_u16, 12, 80]),
    ) {
        let mut value = SEEDS[seed].to_vec();
        for (place, byte) in changes {
            let place = place.index(value.len());
            value[place] = byte;
        }
        if !keep {
            value.truncate(cut.index(value.len()));
        }
        if let Ok(Object::Collection(content)) = sealed(&value, version) {
            prop_assert!(!content.elements().is_empty());
            prop_assert_eq!(content.elements().iter().count(), content.elements().len());
        }
    }

    #[test]
    fn random_bytes_are_refused_by_their_checksum(bytes in vec(any::<u8>(), 0..64)) {
        prop_assert!(open(&bytes).is_err());
    }
}
