//! `RESTORE key ttl serialized-value [option ...]`: a key from the bytes that `DUMP` made of its value.

use kv_core::{CollectionKind, StringValue, UnixMillis, Uses};

use crate::command::prelude::*;
use crate::rdb::{self, Content, Object};

pub(super) const RESTORE: CommandSpec = CommandSpec {
    name: "RESTORE",
    group: Group::Keys,
    summary: "Makes a key from the bytes that DUMP made of a value, here, in Redis or in Valkey.",
    syntax: "RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    complexity: "O(N) in the size of the value, for a sorted set O(N*log(N))",
    since: "0.1.0",
    compat: Compat::Differs(
        "Values as both Redis 7.0 to 8.2 and Valkey up to 9.1 dump them are taken, streams and modules' values are not; \
         a value is looked at wholly first, as with `sanitize-dump-payload yes`, and a field whose time is over is not \
         restored.",
    ),
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::UPDATE.union(Access::BLIND)),
    flags: Flags::DANGEROUS,
    run: Run::Write(restore),
};

/// Elements that become one change.
const PIECE_ELEMENTS: usize = 1024;

/// The words behind the value.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_s: Option<u32>,
    frequency: Option<u32>,
}

impl Options {
    /// Reads all words that are left.
    fn parse(mut args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if args.eat(b"REPLACE") {
                options.replace = true;
            } else if args.eat(b"ABSTTL") {
                options.absolute = true;
            } else if args.len() > 1 && options.frequency.is_none() && args.eat(b"IDLETIME") {
                let idle_s = args.int()?;
                if idle_s < 0 {
                    return Err(CommandError::err("Invalid IDLETIME value, must be >= 0"));
                }
                options.idle_s = Some(u32::try_from(idle_s).unwrap_or(u32::MAX));
            } else if args.len() > 1 && options.idle_s.is_none() && args.eat(b"FREQ") {
                let frequency = u8::try_from(args.int()?).map_err(|_| {
                    CommandError::err("Invalid FREQ value, must be >= 0 and <= 255")
                })?;
                options.frequency = Some(frequency.into());
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Says how long the key was idle or how often it was used, whichever the server remembers.
    fn use_of(&self, txn: &mut Txn<'_>, key: &[u8]) {
        match (txn.remembered(), self.idle_s, self.frequency) {
            (Uses::Recency, Some(idle_s), _) => txn.set_idle_s(key, idle_s),
            (Uses::Frequency, _, Some(frequency)) => txn.set_frequency(key, frequency),
            _ => {}
        }
    }
}

fn restore(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, ttl, payload) = (args.key()?, args.bytes()?, args.bytes()?);
    let options = Options::parse(args)?;
    if !options.replace && txn.exists(key) {
        return Err(CommandError::fixed(
            "BUSYKEY",
            "Target key name already exists.",
        ));
    }
    let ttl = ttl_ms(ttl)?;
    let payload = rdb::open(payload)
        .map_err(|_| CommandError::err("DUMP payload version or checksum are wrong"))?;
    let object = payload
        .read()
        .map_err(|_| CommandError::err("Bad data format"))?;
    let expires = expiry(txn, ttl, options.absolute)?;
    let there = txn.exists(key);
    if expires.is_none_or(|expires| expires > txn.now()) {
        put(txn, key, &object, expires)?;
        options.use_of(txn, key);
    } else {
        txn.delete(key);
    }
    match (there, txn.exists(key)) {
        (_, true) => txn.announce(key, event::RESTORE),
        (true, false) => txn.announce(key, event::DEL),
        (false, false) => txn.announce_nothing(key),
    }
    reply.ok();
    Ok(())
}

const INVALID_TTL: CommandError = CommandError::fixed("ERR", "Invalid TTL value, must be >= 0");

fn ttl_ms(word: &[u8]) -> Result<i64, CommandError> {
    match crate::command::args::integer(word)? {
        ..0 => Err(INVALID_TTL),
        ttl => Ok(ttl),
    }
}

/// When the key goes: never for 0.
fn expiry(view: &View<'_>, ttl: i64, absolute: bool) -> Result<Option<UnixMillis>, CommandError> {
    match ttl {
        0 => Ok(None),
        _ if absolute => Ok(Some(UnixMillis(ttl))),
        _ => view.now().checked_add(ttl).map(Some).ok_or(INVALID_TTL),
    }
}

/// Puts `object` at `key`, whatever was there.
fn put(
    txn: &mut Txn<'_>,
    key: &[u8],
    object: &Object,
    expires: Option<UnixMillis>,
) -> Result<(), CommandError> {
    match object {
        Object::String(string) => {
            txn.set_string(key, StringValue::new(string), expires);
            return Ok(());
        }
        Object::Stream(content) => {
            content.for_each_change(|change| txn.change_stream(key, change))?;
        }
        Object::Collection(content) => match content.kind {
            kind @ (CollectionKind::List | CollectionKind::Set) => {
                txn.set_elements(key, kind, content.elements().iter());
            }
            CollectionKind::ZSet => txn.set_zset(key, content.elements().scored()),
            CollectionKind::Hash => put_hash(txn, key, content)?,
        },
    }
    txn.set_expiry(key, expires);
    Ok(())
}

fn put_hash(txn: &mut Txn<'_>, key: &[u8], content: &Content) -> Result<(), CommandError> {
    let words: Vec<&[u8]> = content.elements().iter().collect();
    for (number, piece) in words.chunks(PIECE_ELEMENTS).enumerate() {
        if number == 0 {
            txn.set_collection(key, CollectionKind::Hash, piece);
        } else {
            txn.hash_set(key, piece)?;
        }
    }
    let mut expiring: Vec<(UnixMillis, &[u8])> = content
        .expiring
        .iter()
        .map(|(expires, field)| (*expires, &**field))
        .collect();
    expiring.sort_unstable();
    for of_one_time in expiring.chunk_by(|one, next| one.0 == next.0) {
        for piece in of_one_time.chunks(PIECE_ELEMENTS) {
            let fields: Vec<&[u8]> = piece.iter().map(|(_, field)| *field).collect();
            txn.hash_expire(key, &fields, piece.first().map(|(expires, _)| *expires))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::{START, Shell};

    /// What a bulk reply holds.
    fn bulk(reply: &[u8]) -> Vec<u8> {
        let head = reply.iter().position(|byte| *byte == b'\n').unwrap();
        reply[head + 1..reply.len() - 2].to_vec()
    }

    /// Dumps `from` and restores it at `to`.
    fn copy(shell: &Shell, from: &str, to: &str, options: &[&[u8]]) -> String {
        let payload = bulk(&shell.run_words(&[b"DUMP", from.as_bytes()]));
        let words = [b"RESTORE", to.as_bytes(), b"0", &payload];
        let words: Vec<&[u8]> = words.into_iter().chain(options.iter().copied()).collect();
        String::from_utf8(shell.run_words(&words)).unwrap()
    }

    #[test]
    fn what_is_dumped_is_restored() {
        let shell = Shell::new();
        for (key, making, show) in [
            ("string", "SET string some-text", "GET"),
            ("number", "SET number -17", "GET"),
            ("list", "RPUSH list a 1 b a", "LRANGE"),
            ("set", "SADD set a 1 b", "SMEMBERS"),
            ("zset", "ZADD zset 1.5 a -inf b 1 c", "ZRANGE"),
            ("hash", "HSET hash f v g w", "HGETALL"),
            ("stream", "XADD stream 5-5 f v g w", "XINFO STREAM"),
        ] {
            shell.run(making);
            assert_eq!(copy(&shell, key, "copy", &[b"REPLACE"]), "+OK\r\n");
            let rest = match show {
                "LRANGE" | "ZRANGE" => " 0 -1",
                "XINFO STREAM" => " FULL",
                _ => "",
            };
            assert_eq!(
                shell.run(&format!("{show} copy{rest}")),
                shell.run(&format!("{show} {key}{rest}"))
            );
        }
        assert_eq!(shell.run("DUMP none"), "$-1|");
        assert!(copy(&shell, "hash", "set", &[]).starts_with("-BUSYKEY "));
    }

    #[test]
    fn many_elements_and_many_times_come_back() {
        let shell = Shell::new();
        for number in 0..3000 {
            shell.run(&format!("HSET h f{number} {number}"));
            let at = START.0 + 1000 + i64::from(number % 7);
            if number % 3 == 0 {
                shell.run(&format!("HPEXPIREAT h {at} FIELDS 1 f{number}"));
            }
        }
        assert_eq!(copy(&shell, "h", "copy", &[]), "+OK\r\n");
        for number in 0..3000 {
            for look in ["HMGET", "HPEXPIRETIME"] {
                let fields = if look == "HMGET" { "" } else { " FIELDS 1" };
                assert_eq!(
                    shell.run(&format!("{look} copy{fields} f{number}")),
                    shell.run(&format!("{look} h{fields} f{number}"))
                );
            }
        }
    }

    #[test]
    fn times_that_are_over_restore_nothing() {
        let shell = Shell::new();
        shell.run("HSET h f v");
        shell.run("HPEXPIRE h 10 FIELDS 1 f");
        let payload = bulk(&shell.run_words(&[b"DUMP", b"h"]));
        shell.advance(10);
        shell.run("SET k v");
        let reply = shell.run_words(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]);
        assert_eq!(reply, b"+OK\r\n");
        assert_eq!(shell.run("EXISTS k"), ":0|");
        shell.run("SET k v");
        let words: [&[u8]; 6] = [b"RESTORE", b"k", b"1", &payload, b"ABSTTL", b"REPLACE"];
        assert_eq!(shell.run_words(&words), b"+OK\r\n");
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
