//! One question to a server whose answer is one line: PING, DBSIZE, SAVE.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Sends `words` on a connection of their own and returns the first line of the reply with its type mark,
/// such as `+PONG`, `:3` or `-ERR ...`. Waits for it no longer than `patience`.
///
/// # Errors
///
/// When the server cannot be reached or does not answer in time.
pub fn ask(target: SocketAddr, words: &[&str], patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(patience))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
