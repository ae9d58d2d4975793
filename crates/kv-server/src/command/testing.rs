//! Runs command lines on a store in memory and shows the replies: what the unit tests of handlers use.
//!
//! Does what the engine does around a handler, without a log: look-up, gates, locks, the handler, and the
//! check that an error has changed nothing.

use std::sync::Arc;

use kv_core::{At, Clock, Db, KeySet, ManualClock, MemoryOptions, MemoryStore, UnixMillis};
use kv_proto::{
    Decoder, Format, Limits, ProtocolMode, Reply, ReplyBuffer, RequestArgs, RequestRef,
};

use super::args::Args;
use super::spec::{Flags, Outcome, Run};
use super::{gate, table};

/// What the clock of a [`Shell`] shows at first.
pub(super) const START: UnixMillis = UnixMillis(1_700_000_000_000);

/// A store and one who types commands at it.
pub(super) struct Shell {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    format: Format,
}

impl Shell {
    /// An empty store whose clock shows [`START`]; replies are RESP2.
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let options = MemoryOptions {
            stripes: 8,
            clock: clock.clone(),
            ..MemoryOptions::default()
        };
        Self {
            store: MemoryStore::new(options),
            clock,
            format: Format::Resp2,
        }
    }

    /// The same, with replies in `format`.
    pub(super) fn in_format(format: Format) -> Self {
        Self {
            format,
            ..Self::new()
        }
    }

    /// Moves the clock.
    pub(super) fn advance(&self, millis: i64) {
        self.clock.advance(millis);
    }

    /// The reply to `line`, whose words are separated by single blanks, as it goes over the wire; the bytes
    /// `\r\n` are shown as `|`.
    pub(super) fn run(&self, line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let reply = self.run_words(&words);
        String::from_utf8_lossy(&reply).replace("\r\n", "|")
    }

    /// The reply to `words` as it goes over the wire.
    pub(super) fn run_words(&self, words: &[&[u8]]) -> Vec<u8> {
        let mut out = ReplyBuffer::new();
        with_request(words, |request| {
            let mut reply = Reply::new(&mut out, self.format);
            let mark = reply.buffer().mark();
            if let Err(error) = self.execute(request, &mut reply) {
                reply.buffer().truncate(mark);
                reply.error(error.code, &error.message);
            }
        });
        written(out)
    }

    fn execute(&self, request: RequestRef<'_>, reply: &mut Reply<'_>) -> Outcome {
        let spec = table::find(request)?;
        gate::check(spec, request, false)?;
        let args = Args::new(spec, request);
        let at = At {
            db: Db::FIRST,
            now: self.clock.now(),
        };
        let keys: Vec<&[u8]> = spec.keys.of(request).collect();
        let whole = spec.flags.contains(Flags::WHOLE_KEYSPACE) || spec.keys.are_hidden(request);
        let keys = match whole {
            true => KeySet::All,
            false => KeySet::Many(&keys),
        };
        match &spec.run {
            Run::Pure(run)
            | Run::Group {
                alone: Some(run), ..
            } => run(args, reply),
            Run::Read(run) => {
                self.store
                    .read_with(at, keys, |view| run(view, args, reply))
                    .0
            }
            Run::Write(run) => {
                let change = |txn: &mut kv_core::Txn<'_>| {
                    let before = txn.effects();
                    let outcome = run(txn, args, reply);
                    assert!(outcome.is_ok() || txn.effects() == before, "{request:?}");
                    assert_eq!(txn.unannounced(), None, "{} announced no event", spec.name);
                    outcome
                };
                self.store
                    .write_with(at, keys, change)
                    .expect("no log refuses")
                    .0
            }
            Run::Block(run) => {
                let change = |txn: &mut kv_core::Txn<'_>| {
                    let before = txn.effects();
                    let outcome = run(txn, args, reply);
                    assert!(outcome.is_ok() || txn.effects() == before, "{request:?}");
                    outcome
                };
                let outcome = self.store.write_with(at, keys, change);
                outcome.expect("no log refuses").0?.do_not_wait(reply);
                Ok(())
            }
            Run::Exec(_)
            | Run::Script { .. }
            | Run::Library { .. }
            | Run::Session(_)
            | Run::Server(_)
            | Run::Group { alone: None, .. } => {
                panic!("{} needs a server", spec.name)
            }
        }
    }
}

/// Shows `words` to `look` as a request.
pub(crate) fn with_request<R>(words: &[&[u8]], look: impl FnOnce(RequestRef<'_>) -> R) -> R {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    let mut args = RequestArgs::new();
    let mut decoder = Decoder::new(ProtocolMode::Resp, Limits::default());
    decoder.decode(&bytes, &mut args).expect("this is RESP");
    look(args.view(&bytes))
}

/// The bytes of `out`.
fn written(mut out: ReplyBuffer) -> Vec<u8> {
    use bytes::Buf;
    out.copy_to_bytes(out.remaining()).into()
}
