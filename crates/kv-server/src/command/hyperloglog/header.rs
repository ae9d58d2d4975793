//! The first bytes of a sketch.
//!
//! ```text
//!  0   "HYLL"
//!  4   encoding: 0 dense, 1 sparse
//!  5   three bytes that mean nothing
//!  8   the last estimate, eight bytes, the lowest first; the highest bit says that it no longer holds
//! ```

/// Bytes before the registers.
pub(super) const HEADER_BYTES: usize = 16;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
const STALE_AT: usize = 15;
const STALE: u8 = 0x80;

/// How registers are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Dense,
    Sparse,
}

/// The header of a sketch without elements, whose estimate is 0.
pub(super) fn new(encoding: Encoding) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..MAGIC.len()].copy_from_slice(MAGIC);
    set_encoding(&mut header, encoding);
    header
}

/// The encoding that the header of `sketch` names; `None` when it is no header.
pub(super) fn encoding(sketch: &[u8]) -> Option<Encoding> {
    if sketch.len() < HEADER_BYTES || !sketch.starts_with(MAGIC) {
        return None;
    }
    match sketch.get(ENCODING_AT)? {
        0 => Some(Encoding::Dense),
        1 => Some(Encoding::Sparse),
        _ => None,
    }
}

pub(super) fn set_encoding(header: &mut [u8; HEADER_BYTES], encoding: Encoding) {
    header[ENCODING_AT] = u8::from(encoding == Encoding::Sparse);
}

/// The last estimate, if it still holds.
pub(super) fn estimate(header: &[u8; HEADER_BYTES]) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[ESTIMATE_AT..]);
    (header[STALE_AT] & STALE == 0).then_some(u64::from_le_bytes(bytes))
}

/// Says that the last estimate no longer holds.
pub(super) fn outdate(header: &mut [u8; HEADER_BYTES]) {
    header[STALE_AT] |= STALE;
}
