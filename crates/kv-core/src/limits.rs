//! Named limits of stores, in units.

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Longest string value, in bytes.
pub const STRING_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Most logical databases of one store.
pub const DATABASES_MAX: u16 = 1024;

const _: () = assert!(
    KEY_BYTES_MAX <= 1 << 30,
    "an entry's header has 30 bits for it"
);
