//! Named limits of stores, in units.

use crate::StoreError;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Longest string value, in bytes.
pub const STRING_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Most logical databases of one store.
pub const DATABASES_MAX: u16 = 1024;

/// Most stripes of one store.
pub const STRIPES_MAX: usize = 1 << 16;

/// Whether `key` is short enough.
///
/// # Errors
///
/// [`StoreError::KeyTooLong`].
pub const fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(StoreError::KeyTooLong {
            length: key.len(),
            limit: KEY_BYTES_MAX,
        });
    }
    Ok(())
}

/// Whether a string value may have `length` bytes.
///
/// # Errors
///
/// [`StoreError::ValueTooLong`].
pub const fn check_string(length: usize) -> Result<(), StoreError> {
    if length > STRING_BYTES_MAX {
        return Err(StoreError::ValueTooLong {
            length,
            limit: STRING_BYTES_MAX,
        });
    }
    Ok(())
}
