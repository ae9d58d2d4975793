//! One blocking connection: a command out, a reply in.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use super::reply::Reply;

/// A reply that has not come by then counts as missing.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(20);

/// A connection to a server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub(crate) fn connect(address: SocketAddr) -> Result<Client> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_WAIT_MAX))?;
        Ok(Client {
            stream: BufReader::new(stream),
        })
    }

    /// Sends `words` and waits for the reply; `None` when the server has closed the connection.
    ///
    /// # Errors
    ///
    /// No reply in time, or one that is not RESP.
    pub(crate) fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Option<Reply>> {
        let mut bytes = Vec::new();
        put(words, &mut bytes);
        // A server that has hung up may refuse the bytes or swallow them: both mean closed.
        if self.stream.get_mut().write_all(&bytes).is_err() {
            return Ok(None);
        }
        match Reply::read(&mut self.stream) {
            Err(error) if is_reset(&error) => Ok(None),
            reply => reply,
        }
    }

    /// Sends `requests`, `together` at a time, and waits for all replies.
    ///
    /// # Errors
    ///
    /// A reply is missing or is not RESP: the number of the request is told.
    pub(crate) fn pipeline(
        &mut self,
        requests: &[Vec<Vec<u8>>],
        together: usize,
    ) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(requests.len());
        for part in requests.chunks(together) {
            self.send(part)?;
            self.receive(part.len(), &mut replies)?;
        }
        Ok(replies)
    }

    /// Sends `requests` without waiting for a reply.
    ///
    /// # Errors
    ///
    /// The server has closed the connection.
    pub(crate) fn send(&mut self, requests: &[Vec<Vec<u8>>]) -> Result<()> {
        let mut bytes = Vec::new();
        for words in requests {
            put(words, &mut bytes);
        }
        Ok(self.stream.get_mut().write_all(&bytes)?)
    }

    /// Waits for `count` replies and adds them to `replies`.
    ///
    /// # Errors
    ///
    /// One is missing or is not RESP.
    pub(crate) fn receive(&mut self, count: usize, replies: &mut Vec<Reply>) -> Result<()> {
        for _ in 0..count {
            let at = replies.len();
            let reply = Reply::read(&mut self.stream).with_context(|| format!("reply {at}"))?;
            replies.push(
                reply.with_context(|| format!("the connection was closed before reply {at}"))?,
            );
        }
        Ok(())
    }
}

/// Adds a request to `bytes`.
fn put<W: AsRef<[u8]>>(words: &[W], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
}

fn is_reset(error: &anyhow::Error) -> bool {
    let kind = error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::ConnectionReset)
}
