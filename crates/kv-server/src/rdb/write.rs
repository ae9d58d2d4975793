//! Values in their plainest dumped form.

use kv_core::{HashRef, UnixMillis, ValueRef};

use super::payload::seal;
use super::{VERSION_PLAIN, VERSION_REDIS, stream, types};

/// The payload of `value`. One whose fields expire has the form of Redis, which Valkey does not know; every other one
/// can be read by both.
///
/// `None`: values of this kind have no such form.
pub(crate) fn dump(value: ValueRef<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut version = VERSION_PLAIN;
    match value {
        ValueRef::String(string) => {
            out.push(types::STRING);
            put_string(&mut out, string.as_bytes(&mut itoa::Buffer::new()));
        }
        ValueRef::List(list) => put_all(&mut out, types::LIST, list.iter()),
        ValueRef::Set(set) => put_all(&mut out, types::SET, set.iter()),
        ValueRef::ZSet(zset) => {
            out.push(types::ZSET);
            put_length(&mut out, zset.len() as u64);
            for (member, score) in zset.iter() {
                put_string(&mut out, member);
                out.extend_from_slice(&score.to_le_bytes());
            }
        }
        ValueRef::Stream(stream) => {
            out.push(types::STREAM_THIRD);
            stream::put(&mut out, stream);
        }
        ValueRef::Hash(hash) => version = put_hash(&mut out, hash),
        _ => return None,
    }
    seal(&mut out, version);
    Some(out)
}

fn put_all<'v>(out: &mut Vec<u8>, kind: u8, elements: impl ExactSizeIterator<Item = &'v [u8]>) {
    out.push(kind);
    put_length(out, elements.len() as u64);
    elements.for_each(|element| put_string(out, element));
}

/// Returns the version that this form needs.
fn put_hash(out: &mut Vec<u8>, hash: HashRef<'_>) -> u16 {
    let expiry = |field| hash.expiry(field).flatten();
    let first = hash.iter().filter_map(|(field, _)| expiry(field)).min();
    let Some(UnixMillis(first)) = first else {
        out.push(types::HASH);
        put_length(out, hash.len() as u64);
        for (field, value) in hash.iter() {
            put_string(out, field);
            put_string(out, value);
        }
        return VERSION_PLAIN;
    };
    out.push(types::HASH_EXPIRING);
    out.extend_from_slice(&first.to_le_bytes());
    put_length(out, hash.len() as u64);
    for (field, value) in hash.iter() {
        let later = expiry(field).map_or(0, |expires| expires.0.abs_diff(first) + 1);
        put_length(out, later);
        put_string(out, field);
        put_string(out, value);
    }
    VERSION_REDIS
}

pub(super) fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    put_length(out, string.len() as u64);
    out.extend_from_slice(string);
}

pub(super) fn put_length(out: &mut Vec<u8>, length: u64) {
    if let Ok(short) = u8::try_from(length)
        && short < 1 << 6
    {
        out.push(short);
    } else if let Ok(short) = u16::try_from(length)
        && short < 1 << 14
    {
        out.extend_from_slice(&(short | 1 << 14).to_be_bytes());
    } else if let Ok(long) = u32::try_from(length) {
        out.push(0x80);
        out.extend_from_slice(&long.to_be_bytes());
    } else {
        out.push(0x81);
        out.extend_from_slice(&length.to_be_bytes());
    }
}
