//! Everything that a server holds, read through its own commands.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::table::Table;
use crate::script_runner::client::Client;
use crate::script_runner::reply::Reply;

/// Requests that are sent before their replies are read.
const PIPELINED: usize = 64;

/// Every key by its database and name.
pub(crate) type State = BTreeMap<(usize, Vec<u8>), Held>;

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) kind: String,
    /// `PEXPIRETIME`: -1 for never.
    pub(crate) expires: i64,
    /// The whole content, in the order in which it is held; members of a hash with their times.
    pub(crate) content: Vec<Reply>,
    /// `OBJECT ENCODING`, when asked for.
    pub(crate) encoding: Option<String>,
}

/// What to read beyond kind, content and expiry of keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Depth {
    pub(crate) encodings: bool,
    pub(crate) field_times: bool,
}

impl Depth {
    /// All that the commands of `table` can tell of data.
    pub(crate) fn of(table: &Table) -> Self {
        Self {
            encodings: false,
            field_times: table.contains_key("HPEXPIRETIME"),
        }
    }
}

/// Reads the databases up to `databases`. The connection ends in RESP3 and in the last of them.
///
/// # Errors
///
/// The server does not answer as Redis does.
pub(crate) fn read(client: &mut Client, databases: usize, depth: Depth) -> Result<State> {
    let mut ask = vec![words(&["RESET"]), words(&["HELLO", "3"])];
    for db in 0..databases {
        ask.push(words(&["SELECT", &db.to_string()]));
        ask.push(words(&["KEYS", "*"]));
    }
    let replies = client.pipeline(&ask, PIPELINED)?;
    let mut keys = Vec::new();
    for db in 0..databases {
        let Reply::List { elements, .. } = &replies[2 * db + 3] else {
            bail!("KEYS answered {:?}", replies[2 * db + 3]);
        };
        keys.extend(elements.iter().filter_map(bulk).map(|key| (db, key)));
    }
    let kinds = ask_each(client, &keys, |_, key| {
        vec![
            vec![b"TYPE".to_vec(), key.to_vec()],
            vec![b"PEXPIRETIME".to_vec(), key.to_vec()],
        ]
    })?;
    let kinds: Vec<_> = kinds
        .into_iter()
        .map(|replies| (status(&replies[0]), integer(&replies[1])))
        .collect();
    let contents = ask_each(client, &keys, |at, key| {
        let mut ask = vec![content(&kinds[at].0, key)];
        if depth.encodings {
            ask.push(vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key.to_vec()]);
        }
        ask
    })?;
    let mut state = State::new();
    for (((db, key), (kind, expires)), mut content) in keys.into_iter().zip(kinds).zip(contents) {
        let encoding = if depth.encodings {
            content.pop().and_then(|reply| bulk(&reply))
        } else {
            None
        };
        if kind == "hash" && depth.field_times {
            content.push(field_times(client, db, &key, &content[0])?);
        }
        let held = Held {
            kind,
            expires,
            content,
            encoding: encoding.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        state.insert((db, key), held);
    }
    Ok(state)
}

/// Asks for every key what `ask` says, in its database; the replies by key.
fn ask_each(
    client: &mut Client,
    keys: &[(usize, Vec<u8>)],
    ask: impl Fn(usize, &[u8]) -> Vec<Vec<Vec<u8>>>,
) -> Result<Vec<Vec<Reply>>> {
    let mut requests = Vec::new();
    let mut places = Vec::new();
    for (at, (db, key)) in keys.iter().enumerate() {
        requests.push(words(&["SELECT", &db.to_string()]));
        let own = ask(at, key);
        places.push(own.len());
        requests.extend(own);
    }
    let mut replies = client.pipeline(&requests, PIPELINED)?.into_iter();
    let mut each = Vec::new();
    for count in places {
        replies.next();
        each.push(replies.by_ref().take(count).collect());
    }
    Ok(each)
}

/// The request that shows the whole content of a key.
fn content(kind: &str, key: &[u8]) -> Vec<Vec<u8>> {
    let (name, rest): (&str, &[&str]) = match kind {
        "string" => ("GET", &[]),
        "list" => ("LRANGE", &["0", "-1"]),
        "set" => ("SMEMBERS", &[]),
        "hash" => ("HGETALL", &[]),
        "zset" => ("ZRANGE", &["0", "-1", "WITHSCORES"]),
        "stream" => ("XRANGE", &["-", "+"]),
        _ => ("EXISTS", &[]),
    };
    let mut request = vec![name.as_bytes().to_vec(), key.to_vec()];
    request.extend(words(rest));
    request
}

/// When the fields of a hash expire, in the order of `content`.
fn field_times(client: &mut Client, db: usize, key: &[u8], content: &Reply) -> Result<Reply> {
    let Reply::Map(pairs) = content else {
        return Ok(Reply::Nil);
    };
    let fields: Vec<_> = pairs.iter().filter_map(|(field, _)| bulk(field)).collect();
    if fields.is_empty() {
        return Ok(Reply::Nil);
    }
    let mut ask = vec![b"HPEXPIRETIME".to_vec(), key.to_vec(), b"FIELDS".to_vec()];
    ask.push(fields.len().to_string().into_bytes());
    ask.extend(fields);
    let mut replies = client.pipeline(&[words(&["SELECT", &db.to_string()]), ask], PIPELINED)?;
    Ok(replies.pop().unwrap_or(Reply::Nil))
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn bulk(reply: &Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

fn status(reply: &Reply) -> String {
    match reply {
        Reply::Status(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn integer(reply: &Reply) -> i64 {
    match reply {
        Reply::Integer(digits) => digits.parse().unwrap_or(i64::MIN),
        _ => i64::MIN,
    }
}
