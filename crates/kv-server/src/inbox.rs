//! What a connection is sent without having asked for it just then: messages, invalidations.
//!
//! Any thread posts into a connection's inbox; only its session takes out. The sessions of one thread share a
//! [`Mailroom`], so that a message to fifty of them wakes the thread once.
//!
//! Invariant: posting waits for no client. An inbox that grows over its limit is emptied and its connection
//! closed.
//! Invariant: mail leaves in the order in which it was posted, behind the replies that were written before the
//! session looked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use kv_core::Lsn;
use tokio::sync::Notify;

use crate::clients::Client;

/// What one piece of mail takes besides its text, in bytes.
const OVERHEAD_BYTES: usize = 64;

/// One piece of mail.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) mail: Mail,
    /// What must be as safe as was promised before the letter leaves.
    pub(crate) lsn: Lsn,
}

/// What it says.
#[derive(Clone, Debug)]
pub(crate) enum Mail {
    /// A message of a channel.
    Message(Arc<Message>),
    /// A message of a shard channel.
    ShardMessage(Arc<Message>),
    /// A message of a channel whose name fits a pattern.
    PatternMessage {
        pattern: Bytes,
        message: Arc<Message>,
    },
    /// Keys that the client may have cached have changed.
    Invalidated(Arc<[Bytes]>),
    /// All that the client may have cached is void.
    AllInvalidated,
    /// A request that somebody made, for who watches them all.
    Monitored(Arc<str>),
    /// The connection with this number, which invalidations were redirected to, is gone.
    RedirectBroken(u64),
}

/// What was published.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) channel: Bytes,
    pub(crate) payload: Bytes,
}

impl Mail {
    /// About what it takes in memory and on the wire.
    fn bytes(&self) -> usize {
        let text = match self {
            Self::Message(message) | Self::ShardMessage(message) => message.bytes(),
            Self::PatternMessage { pattern, message } => pattern.len() + message.bytes(),
            Self::Invalidated(keys) => keys.iter().map(|key| key.len() + OVERHEAD_BYTES).sum(),
            Self::Monitored(line) => line.len(),
            Self::AllInvalidated | Self::RedirectBroken(_) => 0,
        };
        text + OVERHEAD_BYTES
    }
}

impl Message {
    fn bytes(&self) -> usize {
        self.channel.len() + self.payload.len()
    }
}

/// The inbox of one connection.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// A look at the queue that costs one load.
    has_mail: AtomicBool,
    queue: Mutex<Queue>,
    room: Arc<Mailroom>,
}

#[derive(Debug, Default)]
struct Queue {
    letters: Vec<Letter>,
    /// Bytes that the socket has not taken, of letters here and of letters that the session holds.
    waiting_bytes: usize,
    /// Since when more than the soft limit waits.
    over_since_s: Option<u64>,
    /// Whether the mailroom knows that there is mail.
    is_announced: bool,
    /// No more mail is taken: the connection ends.
    is_closed: bool,
    session: Option<Waker>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Posted {
    /// The session knows already that there is mail.
    Behind,
    /// It has to be told.
    First,
    /// The inbox is over its limit now.
    Overflow,
    /// The connection ends and takes no more.
    Refused,
}

impl Inbox {
    pub(crate) fn new(room: Arc<Mailroom>) -> Self {
        Self {
            has_mail: AtomicBool::new(false),
            queue: Mutex::default(),
            room,
        }
    }

    /// Whether there is something to take.
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Acquire)
    }

    /// Whose inbox this is: the session's task, which keeps its waker.
    pub(crate) fn set_session(&self, waker: &Waker) {
        self.queue().session = Some(waker.clone());
    }

    /// Takes everything, and how many bytes it is. They count as waiting until [`Inbox::sent`].
    pub(crate) fn take(&self) -> (Vec<Letter>, usize) {
        let mut queue = self.queue();
        queue.is_announced = false;
        self.has_mail.store(false, Ordering::Release);
        let letters = std::mem::take(&mut queue.letters);
        let bytes = letters.iter().map(|letter| letter.mail.bytes()).sum();
        (letters, bytes)
    }

    /// The socket has taken this much of what [`Inbox::take`] returned.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut queue = self.queue();
        queue.waiting_bytes = queue.waiting_bytes.saturating_sub(bytes);
    }

    /// Bytes that the socket has not taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.queue().waiting_bytes
    }

    /// Since when more than `soft_bytes` has been waiting, as seen by calls of this; 0 is no limit.
    pub(crate) fn over_since_s(&self, soft_bytes: u64, now_s: u64) -> Option<u64> {
        let mut queue = self.queue();
        let over = soft_bytes > 0 && queue.waiting_bytes as u64 > soft_bytes;
        queue.over_since_s = over.then(|| queue.over_since_s.unwrap_or(now_s));
        queue.over_since_s
    }

    /// Takes no more mail: the connection is ending.
    pub(crate) fn close(&self) {
        let mut queue = self.queue();
        queue.is_closed = true;
        queue.letters = Vec::new();
    }

    fn put(&self, letter: Letter, hard_bytes: u64) -> Posted {
        let mut queue = self.queue();
        if queue.is_closed {
            return Posted::Refused;
        }
        queue.waiting_bytes += letter.mail.bytes();
        if hard_bytes > 0 && queue.waiting_bytes as u64 > hard_bytes {
            queue.is_closed = true;
            queue.letters = Vec::new();
            return Posted::Overflow;
        }
        queue.letters.push(letter);
        self.has_mail.store(true, Ordering::Release);
        match std::mem::replace(&mut queue.is_announced, true) {
            true => Posted::Behind,
            false => Posted::First,
        }
    }

    fn wake(&self) {
        let session = self.queue().session.clone();
        session.iter().for_each(Waker::wake_by_ref);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Posts `letter` to `client`; whether it was taken. With more than `hard_bytes` waiting the client is cut off.
pub(crate) fn post(client: &Arc<Client>, letter: Letter, hard_bytes: u64) -> bool {
    match client.inbox.put(letter, hard_bytes) {
        Posted::Behind => true,
        Posted::First => {
            client.inbox.room.announce(client);
            true
        }
        Posted::Overflow => {
            let id = client.id;
            tracing::warn!(
                client = id,
                "closing a connection: it does not read its messages"
            );
            client.cut_off();
            false
        }
        Posted::Refused => false,
    }
}

/// Where one thread learns for which of its sessions there is mail.
#[derive(Debug, Default)]
pub(crate) struct Mailroom {
    waiting: Mutex<Vec<Arc<Client>>>,
    bell: Notify,
}

impl Mailroom {
    fn announce(&self, client: &Arc<Client>) {
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Arc::clone(client));
            waiting.len() == 1
        };
        if is_first {
            self.bell.notify_one();
        }
    }

    /// Wakes the sessions that have mail, for as long as it is polled: on the thread that serves them.
    pub(crate) async fn deliver(&self) {
        loop {
            self.bell.notified().await;
            let clients = std::mem::take(&mut *self.waiting());
            clients.iter().for_each(|client| client.inbox.wake());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Arc<Client>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &'static [u8]) -> Letter {
        let message = Message {
            channel: Bytes::new(),
            payload: Bytes::from_static(text),
        };
        Letter {
            mail: Mail::Message(Arc::new(message)),
            lsn: Lsn::ZERO,
        }
    }

    #[test]
    fn the_session_is_told_once_for_all_that_it_has_not_taken() {
        let inbox = Inbox::new(Arc::default());
        assert!(!inbox.has_mail());
        assert_eq!(inbox.put(letter(b"a"), 0), Posted::First);
        assert_eq!(inbox.put(letter(b"b"), 0), Posted::Behind);
        assert!(inbox.has_mail());
        assert_eq!(inbox.take().0.len(), 2);
        assert!(!inbox.has_mail());
        assert_eq!(inbox.put(letter(b"c"), 0), Posted::First);
    }

    #[test]
    fn what_the_session_holds_counts_until_it_is_sent() {
        let inbox = Inbox::new(Arc::default());
        let one = letter(b"0123456789").mail.bytes();
        let limit = 2 * one as u64;
        assert_eq!(inbox.put(letter(b"0123456789"), limit), Posted::First);
        let (_, bytes) = inbox.take();
        assert_eq!((bytes, inbox.waiting_bytes()), (one, one));
        assert_eq!(inbox.put(letter(b"0123456789"), limit), Posted::First);
        inbox.sent(bytes);
        assert_eq!(inbox.put(letter(b"0123456789"), limit), Posted::Behind);
        assert_eq!(inbox.put(letter(b""), limit), Posted::Overflow);
        assert_eq!(inbox.put(letter(b""), limit), Posted::Refused);
        assert!(inbox.take().0.is_empty());
    }

    #[test]
    fn the_soft_limit_has_to_be_passed_without_a_break() {
        let inbox = Inbox::new(Arc::default());
        inbox.put(letter(b"0123456789"), 0);
        assert_eq!(inbox.over_since_s(1, 5), Some(5));
        assert_eq!(inbox.over_since_s(1, 9), Some(5));
        assert_eq!(inbox.over_since_s(0, 9), None);
        assert_eq!(inbox.over_since_s(1 << 20, 10), None);
        assert_eq!(inbox.over_since_s(1, 11), Some(11));
    }
}
