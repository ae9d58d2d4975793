//! Requests as clients send them.

use bytes::{BufMut, BytesMut};

/// Writes one command, its name first, at the end of `out`.
pub fn encode_command<A: AsRef<[u8]>>(args: &[A], out: &mut BytesMut) {
    let bytes: usize = args
        .iter()
        .map(|arg| arg.as_ref().len() + HEAD_BYTES_TYPICAL)
        .sum();
    out.reserve(bytes + HEAD_BYTES_TYPICAL);
    put_head(out, b'*', args.len());
    for arg in args {
        let arg = arg.as_ref();
        put_head(out, b'$', arg.len());
        out.put_slice(arg);
        out.put_slice(b"\r\n");
    }
}

/// `$12345\r\n` and the end of the bulk string.
const HEAD_BYTES_TYPICAL: usize = 10;

fn put_head(out: &mut BytesMut, marker: u8, count: usize) {
    out.put_u8(marker);
    out.put_slice(itoa::Buffer::new().format(count).as_bytes());
    out.put_slice(b"\r\n");
}
