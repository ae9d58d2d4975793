//! One connection under load: bytes on their way out, and the start times of requests on their way back.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::BytesMut;

use super::keys::KEY_BYTES;
use super::reply::{Outcome, ReplyScanner};
use super::request::RequestSource;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that has no reply yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// When it began, as the latency counts.
    pub(super) start_ns: u64,
    /// The key that it reads.
    pub(super) reads: Option<[u8; KEY_BYTES]>,
}

/// A nonblocking connection.
///
/// Invariant: `starts` has one entry for each request that has no reply yet, oldest first.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    out: BytesMut,
    written: usize,
    starts: VecDeque<Pending>,
    replies: ReplyScanner,
}

impl Connection {
    /// Connects to `target`. Values in replies are shown when they have up to `keeps` bytes.
    ///
    /// # Errors
    ///
    /// When nobody listens there or the system refuses.
    pub(super) fn open(target: SocketAddr, keeps: Option<u32>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT)
            .with_context(|| format!("cannot connect to {target}: does a server listen there?"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            out: BytesMut::new(),
            written: 0,
            starts: VecDeque::new(),
            replies: ReplyScanner::new(keeps),
        })
    }

    /// What epoll watches.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// How many requests have no reply yet.
    pub(super) fn in_flight(&self) -> usize {
        self.starts.len()
    }

    /// Adds a request, whose latency counts from `start_ns`. Nothing is sent before [`Connection::flush`].
    pub(super) fn queue(&mut self, source: &mut RequestSource<'_>, start_ns: u64) {
        let reads = source.write_next(&mut self.out);
        self.starts.push_back(Pending { start_ns, reads });
    }

    /// Sends what the socket takes; whether that was all.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub(super) fn flush(&mut self) -> anyhow::Result<bool> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(anyhow!(error).context("cannot send to the server")),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once and tells `show` of each request whose reply has come, with its outcome.
    ///
    /// # Errors
    ///
    /// When the connection broke, or the server sent what is no reply.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut show: impl FnMut(Pending, Outcome<'_>),
    ) -> anyhow::Result<()> {
        let bytes = match self.stream.read(buffer) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(bytes) => bytes,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            Err(error) => return Err(anyhow!(error).context("cannot receive from the server")),
        };
        let mut unasked = false;
        let starts = &mut self.starts;
        self.replies
            .feed(&buffer[..bytes], |outcome| match starts.pop_front() {
                Some(pending) => show(pending, outcome),
                None => unasked = true,
            })?;
        if unasked {
            bail!("the server sent a reply that nobody asked for");
        }
        Ok(())
    }
}
