//! Writes requests: draws the operation, the key and the value, and encodes them as RESP arrays.

use bytes::BytesMut;
use kv_proto::encode_command;
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
    pub(super) fn write_next(&mut self, out: &mut BytesMut) {
        match self.mix.pick(&mut self.rng) {
            Operation::Get => {
                let key = self.next_key(self.prefix);
                encode_command(&[b"GET", key.as_slice()], out);
            }
            Operation::Set => self.write_set(out),
            Operation::Incr => {
                let key = self.next_key(COUNTER_PREFIX);
                encode_command(&[b"INCR", key.as_slice()], out);
            }
            Operation::Mset => self.write_mset(out),
            Operation::Ping => encode_command(&[b"PING"], out),
        }
    }

    fn write_set(&mut self, out: &mut BytesMut) {
        let key = self.next_key(self.prefix);
        let start = self.next_value_start();
        let value = self.value(start);
        match &self.ttl_s {
            None => encode_command(&[b"SET", key.as_slice(), value], out),
            Some(ttl_s) => encode_command(
                &[b"SET", key.as_slice(), value, b"EX", ttl_s.as_bytes()],
                out,
            ),
        }
    }

    fn write_mset(&mut self, out: &mut BytesMut) {
        let pairs: [_; MSET_KEYS] =
            std::array::from_fn(|_| (self.next_key(self.prefix), self.next_value_start()));
        let mut words: [&[u8]; 1 + 2 * MSET_KEYS] = [b"MSET"; 1 + 2 * MSET_KEYS];
        for (words, (key, start)) in words[1..].chunks_exact_mut(2).zip(&pairs) {
            words.copy_from_slice(&[key.as_slice(), self.value(*start)]);
        }
        encode_command(&words, out);
    }

    fn value(&self, start: usize) -> &[u8] {
        &self.pool[start..start + self.value_bytes]
    }

    fn next_key(&mut self, prefix: [u8; 4]) -> [u8; super::keys::KEY_BYTES] {
        key_name(prefix, self.keys.next(&mut self.rng))
    }

    fn next_value_start(&mut self) -> usize {
        self.rng.random_range(0..POOL_SPARE_BYTES)
    }
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
        let mut out = BytesMut::new();
        RequestSource::new(&spec, 0, 1).write_next(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
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
