//! What is done to keys, by the names under which subscribers of keyspace notifications know it.
//!
//! The rule: **a handler announces every change that it makes**, behind the change, with one of the names below:
//!
//! ```text
//! txn.list_push(key, ListEnd::Front, &elements)?;
//! txn.announce(key, event::LPUSH);
//! ```
//!
//! A name that is not here is added to its class. One change may have several names (`SET ... EX` is `set` and
//! `expire`), in the order in which Redis tells them; a collection that became empty is also `del`. A change
//! that Redis has no name for is `txn.announce_nothing(key)`. What is not a command's doing announces itself:
//! `expired`, `new`, and `keymiss` of reads. Writes that look like reads (`GETDEL`) announce [`KEYMISS`].
//!
//! Invariant: where assertions are on - in every test - a handler that changed a key and said nothing of it
//! fails. Every command has a script, so a command that forgets an event fails the tests.
//! Invariant: names are Redis', and `all` lists each of them once.

use kv_core::{Classes, Event, Txn};

/// Keys of any kind: the class `g`.
pub(crate) const GENERIC: Classes = Classes::other(0);
/// Strings: `$`.
pub(crate) const STRING: Classes = Classes::other(1);
/// Lists: `l`.
pub(crate) const LIST: Classes = Classes::other(2);
/// Sets: `s`.
pub(crate) const SET_CLASS: Classes = Classes::other(3);
/// Hashes: `h`.
pub(crate) const HASH: Classes = Classes::other(4);
/// Sorted sets: `z`.
pub(crate) const SORTED_SET: Classes = Classes::other(5);
/// Streams: `t`.
pub(crate) const STREAM: Classes = Classes::other(6);
/// Keys removed to make room: `e`.
pub(crate) const EVICTION: Classes = Classes::other(7);
/// Modules, of which there are none: `d`.
pub(crate) const MODULE: Classes = Classes::other(8);

macro_rules! events {
    ($($class:expr => { $($constant:ident $name:literal)* })*) => {
        $($(
            #[doc = concat!("`", $name, "`")]
            pub(crate) const $constant: Event = Event { class: $class, name: $name };
        )*)*

        /// Every event, class by class.
        pub(crate) const ALL: &[Event] = &[$($($constant),*),*];
    };
}

events! {
    GENERIC => {
        DEL "del"
        EXPIRE "expire"
        PERSIST "persist"
        RENAME_FROM "rename_from"
        RENAME_TO "rename_to"
        COPY_TO "copy_to"
        MOVE_FROM "move_from"
        MOVE_TO "move_to"
        RESTORE "restore"
    }
    STRING => {
        SET "set"
        APPEND "append"
        INCRBY "incrby"
        INCRBYFLOAT "incrbyfloat"
        SETRANGE "setrange"
        SETBIT "setbit"
        PFADD "pfadd"
    }
    LIST => {
        LPUSH "lpush"
        RPUSH "rpush"
        LPOP "lpop"
        RPOP "rpop"
        LINSERT "linsert"
        LSET "lset"
        LREM "lrem"
        LTRIM "ltrim"
        SORTSTORE "sortstore"
    }
    SET_CLASS => {
        SADD "sadd"
        SREM "srem"
        SPOP "spop"
        SINTERSTORE "sinterstore"
        SUNIONSTORE "sunionstore"
        SDIFFSTORE "sdiffstore"
    }
    HASH => {
        HSET "hset"
        HDEL "hdel"
        HINCRBY "hincrby"
        HINCRBYFLOAT "hincrbyfloat"
        HEXPIRE "hexpire"
        HPERSIST "hpersist"
        HEXPIRED "hexpired"
    }
    SORTED_SET => {
        ZADD "zadd"
        ZINCR "zincr"
        ZREM "zrem"
        ZPOPMIN "zpopmin"
        ZPOPMAX "zpopmax"
        ZREMRANGEBYRANK "zremrangebyrank"
        ZREMRANGEBYSCORE "zremrangebyscore"
        ZREMRANGEBYLEX "zremrangebylex"
        ZUNIONSTORE "zunionstore"
        ZINTERSTORE "zinterstore"
        ZDIFFSTORE "zdiffstore"
        ZRANGESTORE "zrangestore"
        GEOSEARCHSTORE "geosearchstore"
        GEORADIUSSTORE "georadiusstore"
    }
    STREAM => {
        XADD "xadd"
        XDEL "xdel"
        XTRIM "xtrim"
        XSETID "xsetid"
        XGROUP_CREATE "xgroup-create"
        XGROUP_SETID "xgroup-setid"
        XGROUP_DESTROY "xgroup-destroy"
        XGROUP_CREATECONSUMER "xgroup-createconsumer"
        XGROUP_DELCONSUMER "xgroup-delconsumer"
    }
    Classes::EXPIRED => {
        EXPIRED "expired"
    }
    EVICTION => {
        EVICTED "evicted"
    }
    Classes::NEW => {
        NEW "new"
    }
    Classes::MISSED => {
        KEYMISS "keymiss"
    }
}

/// Announces that `key` was looked for and is not there, where that is so.
pub(crate) fn announce_if_missing(txn: &mut Txn<'_>, key: &[u8]) {
    if !txn.exists(key) {
        txn.announce(key, KEYMISS);
    }
}

/// Announces `event`, which took something away from `key`, and that the key is gone if nothing is left of it.
pub(crate) fn announce_removal(txn: &mut Txn<'_>, key: &[u8], event: Event) {
    txn.announce(key, event);
    if !txn.exists(key) {
        txn.announce(key, DEL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_words() {
        for (index, event) in ALL.iter().enumerate() {
            let is_word = |byte: u8| byte.is_ascii_lowercase() || b"_-".contains(&byte);
            assert!(event.name.bytes().all(is_word), "{}", event.name);
            let again = ALL[..index].iter().any(|other| other.name == event.name);
            assert!(!again, "{} stands twice", event.name);
        }
    }
}
