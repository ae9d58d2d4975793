//! What `RESTORE` gets: a value behind which a version and a checksum stand.

use super::library::{self, NoLibrary};
use super::object::{self, Object};
use super::{Damaged, VERSION_REDIS, VERSION_VALKEY, crc64};

/// The value of a payload that came as it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'p> {
    value: &'p [u8],
    version: u16,
}

/// Looks at version and checksum of `bytes`.
///
/// # Errors
///
/// The version is one that is not known here, or the checksum is another one.
pub(crate) fn open(bytes: &[u8]) -> Result<Payload<'_>, Damaged> {
    let (summed, sum) = bytes.split_last_chunk().ok_or(Damaged)?;
    let (value, version) = summed.split_last_chunk().ok_or(Damaged)?;
    let version = u16::from_le_bytes(*version);
    let known = version <= VERSION_REDIS || version == VERSION_VALKEY;
    if known && crc64::crc64(summed) == u64::from_le_bytes(*sum) {
        Ok(Payload { value, version })
    } else {
        Err(Damaged)
    }
}

impl Payload<'_> {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// It is of no form that is known here.
    pub(crate) fn read(self) -> Result<Object, Damaged> {
        object::read(self.value, self.version)
    }

    /// Reads the code of libraries.
    ///
    /// # Errors
    ///
    /// There is something else in it.
    pub(crate) fn libraries(self) -> Result<Vec<Vec<u8>>, NoLibrary> {
        library::read(self.value)
    }
}

/// Puts the version and the checksum behind a value.
pub(super) fn seal(value: &mut Vec<u8>, version: u16) {
    value.extend_from_slice(&version.to_le_bytes());
    let sum = crc64::crc64(value);
    value.extend_from_slice(&sum.to_le_bytes());
}
