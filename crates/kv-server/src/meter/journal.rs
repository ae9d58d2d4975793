//! Requests that stood out: that took long, that were large, that had large replies. `SLOWLOG` and `COMMANDLOG`
//! show them.
//!
//! Invariant: what is kept is bounded: so many requests, of each so many words, of each word so many bytes.
//! Invariant: no password is kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kv_proto::RequestRef;

/// Words of a request that are kept; behind more stands how many more.
const WORDS_MAX: usize = 32;

/// Bytes of a word that are kept; behind more stands how many more.
const WORD_BYTES_MAX: usize = 128;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// All three journals.
#[derive(Debug)]
pub(crate) struct Journals {
    /// By microseconds.
    pub(crate) slow: Journal,
    /// By bytes of the request.
    pub(crate) large_request: Journal,
    /// By bytes of the reply.
    pub(crate) large_reply: Journal,
}

impl Default for Journals {
    fn default() -> Self {
        Self {
            slow: Journal::new(10_000),
            large_request: Journal::new(1 << 20),
            large_reply: Journal::new(1 << 20),
        }
    }
}

/// The latest requests whose measure was no less than a threshold.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Negative: none is kept.
    pub(crate) threshold: AtomicI64,
    /// How many are kept.
    pub(crate) length_max: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    next_id: u64,
}

/// A request that stood out.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    /// When it ended, in seconds since 1970.
    pub(crate) time_s: i64,
    /// Microseconds or bytes.
    pub(crate) measure: u64,
    pub(crate) words: Vec<Vec<u8>>,
    /// The client's address.
    pub(crate) peer: String,
    /// The client's name.
    pub(crate) name: Vec<u8>,
}

impl Journal {
    fn new(threshold: i64) -> Self {
        Self {
            threshold: AtomicI64::new(threshold),
            length_max: AtomicU64::new(128),
            kept: Mutex::default(),
        }
    }

    /// Whether a request with this measure is kept.
    pub(crate) fn wants(&self, measure: u64) -> bool {
        let threshold = self.threshold.load(Relaxed);
        u64::try_from(threshold).is_ok_and(|threshold| measure >= threshold)
    }

    /// Keeps a request, as the newest one; its number is given here.
    pub(crate) fn keep(&self, mut entry: Entry) {
        let mut kept = self.kept();
        entry.id = kept.next_id;
        kept.next_id += 1;
        kept.entries.push_front(entry);
        self.shorten(&mut kept);
    }

    /// The newest `count`, the newest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<Entry> {
        self.kept().entries.iter().take(count).cloned().collect()
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept().entries.len()
    }

    /// Forgets them all.
    pub(crate) fn reset(&self) {
        self.kept().entries.clear();
    }

    fn shorten(&self, kept: &mut Kept) {
        let length_max = usize::try_from(self.length_max.load(Relaxed)).unwrap_or(usize::MAX);
        kept.entries.truncate(length_max);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words of `request` as they may be kept: secrets taken out, cut short.
pub(crate) fn words(request: RequestRef<'_>) -> Vec<Vec<u8>> {
    let secrets = secrets(request);
    let shown = match request.len() > WORDS_MAX {
        true => WORDS_MAX - 1,
        false => request.len(),
    };
    let mut words: Vec<Vec<u8>> = request
        .iter()
        .take(shown)
        .enumerate()
        .map(|(place, word)| match secrets.contains(&place) {
            true => REDACTED.to_vec(),
            false => cut(word),
        })
        .collect();
    if shown < request.len() {
        let more = request.len() - shown;
        words.push(format!("... ({more} more arguments)").into_bytes());
    }
    words
}

fn cut(word: &[u8]) -> Vec<u8> {
    if word.len() <= WORD_BYTES_MAX {
        return word.to_vec();
    }
    let more = word.len() - WORD_BYTES_MAX;
    let mut cut = word[..WORD_BYTES_MAX].to_vec();
    cut.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
    cut
}

/// Knobs whose values are secret.
const SECRET_KNOBS: [&[u8]; 7] = [
    b"requirepass",
    b"primaryuser",
    b"primaryauth",
    b"masteruser",
    b"masterauth",
    b"tls-key-file-pass",
    b"tls-client-key-file-pass",
];

/// Which words of `request` are secret.
pub(crate) fn secrets(request: RequestRef<'_>) -> std::ops::Range<usize> {
    let is = |place: usize, word: &[u8]| {
        request
            .get(place)
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    if is(0, b"ACL")
        && [&b"SETUSER"[..], b"GETUSER", b"DELUSER"]
            .iter()
            .any(|word| is(1, word))
    {
        return 2..request.len();
    }
    if is(0, b"CONFIG") && is(1, b"SET") {
        let is_secret = |place: &usize| SECRET_KNOBS.iter().any(|name| is(*place, name));
        let first = (2..request.len()).step_by(2).find(is_secret);
        let last = (2..request.len()).step_by(2).rfind(is_secret);
        // What stands between two of them is hidden too.
        return match (first, last) {
            (Some(first), Some(last)) => first + 1..request.len().min(last + 2),
            _ => 0..0,
        };
    }
    if is(0, b"AUTH") {
        return 1..request.len();
    }
    if is(0, b"MIGRATE") {
        let login = (6..request.len()).find(|&place| is(place, b"AUTH") || is(place, b"AUTH2"));
        return match login {
            Some(place) if is(place, b"AUTH2") => place + 1..request.len().min(place + 3),
            Some(place) => place + 1..request.len().min(place + 2),
            None => 0..0,
        };
    }
    if is(0, b"HELLO") && is(2, b"AUTH") {
        return 3..request.len().min(5);
    }
    0..0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::with_request;

    fn kept(request: &[&[u8]]) -> Vec<String> {
        let words = with_request(request, words);
        let text = |word: Vec<u8>| String::from_utf8(word).unwrap();
        words.into_iter().map(text).collect()
    }

    #[test]
    fn long_requests_are_cut_and_secrets_taken_out() {
        let many = vec![b"w".as_slice(); 33];
        let words = kept(&many);
        assert_eq!(
            (words.len(), words[31].as_str()),
            (32, "... (2 more arguments)")
        );
        let long = [b'A'; 129];
        assert_eq!(
            kept(&[&long])[0],
            format!("{}... (1 more bytes)", "A".repeat(128))
        );
        assert_eq!(kept(&[b"auth", b"secret"]), ["auth", "(redacted)"]);
        assert_eq!(
            kept(&[b"HELLO", b"3", b"auth", b"u", b"p", b"SETNAME", b"n"]),
            [
                "HELLO",
                "3",
                "auth",
                "(redacted)",
                "(redacted)",
                "SETNAME",
                "n"
            ]
        );
    }

    #[test]
    fn the_newest_are_kept() {
        let journal = Journal::new(5);
        journal.length_max.store(2, Relaxed);
        assert!(!journal.wants(4) && journal.wants(5));
        for measure in 5..9 {
            journal.keep(Entry {
                id: 0,
                time_s: 0,
                measure,
                words: Vec::new(),
                peer: String::new(),
                name: Vec::new(),
            });
        }
        let newest = journal.newest(10);
        let shown: Vec<_> = newest
            .iter()
            .map(|entry| (entry.id, entry.measure))
            .collect();
        assert_eq!(shown, [(3, 8), (2, 7)]);
        journal.reset();
        assert_eq!(journal.len(), 0);
        journal.threshold.store(-1, Relaxed);
        assert!(!journal.wants(u64::MAX));
    }
}
