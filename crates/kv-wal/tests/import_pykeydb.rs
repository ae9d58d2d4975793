//! Logs of PyKeyDB, imported: what PyKeyDB held is what the store holds, and what is wrong is named.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::BufReader;
use std::sync::Arc;

use kv_core::testing::model::{Model, ModelValue};
use kv_core::{Db, Store as _};
use kv_wal::import::pykeydb::{ImportError, LINE_BYTES_MAX, Options, Summary, import};
use kv_wal::testing::MemFs;
use kv_wal::{Durability, DurableOptions, DurableStore};
use proptest::collection::vec;
use proptest::prelude::*;

const DB: Db = Db(3);

fn open(disk: &MemFs) -> DurableStore {
    let options = DurableOptions {
        durability: Durability::No,
        segment_bytes: 64 << 10,
        fs: Arc::new(disk.clone()),
        ..DurableOptions::default()
    };
    DurableStore::open("kv", options).expect("a disk in memory does not fail")
}

/// The outcome of an import into an empty store, the bad lines, and the store's content after a restart.
fn imported(
    log: &str,
    strict: bool,
    line_bytes_max: usize,
) -> (Result<Summary, ImportError>, Vec<String>, Model) {
    let disk = MemFs::new();
    let store = open(&disk);
    let bad: RefCell<Vec<String>> = RefCell::default();
    let options = Options {
        db: DB,
        strict,
        line_bytes_max,
        on_bad_line: &|line| bad.borrow_mut().push(line.to_string()),
        on_progress: &|_, _| (),
    };
    let mut source = BufReader::with_capacity(100, log.as_bytes());
    let outcome = import(&mut source, &store, &options);
    store.close().expect("a disk in memory does not fail");
    let model = Model::of(&open(&disk));
    (outcome, bad.into_inner(), model)
}

fn held(model: &Model, key: &str) -> Option<ModelValue> {
    model.value(DB, key.as_bytes()).cloned()
}

fn string(text: &str) -> Option<ModelValue> {
    Some(ModelValue::String(text.as_bytes().to_vec()))
}

fn owned(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn the_older_form() {
    let log = include_str!("fixtures/pykeydb/older.log");
    let (outcome, bad, model) = imported(log, true, LINE_BYTES_MAX);
    assert_eq!(bad, [""; 0]);
    let summary = outcome.unwrap();
    assert_eq!((summary.lines, summary.set, summary.deleted), (10, 8, 2));
    assert_eq!(summary.bytes, log.len() as u64);
    assert_eq!(model.len(DB), 6);
    assert_eq!(held(&model, "mykey"), None);
    assert_eq!(held(&model, "greeting"), string("hello world"));
    assert_eq!(held(&model, "umlaut"), string("gr\u{fc}\u{df} \u{1f600}"));
    assert_eq!(held(&model, "count"), string("42"));
    assert_eq!(held(&model, "ratio"), string("0.10"));
    assert_eq!(held(&model, "yes"), string("true"));
    assert_eq!(held(&model, "nothing"), string("null"));
}

#[test]
fn the_newer_form() {
    let log = include_str!("fixtures/pykeydb/newer.log");
    let (outcome, bad, model) = imported(log, true, LINE_BYTES_MAX);
    assert_eq!(bad, [""; 0]);
    let summary = outcome.unwrap();
    assert_eq!((summary.lines, summary.set, summary.deleted), (16, 14, 2));
    assert_eq!(model.len(DB), 7);
    assert_eq!(held(&model, "name"), string("Ada"));
    assert_eq!(held(&model, "age"), string("36"));
    assert_eq!(held(&model, "ratio"), string("1.5"));
    assert_eq!(held(&model, "old"), string("from before the types"));
    let jobs = owned(&["a", "c", "4"]).into();
    assert_eq!(held(&model, "jobs"), Some(ModelValue::List(jobs)));
    let user = [(b"name".to_vec(), (b"Ada".to_vec(), None))].into();
    assert_eq!(held(&model, "user"), Some(ModelValue::Hash(user)));
    let tags = owned(&["green"]).into_iter().collect();
    assert_eq!(held(&model, "tags"), Some(ModelValue::Set(tags)));
}

#[test]
fn bad_lines_are_named_and_the_rest_is_imported() {
    let log = include_str!("fixtures/pykeydb/broken.log");
    let (outcome, bad, model) = imported(log, false, LINE_BYTES_MAX);
    assert_eq!(
        bad,
        [
            "line 2: not an operation as JSON: expected ident at column 2",
            "line 4: not a JSON object",
            "line 5: unknown operation \"EXPIRE\"",
            "line 6: the value has no type",
            "line 8: cut off: the log ends in the middle of it",
        ]
    );
    let summary = outcome.unwrap();
    assert_eq!((summary.lines, summary.set, summary.bad), (8, 2, 5));
    assert_eq!((summary.deleted, summary.blank), (0, 1));
    assert_eq!(held(&model, "first"), string("1"));
    assert_eq!(held(&model, "last"), string("2"));
    assert_eq!(model.len(DB), 2);
}

#[test]
fn strict_ends_at_the_first_bad_line() {
    let log = include_str!("fixtures/pykeydb/broken.log");
    let (outcome, bad, model) = imported(log, true, LINE_BYTES_MAX);
    assert_eq!(bad, [""; 0]);
    let failure = outcome.unwrap_err().to_string();
    assert_eq!(
        failure,
        "line 2: not an operation as JSON: expected ident at column 2"
    );
    assert_eq!(model.len(DB), 1, "what came before is there");
}

#[test]
fn a_line_that_is_too_long_is_a_bad_line() {
    let long = "x".repeat(10_000);
    let log = format!(
        "{{\"operation\":\"SET\",\"key\":\"a\",\"value\":\"{long}\"}}\n\
         {{\"operation\":\"SET\",\"key\":\"b\",\"value\":\"v\"}}"
    );
    let (outcome, bad, model) = imported(&log, false, 1_000);
    assert_eq!(bad, ["line 1: longer than 1000 bytes"]);
    // A last line without a line feed is a line when it is whole.
    assert_eq!(outcome.unwrap().set, 1);
    assert_eq!(held(&model, "b"), string("v"));
    assert_eq!(held(&model, "a"), None);
}

#[test]
fn what_was_there_stays_unless_the_log_names_it() {
    let disk = MemFs::new();
    let store = open(&disk);
    let run = |log: &str| {
        let options = Options {
            db: DB,
            strict: true,
            line_bytes_max: LINE_BYTES_MAX,
            on_bad_line: &|_| (),
            on_progress: &|_, _| (),
        };
        import(&mut log.as_bytes(), &store, &options).unwrap()
    };
    run(include_str!("fixtures/pykeydb/older.log"));
    run(
        "{\"operation\":\"SADD\",\"key\":\"count\",\"value\":{\"type\":\"set\",\"value\":[\"m\"]}}\n",
    );
    let model = Model::of(&store);
    assert_eq!(store.len(DB), 6);
    let set = [b"m".to_vec()].into();
    assert_eq!(held(&model, "count"), Some(ModelValue::Set(set)));
    assert_eq!(held(&model, "greeting"), string("hello world"));
}

/// What a PyKeyDB held, as far as its log tells.
type Held = BTreeMap<String, Content>;

#[derive(Clone, Debug)]
enum Content {
    String(String),
    List(VecDeque<String>),
    Hash(BTreeMap<String, String>),
    Set(BTreeSet<String>),
}

/// A call on a PyKeyDB. Calls on a key of another kind fail there and are not logged.
#[derive(Clone, Debug)]
enum Call {
    Set(String),
    Delete,
    Push(bool, String),
    Pop(bool),
    HashSet(String, String),
    HashDelete(String),
    SetAdd(String),
    SetRemove(String),
    SetPop,
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-d]", 1 => any::<String>()]
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => texts().prop_map(Call::Set),
        2 => Just(Call::Delete),
        4 => (any::<bool>(), texts()).prop_map(|(left, text)| Call::Push(left, text)),
        3 => any::<bool>().prop_map(Call::Pop),
        4 => (texts(), texts()).prop_map(|(field, value)| Call::HashSet(field, value)),
        2 => texts().prop_map(Call::HashDelete),
        4 => texts().prop_map(Call::SetAdd),
        2 => texts().prop_map(Call::SetRemove),
        1 => Just(Call::SetPop),
    ]
}

/// Does `call` and returns the name of the operation that is logged, if one is.
fn run(held: &mut Held, key: &str, call: &Call) -> Option<&'static str> {
    let there = held.get(key).cloned();
    let (name, new) = match (call, there) {
        (Call::Set(text), _) => ("SET", Content::String(text.clone())),
        (Call::Delete, Some(_)) => {
            held.remove(key);
            return Some("DEL");
        }
        (Call::Push(left, text), None | Some(Content::List(_))) => {
            let mut list = match held.get(key) {
                Some(Content::List(list)) => list.clone(),
                _ => VecDeque::new(),
            };
            if *left {
                list.push_front(text.clone());
                ("LPUSH", Content::List(list))
            } else {
                list.push_back(text.clone());
                ("RPUSH", Content::List(list))
            }
        }
        (Call::Pop(left), Some(Content::List(mut list))) => {
            if *left {
                list.pop_front();
                ("LPOP", Content::List(list))
            } else {
                list.pop_back();
                ("RPOP", Content::List(list))
            }
        }
        (Call::HashSet(field, value), there @ (None | Some(Content::Hash(_)))) => {
            let mut hash = match there {
                Some(Content::Hash(hash)) => hash,
                _ => BTreeMap::new(),
            };
            hash.insert(field.clone(), value.clone());
            ("HSET", Content::Hash(hash))
        }
        (Call::HashDelete(field), Some(Content::Hash(mut hash))) => {
            hash.remove(field)?;
            ("HDEL", Content::Hash(hash))
        }
        (Call::SetAdd(member), there @ (None | Some(Content::Set(_)))) => {
            let mut set = match there {
                Some(Content::Set(set)) => set,
                _ => BTreeSet::new(),
            };
            set.insert(member.clone());
            ("SADD", Content::Set(set))
        }
        (Call::SetRemove(member), Some(Content::Set(mut set))) => {
            set.remove(member);
            ("SREMOVE", Content::Set(set))
        }
        (Call::SetPop, Some(Content::Set(mut set))) => {
            set.pop_last();
            ("SPOP", Content::Set(set))
        }
        _ => return None,
    };
    held.insert(key.to_owned(), new);
    Some(name)
}

/// The line that is logged after an operation that left `content` behind.
fn line(name: &str, key: &str, content: Option<&Content>, older: bool) -> String {
    use serde_json::json;
    let record = match content {
        None => json!({"operation": name, "key": key}),
        Some(Content::String(text)) if older => {
            json!({"operation": name, "key": key, "value": text})
        }
        Some(content) => {
            let (kind, value) = match content {
                Content::String(text) => ("string", json!(text)),
                Content::List(list) => ("list", json!(list)),
                Content::Hash(hash) => ("hash", json!(hash)),
                Content::Set(set) => ("set", json!(set)),
            };
            json!({"operation": name, "key": key, "value": {"type": kind, "value": value}})
        }
    };
    format!("{record}\n")
}

fn model_value(content: &Content) -> ModelValue {
    let bytes = |text: &String| text.clone().into_bytes();
    match content {
        Content::String(text) => ModelValue::String(bytes(text)),
        Content::List(list) => ModelValue::List(list.iter().map(bytes).collect()),
        Content::Hash(hash) => {
            let pair = |(field, value)| (bytes(field), (bytes(value), None));
            ModelValue::Hash(hash.iter().map(pair).collect())
        }
        Content::Set(set) => ModelValue::Set(set.iter().map(bytes).collect()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_pykeydb_did_is_what_the_store_holds(
        calls in vec(("[a-c]", calls(), any::<bool>()), 0..120),
    ) {
        let mut held = Held::new();
        let mut log = String::new();
        let mut logged = 0;
        for (key, call, older) in &calls {
            if let Some(name) = run(&mut held, key, call) {
                log.push_str(&line(name, key, held.get(key), *older));
                logged += 1;
            }
            held.retain(|_, content| match content {
                Content::String(_) => true,
                Content::List(list) => !list.is_empty(),
                Content::Hash(hash) => !hash.is_empty(),
                Content::Set(set) => !set.is_empty(),
            });
        }
        let (outcome, _, model) = imported(&log, true, LINE_BYTES_MAX);
        let summary = outcome.unwrap();
        prop_assert_eq!(summary.lines, logged);
        prop_assert_eq!(summary.set + summary.deleted, logged);
        prop_assert_eq!(model.len(DB), held.len() as u64);
        for (key, content) in &held {
            prop_assert_eq!(model.value(DB, key.as_bytes()), Some(&model_value(content)));
        }
    }
}
