//! Values that prove themselves: each carries its key, its version and a checksum over all of it.
//!
//! ```text
//! | key 16 | run 8 | version 8 | filler ... | crc32c 4 |
//! ```
//!
//! Numbers are little-endian. The run is drawn by chance for each load, so that a value of this load is told from
//! one that an earlier load has left; of this load's the version is known too.
//!
//! Invariant: a value that was changed in one bit, or stands at another key, is refused.

use std::sync::atomic::{AtomicU64, Ordering};

use super::keys::KEY_BYTES;

/// Where the parts end.
const RUN_END: usize = KEY_BYTES + 8;
const VERSION_END: usize = RUN_END + 8;
const CHECKSUM_BYTES: usize = 4;

/// The shortest value that can prove itself, in bytes.
pub(super) const STAMPED_BYTES_MIN: u32 = 36;

const _: () = assert!(STAMPED_BYTES_MIN as usize == VERSION_END + CHECKSUM_BYTES);

/// Gives versions to the values of one load, all threads together.
#[derive(Debug)]
pub(super) struct Stamps {
    run: u64,
    issued: AtomicU64,
}

impl Stamps {
    /// Those of the load that is called `run`.
    pub(super) fn new(run: u64) -> Self {
        Self {
            run,
            issued: AtomicU64::new(0),
        }
    }

    /// Turns `value` into the next value of `key`; what it holds between version and checksum stays.
    ///
    /// # Panics
    ///
    /// When it is shorter than [`STAMPED_BYTES_MIN`].
    pub(super) fn stamp(&self, key: &[u8; KEY_BYTES], value: &mut [u8]) {
        let version = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        value[..KEY_BYTES].copy_from_slice(key);
        value[KEY_BYTES..RUN_END].copy_from_slice(&self.run.to_le_bytes());
        value[RUN_END..VERSION_END].copy_from_slice(&version.to_le_bytes());
        let (stamped, checksum) = value.split_at_mut(value.len() - CHECKSUM_BYTES);
        checksum.copy_from_slice(&crc32c::crc32c(stamped).to_le_bytes());
    }

    /// Whether `value` was written to `key`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn check(&self, key: &[u8; KEY_BYTES], value: &[u8]) -> Result<(), String> {
        let wrong = |what: &str| {
            let key = String::from_utf8_lossy(key);
            Err(format!("the value of {key} ({} bytes) {what}", value.len()))
        };
        if value.len() < VERSION_END + CHECKSUM_BYTES {
            return wrong("is too short to be one that was written");
        }
        let (stamped, checksum) = value.split_at(value.len() - CHECKSUM_BYTES);
        if checksum != crc32c::crc32c(stamped).to_le_bytes() {
            return wrong("does not have the checksum that it carries");
        }
        if stamped[..KEY_BYTES] != key[..] {
            let other = String::from_utf8_lossy(&stamped[..KEY_BYTES]);
            return wrong(&format!("was written to {other}"));
        }
        let number = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&stamped[from..from + 8]);
            u64::from_le_bytes(bytes)
        };
        let (run, version) = (number(KEY_BYTES), number(RUN_END));
        if run == self.run && version > self.issued.load(Ordering::Relaxed) {
            return wrong(&format!(
                "has version {version}, which is yet to be written"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8; KEY_BYTES] = b"key:000000000001";

    fn stamped(stamps: &Stamps) -> Vec<u8> {
        let mut value = vec![7; 64];
        stamps.stamp(KEY, &mut value);
        value
    }

    #[test]
    fn what_was_written_is_believed_also_from_an_earlier_load() {
        let value = stamped(&Stamps::new(1));
        assert_eq!(Stamps::new(2).check(KEY, &value), Ok(()));
        let stamps = Stamps::new(1);
        let mut shortest = vec![0; STAMPED_BYTES_MIN as usize];
        stamps.stamp(KEY, &mut shortest);
        assert_eq!(stamps.check(KEY, &shortest), Ok(()));
    }

    #[test]
    fn every_changed_bit_is_found() {
        let stamps = Stamps::new(1);
        let value = stamped(&stamps);
        for bit in 0..value.len() * 8 {
            let mut changed = value.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(stamps.check(KEY, &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn other_keys_later_versions_and_short_values_are_refused() {
        let stamps = Stamps::new(1);
        let value = stamped(&stamps);
        let error = |stamps: &Stamps, key: &[u8; KEY_BYTES], value: &[u8]| {
            stamps.check(key, value).unwrap_err()
        };
        assert!(error(&stamps, b"key:000000000002", &value).contains("was written to key:"));
        assert!(error(&Stamps::new(1), KEY, &value).contains("yet to be written"));
        assert!(error(&stamps, KEY, &value[..35]).contains("too short"));
        assert!(error(&stamps, KEY, b"").contains("too short"));
    }
}
