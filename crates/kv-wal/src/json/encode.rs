//! Effects into lines.
//!
//! Invariant: an effect becomes one line, whatever its bytes are.

use kv_core::{CollectionKind, Db, Effect, Elements, ListEnd, StringValue, UnixMillis};

use super::{base64, text};

/// Adds one effect as one line.
pub(crate) fn encode(effect: &Effect<'_>, out: &mut Vec<u8>) {
    match *effect {
        Effect::SetString {
            db,
            key,
            value,
            expires,
        } => {
            put_start(out, "set", db);
            put_string(out, "key", key);
            match value {
                StringValue::Bytes(bytes) => put_string(out, "value", bytes),
                StringValue::Int(number) => put_string(out, "value", number.to_string().as_bytes()),
            }
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::AppendString { db, key, suffix } => {
            put_start(out, "append", db);
            put_string(out, "key", key);
            put_string(out, "value", suffix);
        }
        Effect::PatchString {
            db,
            key,
            offset,
            bytes,
        } => {
            put_start(out, "patch", db);
            put_string(out, "key", key);
            put_number(out, "offset", offset);
            put_string(out, "value", bytes);
        }
        Effect::CopyKey {
            from_db,
            from,
            db,
            key,
        } => put_two(out, "copy", (from_db, from), (db, key)),
        Effect::MoveKey {
            from_db,
            from,
            db,
            key,
        } => put_two(out, "move", (from_db, from), (db, key)),
        Effect::SwapDbs { one, other } => {
            put_start(out, "swapdbs", one);
            put_number(out, "other_db", u64::from(other.0));
        }
        Effect::SetExpiry { db, key, expires } => {
            put_start(out, expires.map_or("persist", |_| "expire"), db);
            put_string(out, "key", key);
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::Delete { db, key } => {
            put_start(out, "delete", db);
            put_string(out, "key", key);
        }
        Effect::SetCollection {
            db,
            key,
            kind,
            elements,
            expires,
        } => {
            let op = match kind {
                CollectionKind::List => "putlist",
                CollectionKind::Hash => "puthash",
                CollectionKind::Set => "putset",
                CollectionKind::ZSet => "putzset",
            };
            match kind {
                CollectionKind::ZSet => put_on_scored(out, op, db, key, elements),
                _ => put_on_elements(out, op, db, key, elements),
            }
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::ListPush { .. }
        | Effect::ListPop { .. }
        | Effect::ListSet { .. }
        | Effect::ListInsert { .. }
        | Effect::ListRemove { .. } => encode_on_list(effect, out),
        Effect::HashSet { db, key, fields } => put_on_elements(out, "hashset", db, key, fields),
        Effect::HashDelete { db, key, fields } => {
            put_on_elements(out, "hashdelete", db, key, fields);
        }
        Effect::SetAdd { db, key, members } => put_on_elements(out, "setadd", db, key, members),
        Effect::SetRemove { db, key, members } => {
            put_on_elements(out, "setremove", db, key, members);
        }
        Effect::HashExpire {
            db,
            key,
            expires,
            fields,
        } => {
            let op = expires.map_or("hashpersist", |_| "hashexpire");
            put_on_elements(out, op, db, key, fields);
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::ZSetAdd { db, key, members } => put_on_scored(out, "zsetadd", db, key, members),
        Effect::ZSetRemove { db, key, members } => {
            put_on_elements(out, "zsetremove", db, key, members);
        }
        Effect::Stream { db, key, change } => {
            let (op, words) = super::stream::words(&change);
            let words: Vec<&[u8]> = words.iter().map(|word| &**word).collect();
            put_on_elements(out, op, db, key, Elements::new(&words));
        }
        Effect::FlushDb { db } => put_start(out, "flushdb", db),
        Effect::FlushAll => out.extend_from_slice(b"{\"op\":\"flushall\""),
        Effect::SetLibrary { name, code } => {
            let start: &[u8] = match code {
                Some(_) => b"{\"op\":\"setlibrary\"",
                None => b"{\"op\":\"deletelibrary\"",
            };
            out.extend_from_slice(start);
            put_string(out, "name", name);
            if let Some(code) = code {
                put_string(out, "value", code);
            }
        }
    }
    out.extend_from_slice(b"}\n");
}

fn put_start(out: &mut Vec<u8>, op: &str, db: Db) {
    out.extend_from_slice(b"{\"op\":\"");
    out.extend_from_slice(op.as_bytes());
    out.extend_from_slice(b"\",\"db\":");
    out.extend_from_slice(db.0.to_string().as_bytes());
}

fn put_two(out: &mut Vec<u8>, op: &str, (from_db, from): (Db, &[u8]), (db, key): (Db, &[u8])) {
    put_start(out, op, db);
    put_string(out, "key", key);
    put_number(out, "from_db", u64::from(from_db.0));
    put_string(out, "from", from);
}

fn put_string(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.extend_from_slice(b"\":\"");
            text::put_escaped(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b"_base64\":\"");
            base64::put(out, bytes);
        }
    }
    out.push(b'"');
}

fn encode_on_list(effect: &Effect<'_>, out: &mut Vec<u8>) {
    match *effect {
        Effect::ListPush {
            db,
            key,
            end,
            elements,
        } => {
            put_start(out, "listpush", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(end).as_bytes());
            put_elements(out, elements);
        }
        Effect::ListPop {
            db,
            key,
            end,
            count,
        } => {
            put_start(out, "listpop", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(end).as_bytes());
            put_number(out, "count", count);
        }
        Effect::ListSet {
            db,
            key,
            index,
            element,
        } => {
            put_start(out, "listset", db);
            put_string(out, "key", key);
            put_number(out, "index", index);
            put_string(out, "value", element);
        }
        Effect::ListInsert {
            db,
            key,
            index,
            element,
        } => {
            put_start(out, "listinsert", db);
            put_string(out, "key", key);
            put_number(out, "index", index);
            put_string(out, "value", element);
        }
        Effect::ListRemove {
            db,
            key,
            from,
            count,
            element,
        } => {
            put_start(out, "listremove", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(from).as_bytes());
            put_number(out, "count", count);
            put_string(out, "value", element);
        }
        _ => unreachable!("an effect on a list"),
    }
}

fn put_on_elements(out: &mut Vec<u8>, op: &str, db: Db, key: &[u8], elements: Elements<'_>) {
    put_start(out, op, db);
    put_string(out, "key", key);
    put_elements(out, elements);
}

/// As [`put_on_elements`], with scores as text.
fn put_on_scored(out: &mut Vec<u8>, op: &str, db: Db, key: &[u8], elements: Elements<'_>) {
    let scores: Vec<String> = elements
        .scored()
        .map(|(score, _)| format!("{score:?}"))
        .collect();
    let pairs = scores.iter().zip(elements.scored());
    let pairs: Vec<&[u8]> = pairs
        .flat_map(|(score, (_, member))| [score.as_bytes(), member])
        .collect();
    put_on_elements(out, op, db, key, Elements::new(&pairs));
}

fn put_elements(out: &mut Vec<u8>, elements: Elements<'_>) {
    let text = elements
        .iter()
        .all(|element| std::str::from_utf8(element).is_ok());
    out.extend_from_slice(if text {
        b",\"elements\":["
    } else {
        b",\"elements_base64\":["
    });
    for (number, element) in elements.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"\"" } else { b",\"" });
        match std::str::from_utf8(element) {
            Ok(element) if text => text::put_escaped(out, element),
            _ => base64::put(out, element),
        }
        out.push(b'"');
    }
    out.push(b']');
}

fn put_number(out: &mut Vec<u8>, name: &str, number: u64) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(number.to_string().as_bytes());
}

fn end_name(end: ListEnd) -> &'static str {
    match end {
        ListEnd::Front => "front",
        ListEnd::Back => "back",
    }
}

fn put_expires(out: &mut Vec<u8>, UnixMillis(millis): UnixMillis) {
    out.extend_from_slice(b",\"expires\":");
    out.extend_from_slice(millis.to_string().as_bytes());
}
