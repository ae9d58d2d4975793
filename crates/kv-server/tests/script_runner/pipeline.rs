//! Many requests out before their replies come in.

use std::io::Write;

use anyhow::{Context, Result};

use super::client::Client;
use super::reply::Reply;

impl Client {
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
            self.send_all(part)?;
            self.receive_all(part.len(), &mut replies)?;
        }
        Ok(replies)
    }

    /// Sends `requests` without waiting for a reply.
    ///
    /// # Errors
    ///
    /// The server has closed the connection.
    pub(crate) fn send_all(&mut self, requests: &[Vec<Vec<u8>>]) -> Result<()> {
        let mut bytes = Vec::new();
        for words in requests {
            bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        Ok(self.stream.get_mut().write_all(&bytes)?)
    }

    /// Waits for `count` replies and adds them to `replies`.
    ///
    /// # Errors
    ///
    /// One is missing or is not RESP.
    pub(crate) fn receive_all(&mut self, count: usize, replies: &mut Vec<Reply>) -> Result<()> {
        for _ in 0..count {
            let at = replies.len();
            let reply = Reply::read(&mut self.stream).with_context(|| format!("reply {at}"))?;
            let reply =
                reply.with_context(|| format!("the connection was closed before reply {at}"))?;
            replies.push(reply);
        }
        Ok(())
    }
}
