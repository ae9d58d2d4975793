//! The keys and values of the in-process benches, the same for every engine.

/// The length of values, in bytes.
pub(crate) const VALUE_BYTES: usize = 64;

/// The value that is stored.
pub(crate) const VALUE: [u8; VALUE_BYTES] = [b'v'; VALUE_BYTES];

/// The 16-byte key with this number.
pub(crate) fn key(number: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    key
}
