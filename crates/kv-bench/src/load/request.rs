//! Writes requests: draws the operation, the key and the value, and encodes them as RESP arrays.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::LoadSpec;
use super::keys::{KeyPicker, key_name};
use super::mix::{Mix, Operation};

/// How many keys one MSET sets: as many as in `redis-benchmark`.
const MSET_KEYS: usize = 10;

/// The first four bytes of the keys that are counted up: numbers, which no SET may replace.
const COUNTER_PREFIX: [u8; 4] = *b"ctr:";

/// How many more bytes than one value the pool has, so that values differ from one another.
const POOL_SPARE_BYTES: usize = 64 * 1024;

/// A source of requests.
#[derive(Debug)]
pub(super) struct RequestSource {
    mix: Mix,
    prefix: [u8; 4],
    keys: KeyPicker,
    /// Random bytes, which no server can compress, of which each value is a stretch.
    pool: Vec<u8>,
    value_bytes: usize,
    ttl_s: Option<String>,
    rng: StdRng,
}

impl RequestSource {
    /// The source of worker `number` of `workers`, whose requests differ from the others'.
    pub(super) fn new(spec: &LoadSpec, number: u64, workers: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(spec.seed.wrapping_add(number));
        let mut pool = vec![0; spec.value_bytes + POOL_SPARE_BYTES];
        rng.fill(pool.as_mut_slice());
        Self {
            mix: spec.mix.clone(),
            prefix: spec.keys.prefix,
            keys: KeyPicker::new(spec.keys, number, workers),
            pool,
            value_bytes: spec.value_bytes,
            ttl_s: spec.ttl_s.map(|ttl_s| ttl_s.to_string()),
            rng,
        }
    }

    /// Adds the next request to `out`.
    pub(super) fn write_next(&mut self, out: &mut Vec<u8>) {
        match self.mix.pick(&mut self.rng) {
            Operation::Get => {
                let key = self.next_key(self.prefix);
                put_command(out, &[b"GET", &key]);
            }
            Operation::Set => self.write_set(out),
            Operation::Incr => {
                let key = self.next_key(COUNTER_PREFIX);
                put_command(out, &[b"INCR", &key]);
            }
            Operation::Mset => self.write_mset(out),
            Operation::Ping => put_command(out, &[b"PING"]),
        }
    }

    fn write_set(&mut self, out: &mut Vec<u8>) {
        let key = self.next_key(self.prefix);
        let start = self.next_value_start();
        let value = &self.pool[start..start + self.value_bytes];
        match &self.ttl_s {
            None => put_command(out, &[b"SET", &key, value]),
            Some(ttl_s) => put_command(out, &[b"SET", &key, value, b"EX", ttl_s.as_bytes()]),
        }
    }

    fn write_mset(&mut self, out: &mut Vec<u8>) {
        put_header(out, b'*', 1 + 2 * MSET_KEYS);
        put_bulk(out, b"MSET");
        for _ in 0..MSET_KEYS {
            let key = self.next_key(self.prefix);
            let start = self.next_value_start();
            put_bulk(out, &key);
            put_bulk(out, &self.pool[start..start + self.value_bytes]);
        }
    }

    fn next_key(&mut self, prefix: [u8; 4]) -> [u8; super::keys::KEY_BYTES] {
        key_name(prefix, self.keys.next(&mut self.rng))
    }

    fn next_value_start(&mut self) -> usize {
        self.rng.random_range(0..POOL_SPARE_BYTES)
    }
}

fn put_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    put_header(out, b'*', words.len());
    for word in words {
        put_bulk(out, word);
    }
}

fn put_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    put_header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn put_header(out: &mut Vec<u8>, mark: u8, count: usize) {
    out.push(mark);
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(mix: &str, ttl_s: Option<u64>) -> String {
        let spec = LoadSpec {
            mix: mix.parse().unwrap(),
            ttl_s,
            value_bytes: 0,
            keys: super::super::KeyRange {
                prefix: *b"key:",
                count: 1,
                distribution: super::super::KeyDistribution::Uniform,
            },
            ..LoadSpec::new(([127, 0, 0, 1], 1).into())
        };
        let mut out = Vec::new();
        RequestSource::new(&spec, 0, 1).write_next(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn requests_are_resp_arrays() {
        let key = "$16\r\nkey:000000000000\r\n";
        assert_eq!(first("ping", None), "*1\r\n$4\r\nPING\r\n");
        assert_eq!(first("get", None), format!("*2\r\n$3\r\nGET\r\n{key}"));
        assert_eq!(
            first("set", Some(60)),
            format!("*5\r\n$3\r\nSET\r\n{key}$0\r\n\r\n$2\r\nEX\r\n$2\r\n60\r\n")
        );
        assert_eq!(
            first("incr", None),
            "*2\r\n$4\r\nINCR\r\n$16\r\nctr:000000000000\r\n"
        );
    }

    #[test]
    fn mset_sets_ten_keys() {
        let request = first("mset", None);
        assert!(request.starts_with("*21\r\n$4\r\nMSET\r\n"));
        assert_eq!(request.matches("key:").count(), 10);
    }
}
