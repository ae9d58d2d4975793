//! One question to a server: one whose answer is one line (PING, DBSIZE, SAVE), or one text (INFO).

use std::io::{BufRead as _, BufReader, Read as _, Take, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many commands go out together where many are told. Their answers fit into the buffers of the socket.
const TOLD_AT_ONCE: usize = 200;

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Sends `words` on a connection of their own and returns the first line of the reply with its type mark,
/// such as `+PONG`, `:3` or `-ERR ...`. Waits for it no longer than `patience`.
///
/// # Errors
///
/// When the server cannot be reached or does not answer in time.
pub fn ask(target: SocketAddr, words: &[&str], patience: Duration) -> std::io::Result<String> {
    let mut line = String::new();
    send(target, words, patience)?.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// As [`ask`], for a reply that is a text of several lines, which it returns.
///
/// # Errors
///
/// As [`ask`]; also when the reply is no text, or longer than 4 KiB.
pub fn ask_text(target: SocketAddr, words: &[&str], patience: Duration) -> std::io::Result<String> {
    let mut answer = send(target, words, patience)?;
    let mut head = String::new();
    answer.read_line(&mut head)?;
    let bytes = head
        .strip_prefix('$')
        .and_then(|length| length.trim_end().parse::<usize>().ok())
        .filter(|length| u64::try_from(*length).is_ok_and(|length| length < ANSWER_BYTES_MAX))
        .ok_or_else(|| std::io::Error::other(format!("'{}' is no text", head.trim_end())))?;
    let mut text = vec![0; bytes];
    answer.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Sends many commands on one connection, each of which is answered with one line, and waits for every answer.
///
/// # Errors
///
/// As [`ask`]; also at the first error reply.
pub fn tell(
    target: SocketAddr,
    commands: impl Iterator<Item = Vec<String>>,
    patience: Duration,
) -> std::io::Result<()> {
    let mut stream = connect(target, patience)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut commands = commands.peekable();
    let mut line = String::new();
    while commands.peek().is_some() {
        let mut request = String::new();
        let mut count = 0;
        for words in commands.by_ref().take(TOLD_AT_ONCE) {
            write_command(&mut request, &words);
            count += 1;
        }
        stream.write_all(request.as_bytes())?;
        for _ in 0..count {
            line.clear();
            answers.read_line(&mut line)?;
            if !line.starts_with([':', '+']) {
                let line = line.trim_end();
                return Err(std::io::Error::other(format!("it answers '{line}'")));
            }
        }
    }
    Ok(())
}

fn connect(target: SocketAddr, patience: Duration) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    Ok(stream)
}

fn write_command(request: &mut String, words: &[impl AsRef<str>]) {
    request.push_str(&format!("*{}\r\n", words.len()));
    for word in words {
        let word = word.as_ref();
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
}

fn send(
    target: SocketAddr,
    words: &[&str],
    patience: Duration,
) -> std::io::Result<BufReader<Take<TcpStream>>> {
    let mut stream = connect(target, patience)?;
    let mut request = String::new();
    write_command(&mut request, words);
    stream.write_all(request.as_bytes())?;
    Ok(BufReader::new(stream.take(ANSWER_BYTES_MAX)))
}
