//! What every [`Store`] must do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::model::Model;
use super::{FUTURE, PAST, ROUNDS, THREADS, named};
use crate::{
    At, Db, Effect, Expiry, KeySet, Lsn, Store, StringRef, StringValue, Txn, UnixMillis, View,
};

/// Runs every obligation of [`Store`], each on what `make` makes: an empty store of two databases or more.
///
/// # Panics
///
/// When one does not hold.
pub fn all<S: Store>(make: impl Fn() -> S) {
    let obligations: [fn(&S); 17] = [
        a_write_is_visible_after_it_returned,
        databases_are_apart,
        a_transaction_goes_over_several_databases,
        a_transaction_over_all_keys_goes_over_all_databases,
        what_expired_in_another_database_is_gone_there,
        a_transaction_sees_its_own_changes,
        a_write_that_changes_nothing_leaves_nothing,
        an_expired_key_is_gone_for_reads_and_writes,
        a_flush_empties_what_it_names,
        libraries_are_beside_the_databases,
        applied_effects_are_there,
        every_key_is_shown_once,
        a_sweep_removes_what_is_due_and_nothing_else,
        a_sweep_goes_on_where_its_budget_ended,
        increments_of_many_threads_add_up,
        transactions_over_many_keys_are_isolated,
        transactions_over_several_databases_are_isolated,
    ];
    for obligation in obligations {
        obligation(&make());
    }
}

fn at(now: UnixMillis) -> At {
    At { db: Db::FIRST, now }
}

/// Runs `change` as one transaction and returns its answer.
fn write<S: Store, R>(
    store: &S,
    at: At,
    keys: KeySet<'_>,
    mut change: impl FnMut(&mut Txn<'_>) -> R,
) -> R {
    let mut answer = None;
    store
        .write(at, keys, &mut |txn| answer = Some(change(txn)))
        .expect("no refusal");
    answer.expect("the change was run")
}

/// Runs `look` as one transaction and returns its answer.
fn read<S: Store, R>(
    store: &S,
    at: At,
    keys: KeySet<'_>,
    mut look: impl FnMut(&mut View<'_>) -> R,
) -> R {
    let mut answer = None;
    store.read(at, keys, &mut |view| answer = Some(look(view)));
    answer.expect("the look was run")
}

fn set<S: Store>(store: &S, at: At, key: &[u8], value: &[u8], expires: Option<UnixMillis>) {
    write(store, at, KeySet::One(key), |txn| {
        txn.set_string(key, StringValue::new(value), expires);
    });
}

fn exists<S: Store>(store: &S, at: At, key: &[u8]) -> bool {
    read(store, at, KeySet::One(key), |view| view.exists(key))
}

fn number(view: &mut View<'_>, key: &[u8]) -> i64 {
    match view.string(key) {
        Ok(Some(StringRef::Int(number))) => number,
        Ok(None) => 0,
        other => panic!("{key:?} holds {other:?}"),
    }
}

/// What a write changed is there for the next transaction, and waiting for it succeeds.
pub fn a_write_is_visible_after_it_returned<S: Store>(store: &S) {
    let lsn = store
        .write(at(PAST), KeySet::One(b"k"), &mut |txn| {
            txn.set_string(b"k", StringValue::new(b"v"), None);
        })
        .expect("no refusal");
    assert_eq!(store.wait(lsn), Ok(()));
    assert!(exists(store, at(PAST), b"k"));
    assert!(store.newest() >= lsn || lsn == Lsn::ZERO);
    assert_eq!(store.len(Db::FIRST), 1);
}

/// The same key in two databases is two keys.
pub fn databases_are_apart<S: Store>(store: &S) {
    let second = At {
        db: Db(1),
        now: PAST,
    };
    set(store, at(PAST), b"k", b"first", None);
    assert!(!exists(store, second, b"k"));
    set(store, second, b"k", b"second", None);
    assert!(write(store, at(PAST), KeySet::One(b"k"), |txn| txn.delete(b"k")));
    assert!(exists(store, second, b"k"));
    assert_eq!((store.len(Db(0)), store.len(Db(1))), (0, 1));
}

/// A declared key can be looked at and changed in every database, in one transaction.
pub fn a_transaction_goes_over_several_databases<S: Store>(store: &S) {
    set(store, at(PAST), b"k", b"1", None);
    let keys: [&[u8]; 2] = [b"k", b"other"];
    let before = store.newest();
    let lsn = store
        .write(at(PAST), KeySet::Many(&keys), &mut |txn| {
            let moved = number(txn, b"k");
            assert!(txn.delete(b"k"));
            txn.in_db(Db(1), KeySet::One(b"k"), |txn| {
                assert_eq!(txn.db(), Db(1));
                assert!(!txn.exists(b"k"));
                txn.set_string(b"k", StringValue::Int(moved), Some(FUTURE));
                txn.append_string(b"other", b"in the second");
                // From there back, and further.
                txn.in_db(Db(0), KeySet::None, |txn| {
                    assert!(!txn.exists(b"k"));
                    txn.append_string(b"other", b"in the first");
                });
                assert!(txn.exists(b"k"));
            });
            assert_eq!((txn.db(), txn.effects()), (Db(0), 4));
            assert!(!txn.exists(b"k"));
            let second = txn.in_db(Db(1), KeySet::None, |txn| txn.expiry(b"k"));
            assert_eq!(second, Expiry::At(FUTURE));
        })
        .expect("no refusal");
    assert!(lsn > before || lsn == Lsn::ZERO);
    assert_eq!((store.len(Db(0)), store.len(Db(1))), (1, 2));
    let mut found = Vec::new();
    store.read(at(PAST), KeySet::Many(&keys), &mut |view| {
        assert!(!view.exists(b"k"));
        view.in_db(Db(1), |view| found.push(number(view, b"k")));
        assert!(view.exists(b"other"));
    });
    assert_eq!(found, [1]);
}

/// A transaction over every key may go to every database too, and flush each alone.
pub fn a_transaction_over_all_keys_goes_over_all_databases<S: Store>(store: &S) {
    let second = At {
        db: Db(1),
        now: PAST,
    };
    for key in named(20) {
        set(store, at(PAST), &key, b"v", None);
        set(store, second, &key, b"v", None);
    }
    write(store, at(PAST), KeySet::All, |txn| {
        txn.in_db(Db(1), KeySet::None, |txn| {
            txn.flush_db();
            txn.set_string(b"k", StringValue::new(b"after"), None);
        });
        assert!(txn.exists(b"key:1"));
    });
    assert_eq!((store.len(Db(0)), store.len(Db(1))), (20, 1));
}

/// A key that has expired in the database that a transaction goes to is removed before the transaction meets
/// it, and one of the same name in its own database is not.
pub fn what_expired_in_another_database_is_gone_there<S: Store>(store: &S) {
    let at = |db, now| At {
        db: Db(db),
        now: UnixMillis(now),
    };
    for (key, keys) in [(b"k", KeySet::One(b"k")), (b"l", KeySet::All)] {
        set(store, at(0, 1), key, b"first", None);
        set(store, at(1, 1), key, b"old", Some(UnixMillis(10)));
        write(store, at(0, 10), keys, |txn| {
            txn.in_db(Db(1), KeySet::One(key), |txn| {
                assert!(!txn.exists(key));
                txn.append_string(key, b"new");
            });
        });
        let found = read(store, at(1, 10), KeySet::One(key), |view| {
            let string = view.string(key).expect("a string");
            string.map(|string| string.to_bytes())
        });
        assert_eq!(found.as_deref(), Some(&b"new"[..]));
        assert!(exists(store, at(0, 10), key));
    }
}

/// Within a transaction, each look shows what was changed before it.
pub fn a_transaction_sees_its_own_changes<S: Store>(store: &S) {
    let keys: [&[u8]; 2] = [b"a", b"b"];
    write(store, at(PAST), KeySet::Many(&keys), |txn| {
        txn.set_string(b"a", StringValue::Int(41), None);
        assert_eq!(number(txn, b"a"), 41);
        txn.append_string(b"a", b"2");
        assert_eq!(number(txn, b"a"), 412);
        txn.append_string(b"b", b"new");
        assert!(txn.delete(b"a"));
        assert!(!txn.exists(b"a"));
        assert!(txn.set_expiry(b"b", Some(FUTURE)));
        assert_eq!(txn.expiry(b"b"), Expiry::At(FUTURE));
        assert!(txn.set_expiry(b"b", Some(PAST)));
        assert!(!txn.exists(b"b"));
    });
    assert_eq!(store.len(Db::FIRST), 0);
}

/// A transaction that only looks, or deletes nothing, changes nothing.
pub fn a_write_that_changes_nothing_leaves_nothing<S: Store>(store: &S) {
    let before = store.newest();
    write(store, at(PAST), KeySet::One(b"k"), |txn| {
        assert!(!txn.delete(b"k"));
        assert!(!txn.set_expiry(b"k", None));
        assert_eq!(txn.effects(), 0);
    });
    assert_eq!(store.newest(), before);
    assert_eq!(store.len(Db::FIRST), 0);
}

/// From its time on, a key is gone: readers do not see it, and a writer removes it for good first.
pub fn an_expired_key_is_gone_for_reads_and_writes<S: Store>(store: &S) {
    let (before, after) = (at(UnixMillis(9)), at(UnixMillis(10)));
    set(store, before, b"k", b"old", Some(UnixMillis(10)));
    assert!(exists(store, before, b"k"));
    assert!(!exists(store, after, b"k"));
    assert_eq!(store.len(Db::FIRST), 1);
    write(store, after, KeySet::One(b"k"), |txn| {
        assert!(!txn.exists(b"k"));
        txn.append_string(b"k", b"new");
    });
    let found = read(store, after, KeySet::One(b"k"), |view| {
        let string = view.string(b"k").expect("a string");
        string.map(|string| string.to_bytes())
    });
    assert_eq!(found.as_deref(), Some(&b"new"[..]));
    // A clock that goes back brings nothing back.
    let expiry = read(store, before, KeySet::One(b"k"), |view| view.expiry(b"k"));
    assert_eq!(expiry, Expiry::Never);
}

/// A flush of one database leaves the others; a flush of all leaves nothing.
pub fn a_flush_empties_what_it_names<S: Store>(store: &S) {
    let second = At {
        db: Db(1),
        now: PAST,
    };
    for key in named(30) {
        set(store, at(PAST), &key, b"v", None);
        set(store, second, &key, b"v", None);
    }
    write(store, at(PAST), KeySet::All, |txn| txn.flush_db());
    assert_eq!((store.len(Db(0)), store.len(Db(1))), (0, 30));
    write(store, at(PAST), KeySet::All, |txn| {
        txn.flush_all();
        txn.set_string(b"k", StringValue::new(b"after"), None);
    });
    assert_eq!((store.len(Db(0)), store.len(Db(1))), (1, 0));
    assert!(!exists(store, second, b"key:1"));
}

/// Libraries are changed and seen like keys, and no flush touches them.
pub fn libraries_are_beside_the_databases<S: Store>(store: &S) {
    let code =
        |view: &mut View<'_>, name: &[u8]| view.libraries().get(name).map(|code| code.to_vec());
    write(store, at(PAST), KeySet::All, |txn| {
        assert!(!txn.set_library(b"lib", Some(b"one")));
        assert!(!txn.set_library(b"other", Some(b"")));
        assert!(!txn.set_library(b"none", None));
        assert_eq!(
            (txn.effects(), code(txn, b"lib")),
            (2, Some(b"one".to_vec()))
        );
    });
    let lsn = store.write(at(PAST), KeySet::All, &mut |txn| {
        txn.flush_all();
        assert!(txn.set_library(b"lib", Some(b"two")));
        assert!(txn.set_library(b"other", None));
    });
    let seen = store.read(at(PAST), KeySet::One(b"k"), &mut |view| {
        assert_eq!(code(view, b"lib"), Some(b"two".to_vec()));
        assert_eq!(code(view, b"other"), None);
    });
    assert_eq!(lsn, Ok(seen));
    assert_eq!((store.len(Db::FIRST), store.libraries().len()), (0, 1));
}

/// Effects that a log gives are there like those of transactions.
pub fn applied_effects_are_there<S: Store>(store: &S) {
    let (db, key) = (Db(1), b"k".as_slice());
    let effects = [
        Effect::SetString {
            db,
            key,
            value: StringValue::new(b"10"),
            expires: None,
        },
        Effect::AppendString {
            db,
            key,
            suffix: b"0",
        },
        Effect::SetExpiry {
            db,
            key,
            expires: Some(FUTURE),
        },
        Effect::AppendString {
            db,
            key: b"new",
            suffix: b"long enough to be no number",
        },
        Effect::Delete { db, key: b"new" },
    ];
    let mut model = Model::default();
    for effect in &effects {
        store.apply(effect);
        model.apply(effect);
    }
    assert_eq!(Model::of(store), model);
    assert_eq!(store.len(db), 1);
}

/// `for_each` shows every key of every database once, with all that belongs to it.
pub fn every_key_is_shown_once<S: Store>(store: &S) {
    let mut model = Model::default();
    for key in named(200) {
        for db in [Db(0), Db(1)] {
            let at = At { db, now: PAST };
            set(store, at, &key, &key, Some(FUTURE));
            model.apply(&Effect::SetString {
                db,
                key: &key,
                value: StringValue::new(&key),
                expires: Some(FUTURE),
            });
        }
    }
    assert_eq!(Model::of(store), model);
}

/// A sweep removes what has expired, in all databases, and only that.
pub fn a_sweep_removes_what_is_due_and_nothing_else<S: Store>(store: &S) {
    for (n, key) in (0..).zip(named(100)) {
        let db = Db(n % 2);
        let expires = (n % 3 != 0).then(|| UnixMillis(100 + i64::from(n)));
        set(store, At { db, now: PAST }, &key, b"v", expires);
    }
    let mut model = Model::of(store);
    for now in [PAST, UnixMillis(150), UnixMillis(150), UnixMillis(10_000)] {
        let before = store.len(Db(0)) + store.len(Db(1));
        let sweep = store.expire_due(now, 1_000);
        model.expire(now);
        assert_eq!(Model::of(store), model);
        let left = store.len(Db(0)) + store.len(Db(1));
        assert_eq!(sweep.removed as u64, before - left);
        assert!(sweep.looked_at >= sweep.removed);
        assert!(!sweep.more);
    }
}

/// A sweep stops at its budget, says so, and goes on there next time.
pub fn a_sweep_goes_on_where_its_budget_ended<S: Store>(store: &S) {
    for key in named(500) {
        set(store, at(PAST), &key, b"v", Some(UnixMillis(100)));
    }
    let nothing = store.expire_due(UnixMillis(100), 0);
    assert_eq!((nothing.removed, nothing.more), (0, true));
    let mut removed = 0;
    for _ in 0..500 {
        let sweep = store.expire_due(UnixMillis(100), 10);
        assert!(
            sweep.removed < 200,
            "a budget of 10 keys is not {}",
            sweep.removed
        );
        removed += sweep.removed;
        if !sweep.more {
            break;
        }
    }
    assert_eq!(removed, 500);
    assert_eq!(store.len(Db::FIRST), 0);
}

/// A read and a write in one transaction have nothing between them.
pub fn increments_of_many_threads_add_up<S: Store>(store: &S) {
    let keys = named(3);
    let (store_ref, keys_ref) = (store, &keys);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let key = keys_ref[(thread + round) % keys_ref.len()].as_slice();
                    write(store_ref, at(PAST), KeySet::One(key), |txn| {
                        let number = number(txn, key) + 1;
                        txn.set_string(key, StringValue::Int(number), None);
                    });
                }
            });
        }
    });
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let sum: i64 = read(store, at(PAST), KeySet::Many(&keys), |view| {
        keys.iter().map(|key| number(view, key)).sum()
    });
    assert_eq!(sum, (THREADS * ROUNDS) as i64);
}

/// Nobody sees a part of another's transaction, and no two wait for each other for ever.
pub fn transactions_over_many_keys_are_isolated<S: Store>(store: &S) {
    let names = named(6);
    let keys: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let keys = keys.as_slice();
    let done = AtomicBool::new(false);
    let transfer = |thread: usize| {
        for round in 0..ROUNDS {
            // Every pair, in both orders.
            let from = keys[(thread + round) % keys.len()];
            let to = keys[(thread * 5 + round * 3 + 1) % keys.len()];
            write(store, at(PAST), KeySet::Many(&[from, to]), |txn| {
                let taken = number(txn, from) - 1;
                txn.set_string(from, StringValue::Int(taken), None);
                let given = number(txn, to) + 1;
                txn.set_string(to, StringValue::Int(given), None);
            });
        }
    };
    let watch = || {
        while !done.load(Ordering::Relaxed) {
            let sum: i64 = read(store, at(PAST), KeySet::Many(keys), |view| {
                keys.iter().map(|key| number(view, key)).sum()
            });
            assert_eq!(sum, 0, "a reader saw half a transfer");
        }
    };
    thread::scope(|scope| {
        let watchers = [scope.spawn(watch), scope.spawn(watch)];
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || transfer(thread)))
            .collect();
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, Ordering::Relaxed);
        for result in results {
            result.expect("a worker");
        }
        for watcher in watchers {
            watcher.join().expect("a watcher");
        }
    });
}

/// Nobody sees a part of a transaction that changes the same key in two databases.
pub fn transactions_over_several_databases_are_isolated<S: Store>(store: &S) {
    let names = named(3);
    let keys: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let keys = keys.as_slice();
    let add = |txn: &mut Txn<'_>, key: &[u8], more: i64| {
        let sum = number(txn, key) + more;
        txn.set_string(key, StringValue::Int(sum), None);
    };
    let transfer = |thread: usize| {
        for round in 0..ROUNDS {
            let key = keys[(thread + round) % keys.len()];
            let (from, to) = match round % 2 {
                0 => (Db(0), Db(1)),
                _ => (Db(1), Db(0)),
            };
            let at = At {
                db: from,
                now: PAST,
            };
            write(store, at, KeySet::One(key), |txn| {
                add(txn, key, -1);
                txn.in_db(to, KeySet::One(key), |txn| add(txn, key, 1));
            });
        }
    };
    let done = AtomicBool::new(false);
    let watch = || {
        while !done.load(Ordering::Relaxed) {
            for key in keys {
                let sum = read(store, at(PAST), KeySet::One(key), |view| {
                    number(view, key) + view.in_db(Db(1), |view| number(view, key))
                });
                assert_eq!(sum, 0, "a reader saw half a transfer");
            }
        }
    };
    thread::scope(|scope| {
        let watcher = scope.spawn(watch);
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || transfer(thread)))
            .collect();
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, Ordering::Relaxed);
        for result in results {
            result.expect("a worker");
        }
        watcher.join().expect("a watcher");
    });
}
