//! One request: a list of byte strings, the command's name first.
//!
//! Owns where the arguments lie, not the bytes themselves: a request is looked at in place, in the
//! session's read buffer, and copied only when it must outlive it ([`Request`]).
//!
//! Invariant: the arguments of one request lie either all in the input or all in the scratch.

use bytes::Bytes;

use crate::limits::{ARGS_KEPT, SCRATCH_BYTES_KEPT};

/// Where one argument lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn new(start: usize, len: usize) -> Self {
        let narrow = |n: usize| u32::try_from(n).expect("the limits keep a request below 4 GiB");
        Self {
            start: narrow(start),
            len: narrow(len),
        }
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + self.len as usize]
    }
}

/// Where the arguments of one decoded request lie; reused from request to request.
///
/// [`Decoder::decode`](crate::Decoder::decode) fills it, [`view`](Self::view) reads it.
#[derive(Debug, Default)]
pub struct RequestArgs {
    spans: Vec<Span>,
    /// Words that do not stand in the input as they are: unescaped or joined ones.
    scratch: Vec<u8>,
    in_scratch: bool,
}

impl RequestArgs {
    /// An empty list; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the request. Keeps its memory for the next one unless the request was a huge one.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.scratch.clear();
        self.in_scratch = false;
        if self.spans.capacity() > ARGS_KEPT {
            self.spans.shrink_to(ARGS_KEPT);
        }
        if self.scratch.capacity() > SCRATCH_BYTES_KEPT {
            self.scratch.shrink_to(SCRATCH_BYTES_KEPT);
        }
    }

    /// The request, over the same `input` that was decoded.
    #[must_use]
    pub fn view<'a>(&'a self, input: &'a [u8]) -> RequestRef<'a> {
        let bytes = if self.in_scratch {
            &self.scratch
        } else {
            input
        };
        RequestRef {
            bytes,
            spans: &self.spans,
        }
    }

    /// Adds an argument that stands in the input.
    pub(crate) fn push_input(&mut self, start: usize, len: usize) {
        debug_assert!(!self.in_scratch, "a request does not mix input and scratch");
        self.spans.push(Span::new(start, len));
    }

    /// Adds an argument made of the scratch bytes written since `start`, an earlier length of the
    /// scratch.
    pub(crate) fn push_scratch(&mut self, start: usize) {
        debug_assert!(self.in_scratch || self.spans.is_empty());
        self.in_scratch = true;
        self.spans
            .push(Span::new(start, self.scratch.len() - start));
    }

    /// Adds an argument to a request that is made here, not decoded.
    ///
    /// # Panics
    ///
    /// If the arguments come to more than 4 GiB, or some of them were decoded from an input.
    pub fn push_word(&mut self, word: &[u8]) {
        let start = self.scratch.len();
        self.scratch.extend_from_slice(word);
        self.push_scratch(start);
    }

    /// The memory that the list holds.
    #[cfg(test)]
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>() + self.scratch.capacity()
    }

    /// The bytes that [`push_scratch`](Self::push_scratch) turns into arguments.
    pub(crate) fn scratch_mut(&mut self) -> &mut Vec<u8> {
        &mut self.scratch
    }
}

/// A decoded request, borrowed from the buffer it was read into.
#[derive(Clone, Copy)]
pub struct RequestRef<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> RequestRef<'a> {
    /// How many arguments there are, the command's name included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether this is an empty line or an empty array, which asks for nothing and gets no reply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// No less than the bytes of all arguments together, known without a look at them: also counts what
    /// follows the request in its input.
    #[must_use]
    pub fn bytes_at_most(&self) -> usize {
        self.bytes.len()
    }

    /// Argument `index`; 0 is the command's name.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn arg(&self, index: usize) -> &'a [u8] {
        self.spans[index].of(self.bytes)
    }

    /// Argument `index`, or `None` where there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| span.of(self.bytes))
    }

    /// The arguments from `index` on, as a request of their own; empty where there are none.
    #[must_use]
    pub fn tail(&self, index: usize) -> Self {
        Self {
            bytes: self.bytes,
            spans: self.spans.get(index..).unwrap_or_default(),
        }
    }

    /// All arguments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| span.of(bytes))
    }
}

impl std::fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(<[u8]>::escape_ascii))
            .finish()
    }
}

/// A request that owns its bytes: for queues, and for frames of a codec.
#[derive(Clone)]
pub struct Request {
    bytes: Bytes,
    spans: Box<[Span]>,
}

impl Request {
    /// Copies the arguments, and only them, into one allocation.
    #[must_use]
    pub fn from_ref(request: RequestRef<'_>) -> Self {
        let mut bytes = Vec::with_capacity(request.iter().map(<[u8]>::len).sum());
        let mut spans = Vec::with_capacity(request.len());
        for arg in request.iter() {
            spans.push(Span::new(bytes.len(), arg.len()));
            bytes.extend_from_slice(arg);
        }
        Self {
            bytes: bytes.into(),
            spans: spans.into(),
        }
    }

    /// Keeps `frame`, the bytes that were decoded into `args`, without copying them where the
    /// arguments stand in it.
    #[must_use]
    pub fn from_frame(frame: Bytes, args: &RequestArgs) -> Self {
        if args.in_scratch {
            return Self::from_ref(args.view(&frame));
        }
        Self {
            bytes: frame,
            spans: args.spans.as_slice().into(),
        }
    }

    /// The request, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> RequestRef<'_> {
        RequestRef {
            bytes: &self.bytes,
            spans: &self.spans,
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args_of(words: &[&[u8]]) -> RequestArgs {
        let mut args = RequestArgs::new();
        for word in words {
            let start = args.scratch.len();
            args.scratch_mut().extend_from_slice(word);
            args.push_scratch(start);
        }
        args
    }

    #[test]
    fn a_view_reads_input_or_scratch() {
        let mut args = RequestArgs::new();
        args.push_input(0, 3);
        args.push_input(4, 1);
        let view = args.view(b"GET k");
        assert_eq!(
            (view.len(), view.arg(0), view.get(1), view.get(2)),
            (2, &b"GET"[..], Some(&b"k"[..]), None)
        );

        let args = args_of(&[b"SET", b"", b"v w"]);
        let words: Vec<_> = args.view(b"other bytes").iter().collect();
        assert_eq!(words, [&b"SET"[..], b"", b"v w"]);
    }

    #[test]
    fn a_tail_is_a_request_without_its_first_words() {
        let args = args_of(&[b"COMMAND", b"GETKEYS", b"GET", b"k"]);
        let request = args.view(b"");
        let words: Vec<_> = request.tail(2).iter().collect();
        assert_eq!(words, [&b"GET"[..], b"k"]);
        assert!(request.tail(4).is_empty() && request.tail(5).is_empty());
    }

    #[test]
    fn clear_forgets_the_request_and_gives_huge_memory_back() {
        let mut args = RequestArgs::new();
        for _ in 0..100_000 {
            args.push_input(0, 0);
        }
        args.clear();
        assert!(args.view(b"").is_empty());
        assert!(args.spans.capacity() <= ARGS_KEPT);

        let mut args = args_of(&[&vec![b'x'; 1 << 20]]);
        args.clear();
        assert!(args.scratch.capacity() <= SCRATCH_BYTES_KEPT);
        args.push_input(0, 2);
        assert_eq!(args.view(b"ab").arg(0), b"ab");
    }

    #[test]
    fn an_owned_request_outlives_its_input() {
        let mut args = RequestArgs::new();
        args.push_input(8, 4);
        args.push_input(18, 2);
        let frame = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n".to_vec();
        let copied = Request::from_ref(args.view(&frame));
        let framed = Request::from_frame(frame.into(), &args);
        for request in [
            copied,
            framed,
            Request::from_frame(Bytes::new(), &args_of(&[b"ECHO", b"hi"])),
        ] {
            assert_eq!(
                request.as_ref().iter().collect::<Vec<_>>(),
                [&b"ECHO"[..], b"hi"]
            );
        }
    }
}
