//! Libraries of functions in their dumped form: one after the other, each a mark and its code as a string.

use super::payload::seal;
use super::read::Reader;
use super::write::put_string;
use super::{OBJECT_BYTES_MAX, VERSION_PLAIN, types};

/// What is wrong with a payload that should hold libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLibrary {
    /// A library in a form that was never released.
    PreRelease,
    /// Something else than a library.
    Other,
    /// Bytes of no form.
    Damaged,
}

/// The payload of libraries whose code this is.
pub(crate) fn dump_libraries<'c>(codes: impl Iterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for code in codes {
        out.push(types::LIBRARY);
        put_string(&mut out, code);
    }
    seal(&mut out, VERSION_PLAIN);
    out
}

/// Reads libraries, which are all that `bytes` hold: their code.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, NoLibrary> {
    let mut reader = Reader::new(bytes);
    let (mut codes, mut total) = (Vec::new(), 0_usize);
    while !reader.is_empty() {
        match reader.byte() {
            Ok(types::LIBRARY) => {}
            Ok(types::LIBRARY_PRE_RELEASE) => return Err(NoLibrary::PreRelease),
            _ => return Err(NoLibrary::Other),
        }
        let code = reader.string().map_err(|_| NoLibrary::Damaged)?;
        total = total.saturating_add(code.len());
        if total > OBJECT_BYTES_MAX {
            return Err(NoLibrary::Damaged);
        }
        codes.push(code.into_owned());
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;

    #[test]
    fn what_is_dumped_is_read() {
        let long = vec![b'x'; 70_000];
        let codes = [&b"#!lua name=a"[..], b"", &long];
        let payload = dump_libraries(codes.into_iter());
        let read = open(&payload).map(|payload| payload.libraries());
        assert_eq!(read, Ok(Ok(codes.map(<[u8]>::to_vec).to_vec())));
        assert_eq!(read_of(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_library_is_refused() {
        for (bytes, flaw) in [
            (&b"\xf6\x01a"[..], NoLibrary::PreRelease),
            (b"\x00\x01a", NoLibrary::Other),
            (b"\xf5\x01a\x01", NoLibrary::Other),
            (b"\xf5\x20a", NoLibrary::Damaged),
            (b"\xf5", NoLibrary::Damaged),
        ] {
            assert_eq!(read_of(bytes), Err(flaw), "{bytes:?}");
        }
        // Compressed, and as an integer.
        let codes = vec![b"abcabca".to_vec(), b"7".to_vec()];
        assert_eq!(
            read_of(b"\xf5\xc3\x06\x07\x02abc\x40\x02\xf5\xc0\x07"),
            Ok(codes)
        );
    }

    fn read_of(bytes: &[u8]) -> Result<Vec<Vec<u8>>, NoLibrary> {
        read(bytes)
    }
}
