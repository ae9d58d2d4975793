//! One client: sends commands to whichever life of the server there is, and remembers everything.
//!
//! Invariant: an operation is remembered before its first byte is sent.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::BytesMut;
use kv_proto::{ReplyDecoder, Value};

use super::command::Command;
use super::draw::Draw;
use super::lives::Lives;
use super::operation::Operation;

/// A server that takes longer than this for a reply hangs.
const REPLY_MAX: Duration = Duration::from_secs(30);

/// A client and what it has seen.
pub(crate) struct Client<'a> {
    number: usize,
    lives: &'a Lives,
    history: Vec<Operation>,
    /// How many operations have been counted as finished.
    counted: usize,
}

impl<'a> Client<'a> {
    pub(crate) fn new(number: usize, lives: &'a Lives) -> Self {
        Self {
            number,
            lives,
            history: Vec::new(),
            counted: 0,
        }
    }

    /// Sends `quota` commands from `draw`, through all lives that it takes; returns what it saw.
    ///
    /// # Errors
    ///
    /// A connection broke, or a reply did not come, though nobody had touched the server.
    pub(crate) fn run(mut self, mut draw: Draw, quota: usize) -> Result<Vec<Operation>> {
        while self.history.len() < quota {
            let Some((life, address)) = self.lives.wait() else {
                break;
            };
            let broken = self.talk(life, address, &mut draw, quota);
            self.count_finished();
            if let Err(error) = broken
                && !self.lives.is_doomed(life)
            {
                self.lives.stop();
                let number = self.number;
                return Err(error).with_context(|| format!("client {number} in life {life}"));
            }
        }
        Ok(self.history)
    }

    /// Sends `commands` to the life at hand and waits for the replies.
    ///
    /// # Errors
    ///
    /// As for [`Client::run`].
    pub(crate) fn ask(mut self, commands: Vec<Command>) -> Result<Vec<Operation>> {
        if let Some((life, address)) = self.lives.wait() {
            let mut connection = Connection::open(address)?;
            self.exchange(life, &mut connection, commands)?;
        }
        Ok(self.history)
    }

    fn talk(
        &mut self,
        life: usize,
        address: SocketAddr,
        draw: &mut Draw,
        quota: usize,
    ) -> Result<()> {
        let mut connection = Connection::open(address)?;
        while self.history.len() < quota {
            let count = draw.batch_size().min(quota - self.history.len());
            let commands = (0..count).map(|_| draw.command()).collect();
            self.exchange(life, &mut connection, commands)?;
            self.count_finished();
            for seen in &self.history[self.history.len() - count..] {
                draw.note(seen);
            }
        }
        Ok(())
    }

    fn count_finished(&mut self) {
        self.lives.finish(self.history.len() - self.counted);
        self.counted = self.history.len();
    }

    /// Sends all `commands` in one piece, then reads their replies.
    fn exchange(
        &mut self,
        life: usize,
        connection: &mut Connection,
        commands: Vec<Command>,
    ) -> Result<()> {
        let first = self.history.len();
        let mut request = BytesMut::new();
        for command in commands {
            command.encode(&mut request);
            self.history.push(Operation {
                client: self.number,
                life,
                command,
                call: self.lives.moments.next(),
                end: u64::MAX,
                reply: None,
            });
        }
        connection.stream.write_all(&request)?;
        for operation in &mut self.history[first..] {
            operation.reply = Some(connection.read_reply()?);
            operation.end = self.lives.moments.next();
        }
        Ok(())
    }
}

/// Asks the server at `address` one thing, outside of every history.
///
/// # Errors
///
/// There is no server, or it does not answer.
pub(crate) fn ask_once(address: SocketAddr, words: &[&str]) -> Result<Value> {
    let mut connection = Connection::open(address)?;
    let mut request = BytesMut::new();
    kv_proto::encode_command(words, &mut request);
    connection.stream.write_all(&request)?;
    connection.read_reply()
}

struct Connection {
    stream: TcpStream,
    decoder: ReplyDecoder,
    received: BytesMut,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_MAX))?;
        Ok(Self {
            stream,
            decoder: ReplyDecoder::new(),
            received: BytesMut::new(),
        })
    }

    fn read_reply(&mut self) -> Result<Value> {
        let mut bytes = [0; 16 * 1024];
        loop {
            if let Some(reply) = self.decoder.decode(&mut self.received)? {
                return Ok(reply);
            }
            match self.stream.read(&mut bytes).context("no reply")? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                count => self.received.extend_from_slice(&bytes[..count]),
            }
        }
    }
}
