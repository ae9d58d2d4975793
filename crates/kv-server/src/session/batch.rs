//! The requests of one read of the socket, decoded and waiting to run.
//!
//! They are decoded together so that what their keys need can be fetched from memory together, before the
//! first of them runs.

use kv_core::Db;
use kv_proto::{Decoder, ProtoError, RequestArgs, RequestRef};
use smallvec::SmallVec;

use crate::command::spec::CommandSpec;
use crate::command::table;
use crate::engine::Engine;

/// Requests decoded together: enough to hide the memory's latency, few enough to stay in the cache.
const REQUESTS_MAX: usize = 64;

/// Requests of one input, in order.
#[derive(Default)]
pub(crate) struct Batch {
    /// Kept and used again: only the first `len` hold requests.
    requests: Vec<Decoded>,
    len: usize,
}

#[derive(Default)]
struct Decoded {
    args: RequestArgs,
    /// Where the request begins in the input.
    start: usize,
    /// What it asks for, if there is such a command.
    spec: Option<&'static CommandSpec>,
}

impl Decoded {
    /// What this asks for, if `next` asks for the same in the same letters, as it mostly does in a pipeline.
    fn asked_too(&self, input: &[u8], next: RequestRef<'_>) -> Option<&'static CommandSpec> {
        let word = self.args.view(&input[self.start..]).get(0)?;
        self.spec
            .filter(|spec| next.get(0) == Some(word) && table::is_known_by(spec, word))
    }
}

/// How far [`Batch::decode`] came.
pub(crate) struct Reach {
    /// Where the first byte that was not decoded is in the input.
    pub(crate) end: usize,
    /// What is wrong with the bytes there, if they can never become a request.
    pub(crate) error: Option<ProtoError>,
    /// Whether complete requests may be left.
    pub(crate) more: bool,
}

impl Batch {
    /// Decodes the requests of `input` from `start` on, as many as a batch takes.
    pub(crate) fn decode(&mut self, decoder: &mut Decoder, input: &[u8], start: usize) -> Reach {
        self.clear();
        let mut end = start;
        while self.len < REQUESTS_MAX {
            if self.requests.len() == self.len {
                self.requests.push(Decoded::default());
            }
            let (before, here) = self.requests.split_at_mut(self.len);
            let request = &mut here[0];
            match decoder.decode(&input[end..], &mut request.args) {
                Ok(Some(taken)) => {
                    request.start = end;
                    let view = request.args.view(&input[end..]);
                    end += taken;
                    if !view.is_empty() {
                        request.spec = before
                            .last()
                            .and_then(|before| before.asked_too(input, view))
                            .or_else(|| table::find(view).ok());
                        self.len += 1;
                    }
                }
                outcome => {
                    let error = outcome.err();
                    return Reach {
                        end,
                        error,
                        more: false,
                    };
                }
            }
        }
        Reach {
            end,
            error: None,
            more: true,
        }
    }

    /// How many requests there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Request `index` of `input` and the command it asks for, if there is one.
    pub(crate) fn request<'b>(
        &'b self,
        index: usize,
        input: &'b [u8],
    ) -> (Option<&'static CommandSpec>, RequestRef<'b>) {
        let decoded = &self.requests[..self.len][index];
        (decoded.spec, decoded.args.view(&input[decoded.start..]))
    }

    /// Brings the keys of several requests closer to the processor.
    pub(crate) fn prefetch(&self, engine: &Engine, db: Db, input: &[u8]) {
        if self.len < 2 {
            return;
        }
        let mut keys: SmallVec<[&[u8]; REQUESTS_MAX]> = SmallVec::new();
        for index in 0..self.len {
            let (Some(spec), request) = self.request(index, input) else {
                continue;
            };
            match spec.keys.only_place() {
                Some(place) => keys.extend(request.get(place)),
                None => keys.extend(spec.keys.of(request).take(REQUESTS_MAX - keys.len())),
            }
            if keys.len() == REQUESTS_MAX {
                break;
            }
        }
        engine.prefetch(db, &keys);
    }

    /// Forgets the requests.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use kv_proto::{Limits, ProtocolMode};

    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(ProtocolMode::Auto, Limits::default())
    }

    #[test]
    fn complete_requests_are_decoded_and_the_rest_is_left() {
        let input = b"GET a\nNOSUCH\n\nGET";
        let mut batch = Batch::default();
        let reach = batch.decode(&mut decoder(), input, 0);
        assert_eq!((batch.len(), reach.end, reach.more), (2, 14, false));
        let (spec, request) = batch.request(0, input);
        assert_eq!(
            (spec.map(|spec| spec.name), request.arg(1)),
            (Some("GET"), &b"a"[..])
        );
        assert!(batch.request(1, input).0.is_none());
    }

    #[test]
    fn a_long_input_is_decoded_in_several_batches() {
        let input = b"PING\n".repeat(REQUESTS_MAX + 1);
        let (mut decoder, mut batch) = (decoder(), Batch::default());
        let reach = batch.decode(&mut decoder, &input, 0);
        assert_eq!((batch.len(), reach.more), (REQUESTS_MAX, true));
        let reach = batch.decode(&mut decoder, &input, reach.end);
        assert_eq!(
            (batch.len(), reach.end, reach.more),
            (1, input.len(), false)
        );
    }

    #[test]
    fn the_same_word_again_asks_for_the_same_unless_another_word_belongs_to_it() {
        let input = b"GET a\nGET b\nget c\nCLIENT ID\nCLIENT GETNAME\nCLIENT\nCLIENT ID\nX\nX\n";
        let mut batch = Batch::default();
        batch.decode(&mut decoder(), input, 0);
        let names: Vec<_> = (0..batch.len())
            .map(|index| batch.request(index, input).0.map(|spec| spec.name))
            .collect();
        let expected = [
            Some("GET"),
            Some("GET"),
            Some("GET"),
            Some("CLIENT|ID"),
            Some("CLIENT|GETNAME"),
            Some("CLIENT"),
            Some("CLIENT|ID"),
            None,
            None,
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn requests_before_a_wrong_one_count() {
        let input = b"*1\r\n$4\r\nPING\r\n*x\r\n";
        let mut batch = Batch::default();
        let reach = batch.decode(&mut decoder(), input, 0);
        assert_eq!((batch.len(), reach.end), (1, 14));
        assert_eq!(reach.error, Some(ProtoError::InvalidMultibulkLength));
    }
}
