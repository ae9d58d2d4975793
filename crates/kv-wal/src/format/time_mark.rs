//! The payload of a time mark: what the clock showed, in milliseconds since 1970, after everything before it
//! had been written.
//!
//! ```text
//! binary   i64, little-endian
//! JSON     {"time":1700000000000} and a line end
//! ```
//!
//! Invariant: whatever is accepted encodes to the same bytes.

use kv_core::UnixMillis;

use super::fields::{Fields, Malformed};
use super::frame_bytes;
use crate::Encoding;

const JSON_START: &str = "{\"time\":";
const JSON_END: &str = "}\n";

/// Room for the digits of any time, and its sign.
const DIGITS_MAX: usize = 20;

/// The most bytes that a time mark takes in a segment.
pub(crate) const TIME_MARK_FRAME_BYTES_MAX: usize =
    frame_bytes(JSON_START.len() + DIGITS_MAX + JSON_END.len());

/// The payload for a time.
pub(crate) fn encode_time(encoding: Encoding, UnixMillis(millis): UnixMillis) -> Vec<u8> {
    match encoding {
        Encoding::Binary => millis.to_le_bytes().into(),
        Encoding::Json => format!("{JSON_START}{millis}{JSON_END}").into_bytes(),
    }
}

/// The time in a payload.
pub(crate) fn decode_time(encoding: Encoding, payload: &[u8]) -> Result<UnixMillis, Malformed> {
    let time = match encoding {
        Encoding::Binary => Fields::new(payload).array().ok().map(i64::from_le_bytes),
        Encoding::Json => std::str::from_utf8(payload).ok().and_then(|line| {
            let digits = line.strip_prefix(JSON_START)?.strip_suffix(JSON_END)?;
            digits.parse().ok()
        }),
    };
    time.map(UnixMillis)
        .filter(|&time| encode_time(encoding, time) == payload)
        .ok_or(Malformed("malformed time mark"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENCODINGS: [Encoding; 2] = [Encoding::Binary, Encoding::Json];

    proptest! {
        #[test]
        fn times_come_back(millis: i64) {
            for encoding in ENCODINGS {
                let payload = encode_time(encoding, UnixMillis(millis));
                prop_assert!(frame_bytes(payload.len()) <= TIME_MARK_FRAME_BYTES_MAX);
                prop_assert_eq!(decode_time(encoding, &payload), Ok(UnixMillis(millis)));
            }
        }

        #[test]
        fn garbage_is_refused_or_canonical(payload in prop::collection::vec(any::<u8>(), 0..12)) {
            for encoding in ENCODINGS {
                if let Ok(time) = decode_time(encoding, &payload) {
                    prop_assert_eq!(encode_time(encoding, time), payload.clone());
                }
            }
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for line in [
            "{\"time\":+1}\n",
            "{\"time\":01}\n",
            "{\"time\":1}",
            "{\"time\": 1}\n",
        ] {
            assert!(
                decode_time(Encoding::Json, line.as_bytes()).is_err(),
                "{line}"
            );
        }
    }
}
