//! Writes requests: draws the operation, the key and the value, and encodes them as RESP arrays.

use std::ops::Range;

use bytes::BytesMut;
use kv_proto::encode_command;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::LoadSpec;
use super::keys::{KEY_BYTES, KeyPicker, key_name};
use super::mix::{Mix, Operation};
use super::sizes::ValueSizes;
use super::stamp::Stamps;

/// How many keys one MSET sets: as many as in `redis-benchmark`.
const MSET_KEYS: usize = 10;

/// The first four bytes of the keys that are counted up: numbers, which no SET may replace.
const COUNTER_PREFIX: [u8; 4] = *b"ctr:";

/// How many more bytes than one value the pool has, so that values differ from one another.
const POOL_SPARE_BYTES: usize = 64 * 1024;

/// A source of requests.
#[derive(Debug)]
pub(super) struct RequestSource<'s> {
    mix: Mix,
    prefix: [u8; 4],
    keys: KeyPicker,
    /// Random bytes, which no server can compress, of which each value is a stretch.
    pool: Vec<u8>,
    value_bytes: ValueSizes,
    /// What makes values prove themselves; `None`: they need not.
    stamps: Option<&'s Stamps>,
    ttl_s: Option<String>,
    rng: StdRng,
}

/// A key and the stretch of the pool that is its value.
type Pair = ([u8; KEY_BYTES], Range<usize>);

impl<'s> RequestSource<'s> {
    /// The source of worker `number` of `workers`, whose requests differ from the others'.
    pub(super) fn new(
        spec: &LoadSpec,
        number: u64,
        workers: u64,
        stamps: Option<&'s Stamps>,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(spec.seed.wrapping_add(number));
        let mut pool = vec![0; spec.value_bytes.most() as usize + POOL_SPARE_BYTES];
        rng.fill(pool.as_mut_slice());
        Self {
            mix: spec.mix.clone(),
            prefix: spec.keys.prefix,
            keys: KeyPicker::new(spec.keys, number, workers),
            pool,
            value_bytes: spec.value_bytes.clone(),
            stamps,
            ttl_s: spec.ttl_s.map(|ttl_s| ttl_s.to_string()),
            rng,
        }
    }

    /// Adds the next request to `out`; the key that it reads, if it reads one.
    pub(super) fn write_next(&mut self, out: &mut BytesMut) -> Option<[u8; KEY_BYTES]> {
        match self.mix.pick(&mut self.rng) {
            Operation::Get => {
                let key = self.next_key(self.prefix);
                encode_command(&[b"GET", key.as_slice()], out);
                return Some(key);
            }
            Operation::Set => self.write_set(out),
            Operation::Incr => {
                let key = self.next_key(COUNTER_PREFIX);
                encode_command(&[b"INCR", key.as_slice()], out);
            }
            Operation::Mset => self.write_mset(out),
            Operation::Ping => encode_command(&[b"PING"], out),
        }
        None
    }

    fn write_set(&mut self, out: &mut BytesMut) {
        let (key, place) = self.next_pair();
        self.stamp(&key, place.clone());
        let value = &self.pool[place];
        match &self.ttl_s {
            None => encode_command(&[b"SET", key.as_slice(), value], out),
            Some(ttl_s) => encode_command(
                &[b"SET", key.as_slice(), value, b"EX", ttl_s.as_bytes()],
                out,
            ),
        }
    }

    fn write_mset(&mut self, out: &mut BytesMut) {
        if self.stamps.is_some() {
            return self.write_stamped_mset(out);
        }
        let pairs: [Pair; MSET_KEYS] = std::array::from_fn(|_| self.next_pair());
        let mut words: [&[u8]; 1 + 2 * MSET_KEYS] = [b"MSET"; 1 + 2 * MSET_KEYS];
        for (words, (key, place)) in words[1..].chunks_exact_mut(2).zip(&pairs) {
            words.copy_from_slice(&[key.as_slice(), &self.pool[place.clone()]]);
        }
        encode_command(&words, out);
    }

    /// Stamped values of one request may lie over one another in the pool, so each is copied out of it.
    fn write_stamped_mset(&mut self, out: &mut BytesMut) {
        let pairs: [_; MSET_KEYS] = std::array::from_fn(|_| {
            let (key, place) = self.next_pair();
            self.stamp(&key, place.clone());
            (key, self.pool[place].to_vec())
        });
        let mut words: Vec<&[u8]> = vec![b"MSET"];
        words.extend(
            pairs
                .iter()
                .flat_map(|(key, value)| [key.as_slice(), value]),
        );
        encode_command(&words, out);
    }

    fn stamp(&mut self, key: &[u8; KEY_BYTES], place: Range<usize>) {
        if let Some(stamps) = self.stamps {
            stamps.stamp(key, &mut self.pool[place]);
        }
    }

    /// Holds a value that was read against what was written.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn check(&self, key: &[u8; KEY_BYTES], value: &[u8]) -> Result<(), String> {
        self.stamps
            .map_or(Ok(()), |stamps| stamps.check(key, value))
    }

    fn next_key(&mut self, prefix: [u8; 4]) -> [u8; KEY_BYTES] {
        key_name(prefix, self.keys.next(&mut self.rng))
    }

    fn next_pair(&mut self) -> Pair {
        let key = self.next_key(self.prefix);
        let start = self.rng.random_range(0..POOL_SPARE_BYTES);
        let bytes = self.value_bytes.pick(&mut self.rng);
        (key, start..start + bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(mix: &str, ttl_s: Option<u64>) -> String {
        let spec = LoadSpec {
            mix: mix.parse().unwrap(),
            ttl_s,
            value_bytes: ValueSizes::exactly(0),
            keys: super::super::KeyRange {
                prefix: *b"key:",
                count: 1,
                distribution: super::super::KeyDistribution::Uniform,
            },
            ..LoadSpec::new(([127, 0, 0, 1], 1).into())
        };
        let mut out = BytesMut::new();
        RequestSource::new(&spec, 0, 1, None).write_next(&mut out);
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
