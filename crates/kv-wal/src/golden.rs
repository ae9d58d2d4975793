//! The format on disk stays what it is: directories of every version are read, and what writes them today
//! writes the same bytes of the newest one.
//!
//! With `KV_WAL_WRITE_FIXTURES=binary` the test writes that fixture instead. That is right only for a new one,
//! in a new folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kv_core::{
    CollectionKind, Db, Effect, Elements, ListEnd, Lsn, StreamChange, StreamId, StringValue,
    UnixMillis,
};

use crate::Encoding;
use crate::batch::FrameBuffer;
use crate::dir::LogDir;
use crate::file::IoFailure;
use crate::format::{FrameKind, SegmentHeader, VERSION, encode_effect};
use crate::manifest::Manifest;
use crate::replay::replay;
use crate::segment::{Blank, LiveSegment};
use crate::testing::MemFs;

/// What a fixture holds, in frames.
type Frames = Vec<Vec<Effect<'static>>>;

/// The fixtures: the first version that has it, a folder, its encoding, what is in it.
fn fixtures() -> [(u32, &'static str, Encoding, Frames); 12] {
    [
        (1, "binary", Encoding::Binary, plain()),
        (1, "json", Encoding::Json, plain()),
        (1, "binary-collections", Encoding::Binary, on_collections()),
        (1, "json-collections", Encoding::Json, on_collections()),
        (1, "binary-parts", Encoding::Binary, on_parts()),
        (1, "json-parts", Encoding::Json, on_parts()),
        (1, "binary-ranked", Encoding::Binary, on_ranked()),
        (1, "json-ranked", Encoding::Json, on_ranked()),
        (2, "binary-libraries", Encoding::Binary, on_libraries()),
        (2, "json-libraries", Encoding::Json, on_libraries()),
        (2, "binary-streams", Encoding::Binary, on_streams()),
        (2, "json-streams", Encoding::Json, on_streams()),
    ]
}

/// Every kind of effect on libraries.
fn on_libraries() -> Frames {
    let set = |name, code| Effect::SetLibrary { name, code };
    vec![
        vec![set(b"lib", Some(b"#!lua name=lib\nreturn 1"))],
        vec![set(b"", Some(b"\xff")), set(b"lib", Some(b""))],
        vec![set(b"none", None)],
        vec![set(b"lib", None)],
    ]
}

/// Every kind of change of a stream.
fn on_streams() -> Frames {
    const ONE: &[u8] = &[0, 0, 1, 0x9a, 0xac, 0x7e, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const MOST: &[u8] = &[0xff; 16];
    let ids = Elements::new(&[ONE, MOST]);
    let one = StreamId::of_bytes(ONE).expect("an ID");
    let (group, consumer) = (&b"g"[..], &b"a\xff"[..]);
    let noon = UnixMillis(1_763_812_800_000);
    let on = |change| Effect::Stream {
        db: Db(7),
        key: b"s",
        change,
    };
    let set_group = |read| {
        on(StreamChange::SetGroup {
            group,
            last: one,
            read,
        })
    };
    let set_consumer = |active| {
        on(StreamChange::SetConsumer {
            group,
            consumer,
            seen: noon,
            active,
        })
    };
    vec![
        vec![
            on(StreamChange::Renew),
            on(StreamChange::Add {
                id: one,
                fields: Elements::new(&[b"f", b"gr\xc3\xbc\xc3\x9f", b"", b"\xff"]),
            }),
        ],
        vec![
            on(StreamChange::Delete { ids }),
            on(StreamChange::Trim { count: u64::MAX }),
        ],
        vec![
            on(StreamChange::SetIds {
                last: StreamId::MAX,
                max_deleted: one,
                added: 300,
            }),
            set_group(None),
            set_group(Some(0)),
        ],
        vec![set_consumer(None), set_consumer(Some(UnixMillis(-1)))],
        vec![
            on(StreamChange::Deliver {
                group,
                consumer,
                time: noon,
                count: 128,
                ids,
            }),
            on(StreamChange::Acknowledge { group, ids }),
        ],
        vec![
            on(StreamChange::DeleteConsumer { group, consumer }),
            on(StreamChange::DestroyGroup { group }),
        ],
    ]
}

/// Effects on parts of strings, on two keys and on two databases.
fn on_parts() -> Frames {
    let (db, other) = (Db(1), Db(300));
    let patch = |offset, bytes| Effect::PatchString {
        db,
        key: b"bits",
        offset,
        bytes,
    };
    let copy = Effect::CopyKey {
        from_db: db,
        from: b"bits",
        db: other,
        key: b"copy\xff",
    };
    let moved = Effect::MoveKey {
        from_db: other,
        from: b"copy\xff",
        db,
        key: b"moved",
    };
    vec![
        vec![patch(0, b"\x80"), patch(200, b"text")],
        vec![patch(536_870_911, b"\xff")],
        vec![copy],
        vec![moved],
        vec![Effect::SwapDbs { one: db, other }],
    ]
}

/// Every kind of effect on sorted sets and on expiries of fields.
fn on_ranked() -> Frames {
    const INF: &[u8] = &f64::INFINITY.to_le_bytes();
    const THIRD: &[u8] = &(-1.0_f64 / 3.0).to_le_bytes();
    const ZERO: &[u8] = &(-0.0_f64).to_le_bytes();
    const LEAST: &[u8] = &f64::MIN_POSITIVE.to_le_bytes();
    let db = Db(7);
    let key: &[u8] = b"ranked";
    let noon = Some(UnixMillis(1_763_812_800_000));
    let add = |members| Effect::ZSetAdd {
        db,
        key,
        members: Elements::new(members),
    };
    let put = |members, expires| Effect::SetCollection {
        db,
        key,
        kind: CollectionKind::ZSet,
        elements: Elements::new(members),
        expires,
    };
    let expire = |fields, expires| Effect::HashExpire {
        db,
        key: b"hash",
        expires,
        fields: Elements::new(fields),
    };
    vec![
        vec![add(&[INF, b"ada", THIRD, b""])],
        vec![
            add(&[LEAST, b"\xff"]),
            Effect::ZSetRemove {
                db,
                key,
                members: Elements::new(&[b"ada", b"none"]),
            },
        ],
        vec![
            put(&[ZERO, b"gr\xc3\xbc\xc3\x9f"], None),
            put(&[THIRD, b"a", INF, b"b"], noon),
        ],
        vec![
            Effect::HashSet {
                db,
                key: b"hash",
                fields: Elements::new(&[b"f", b"v"]),
            },
            expire(&[b"f", b"\x00\xff"], noon),
            expire(&[b"f"], Some(UnixMillis(-1))),
        ],
        vec![expire(&[b"f"], None)],
    ]
}

/// Every kind of effect on collections.
fn on_collections() -> Frames {
    const LONG: &[u8] = &[b'x'; 66];
    let db = Db(7);
    let (list, hash, set) = (&b"list"[..], &b"hash"[..], &b"set"[..]);
    let push = |end, elements| Effect::ListPush {
        db,
        key: list,
        end,
        elements: Elements::new(elements),
    };
    let pop = |end, count| Effect::ListPop {
        db,
        key: list,
        end,
        count,
    };
    let remove = |from, element| Effect::ListRemove {
        db,
        key: list,
        from,
        count: 300,
        element,
    };
    let fields = |elements| Elements::new(elements);
    let put = |kind, elements, expires| Effect::SetCollection {
        db,
        key: b"whole",
        kind,
        elements: fields(elements),
        expires,
    };
    let noon = Some(UnixMillis(1_763_812_800_000));
    vec![
        vec![
            push(ListEnd::Back, &[b"a", b"", b"c"]),
            push(ListEnd::Front, &[b"\xff", LONG]),
        ],
        vec![pop(ListEnd::Front, 1), pop(ListEnd::Back, u64::MAX)],
        vec![
            Effect::ListSet {
                db,
                key: list,
                index: 128,
                element: b"b",
            },
            Effect::ListInsert {
                db,
                key: list,
                index: 0,
                element: b"\xfe",
            },
            remove(ListEnd::Front, b"a"),
            remove(ListEnd::Back, b"c"),
        ],
        vec![
            Effect::HashSet {
                db,
                key: hash,
                fields: fields(&[b"name", b"gr\xc3\xbc\xc3\x9f", b"age", b"42"]),
            },
            Effect::HashDelete {
                db,
                key: hash,
                fields: fields(&[b"age"]),
            },
        ],
        vec![
            Effect::SetAdd {
                db,
                key: set,
                members: fields(&[b"one", b"\x00\xff"]),
            },
            Effect::SetRemove {
                db,
                key: set,
                members: fields(&[b"one"]),
            },
        ],
        vec![
            put(CollectionKind::List, &[b"b", b"a", b"b"], None),
            put(CollectionKind::List, &[b""], noon),
            put(CollectionKind::Hash, &[b"f", b"\xff"], None),
            put(CollectionKind::Hash, &[b"f", b"v", b"g", b"w"], noon),
        ],
        vec![
            put(CollectionKind::Set, &[b"m"], None),
            put(CollectionKind::Set, &[], noon),
        ],
    ]
}

/// Every kind of effect on strings and whole keys, with every kind of value.
fn plain() -> Frames {
    let db = Db(0);
    let other = Db(15);
    let set = |key, value, expires| Effect::SetString {
        db,
        key,
        value,
        expires,
    };
    let text = StringValue::Bytes("gr\u{fc}\u{df} \"dich\"\n".as_bytes());
    let noon = UnixMillis(1_763_812_800_000);
    vec![
        vec![set(b"text", text, None)],
        vec![
            set(
                b"bytes\xff",
                StringValue::Bytes(b"\x00\xfe\xff"),
                Some(noon),
            ),
            set(b"", StringValue::Bytes(b""), None),
            set(b"int", StringValue::Int(-42), None),
            set(b"least", StringValue::Int(i64::MIN), Some(UnixMillis(-1))),
        ],
        vec![Effect::AppendString {
            db: other,
            key: b"log",
            suffix: b" and more",
        }],
        vec![
            Effect::SetExpiry {
                db: other,
                key: b"log",
                expires: Some(noon),
            },
            Effect::SetExpiry {
                db,
                key: b"text",
                expires: None,
            },
        ],
        vec![
            Effect::Delete { db, key: b"text" },
            Effect::FlushDb { db: other },
            Effect::FlushAll,
        ],
    ]
}

fn written(encoding: Encoding, frames: &Frames) -> Result<BTreeMap<String, Vec<u8>>, IoFailure> {
    let disk = MemFs::new();
    let dir = LogDir::open(&disk, Path::new("golden")).expect("a disk in memory does not fail");
    let blank = |serial| Blank::make(&dir, serial, 5000, || Ok::<_, IoFailure>(()));
    let header = SegmentHeader {
        version: VERSION,
        database: *b"golden database!",
        number: 1,
        first_lsn: Lsn(1),
        salt: 0x0123_4567_89AB_CDEF,
        capacity: 0,
        predecessor: None,
        encoding,
        unsynced_max: 0,
        epoch: 0,
    };
    let mut live = LiveSegment::publish(&dir, blank(1)?, header)?;
    for (number, effects) in frames.iter().enumerate() {
        if number == 3 {
            live.mark(FrameKind::Seal, live.last_lsn())?;
            let header = live.successor(0xFEDC_BA98_7654_3210);
            live = LiveSegment::publish(&dir, blank(2)?, header)?;
        }
        let mut frame = FrameBuffer::default();
        let synced = live.last_lsn();
        for effect in effects {
            let mut encoded = Vec::new();
            encode_effect(encoding, effect, &mut encoded);
            frame.push(&encoded, 1, synced.advanced_by(1));
        }
        live.append(&mut frame, synced)?;
    }
    live.mark(FrameKind::Noop, live.last_lsn())?;
    live.mark(FrameKind::Clean, live.last_lsn())?;
    live.cut()?;
    let manifest = Manifest {
        database: header.database,
        first_segment: 1,
        newest_segment: live.number(),
        durable: live.last_lsn(),
        older: None,
        newest: None,
    };
    manifest.replace(&dir)?;
    Ok(disk.files())
}

fn folder(version: u32, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/v{version}"))
        .join(name)
}

#[test]
fn the_newest_version_is_written_byte_for_byte() {
    for (_, fixture, encoding, frames) in fixtures() {
        for (name, bytes) in written(encoding, &frames).unwrap() {
            let path = folder(VERSION, fixture).join(name);
            let wanted = std::env::var_os("KV_WAL_WRITE_FIXTURES");
            if wanted.is_some_and(|wanted| wanted == fixture) {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            let fixture = std::fs::read(&path).unwrap();
            assert!(fixture == bytes, "{} differs", path.display());
        }
    }
}

#[test]
fn every_version_is_read() {
    let versions = (1..=VERSION).flat_map(|version| fixtures().map(|fixture| (version, fixture)));
    for (version, (_, fixture, _, frames)) in
        versions.filter(|(version, (since, ..))| version >= since)
    {
        let mut files = BTreeMap::new();
        for entry in folder(version, fixture).read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read(path).unwrap());
        }
        let disk = MemFs::with_files(&files);
        let dir = LogDir::open(&disk, Path::new("golden")).unwrap();
        let manifest = Manifest::read(&dir).unwrap().unwrap();
        let mut expected = frames.into_iter().flatten();
        let found = replay(&dir, &manifest, None, &mut |effect| {
            assert_eq!(Some(*effect), expected.next());
            Ok(())
        })
        .unwrap();
        assert_eq!(expected.next(), None);
        assert!(found.report.clean);
        assert_eq!(found.report.segments, 2);
    }
}
