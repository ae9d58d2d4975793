//! A durable store from outside: what is written comes back.

use std::sync::Arc;

use kv_core::testing::conformance;
use kv_core::{KeyValue, UnixMillis};
use kv_wal::testing::MemFs;
use kv_wal::{Durability, DurableOptions, DurableStore, Encoding};

fn options(disk: &MemFs) -> DurableOptions {
    DurableOptions {
        segment_bytes: 64 << 10,
        fs: Arc::new(disk.clone()),
        ..DurableOptions::default()
    }
}

#[test]
fn it_does_what_every_store_must() {
    for durability in Durability::ALL {
        let make = || {
            let options = DurableOptions {
                durability,
                ..options(&MemFs::new())
            };
            DurableStore::open("kv", options).unwrap()
        };
        conformance::key_value::all(make);
        conformance::store::all(make);
    }
}

#[test]
fn what_is_written_comes_back_whatever_the_policy_and_encoding() {
    for durability in Durability::ALL {
        for encoding in [Encoding::Binary, Encoding::Json] {
            let disk = MemFs::new();
            let options = DurableOptions {
                durability,
                encoding,
                ..options(&disk)
            };
            let store = DurableStore::open("kv", options.clone()).unwrap();
            for number in 0..3000_u32 {
                let key = format!("key:{number}");
                store.set(key.as_bytes(), &[0xff; 100]).unwrap();
            }
            let far = UnixMillis(i64::MAX);
            store.set_until(b"key:1", b"17", far).unwrap();
            assert!(store.delete(b"key:0").unwrap());
            assert!(store.stats().segment > 2, "{:?}", store.stats());
            store.close().unwrap();

            let store = DurableStore::open("kv", options).unwrap();
            assert!(store.recovered().clean);
            assert_eq!(store.recovered().effects, 3002);
            assert_eq!(KeyValue::len(&store).unwrap(), 2999);
            assert_eq!(store.get(b"key:0").unwrap(), None);
            assert_eq!(store.get(b"key:1").unwrap().as_deref(), Some(&b"17"[..]));
            assert_eq!(
                store.get(b"key:2999").unwrap().as_deref(),
                Some(&[0xff; 100][..])
            );
        }
    }
}
