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
    pub(super) stream: BufReader<TcpStream>,
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
        if !self.send(words) {
            return Ok(None);
        }
        self.reply()
    }

    /// Sends `words` and does not wait; `false` when the server has closed the connection.
    pub(crate) fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> bool {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        // A server that has hung up may refuse the bytes or swallow them: both mean closed.
        self.stream.get_mut().write_all(&bytes).is_ok()
    }

    /// Waits for the next reply or message; `None` when the server has closed the connection.
    ///
    /// # Errors
    ///
    /// None in time, or one that is not RESP.
    pub(crate) fn reply(&mut self) -> Result<Option<Reply>> {
        match Reply::read(&mut self.stream) {
            Err(error) if is_reset(&error) => Ok(None),
            reply => reply,
        }
    }
}

fn is_reset(error: &anyhow::Error) -> bool {
    let kind = error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::ConnectionReset)
}
