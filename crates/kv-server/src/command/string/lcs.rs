//! `LCS key1 key2 [option ...]`: the longest sequence of bytes that two strings have in common, in order but not
//! necessarily side by side.
//!
//! The lengths of all pairs of prefixes are computed row by row. Of each only one bit is kept: which of two
//! shorter pairs to go on with, on the way back that finds the bytes.

use bytes::Bytes;
use kv_core::{StoreError, StringRef};

use crate::command::key_spec::Last;
use crate::command::prelude::*;

pub(super) const LCS: CommandSpec = CommandSpec {
    name: "LCS",
    group: Group::String,
    summary: "Finds the longest sequence of bytes that the strings at two keys have in common.",
    syntax: "LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    complexity: "O(N*M) where N and M are the lengths of the strings",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::Range {
        first: 1,
        last: Last::Word(2),
        step: 1,
        access: Access::READ,
    },
    flags: Flags::NONE,
    run: Run::Read(lcs),
};

/// Most pairs of prefixes: so many that their lengths as numbers of 32 bits would fill the longest string.
const PAIRS_MAX: usize = kv_core::limits::STRING_BYTES_MAX / 4;

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    /// Only the length is asked for.
    length: bool,
    /// Where the bytes are is asked for.
    places: bool,
    /// The least length of a run of bytes that is shown.
    least: usize,
    /// Whether the lengths of these runs are shown.
    with_lengths: bool,
}

impl Options {
    fn parse(mut args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while args.len() > 0 {
            if args.eat(b"IDX") {
                options.places = true;
            } else if args.eat(b"LEN") {
                options.length = true;
            } else if args.eat(b"WITHMATCHLEN") {
                options.with_lengths = true;
            } else if args.eat(b"MINMATCHLEN") {
                // A number below 0 is as good as 0.
                options.least = usize::try_from(args.int()?).unwrap_or(0);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if options.places && options.length {
            return Err(CommandError::err(
                "If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

fn lcs(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let one = bytes_of(view.string(args.key()?))?;
    let other = bytes_of(view.string(args.key()?))?;
    let options = Options::parse(args)?;
    let pairs = (one.len() + 1).saturating_mul(other.len() + 1);
    if pairs > PAIRS_MAX {
        return Err(CommandError::err(
            "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    let mut way = Way::new(if options.length { 0 } else { pairs });
    let length = way.explore(&one, &other);
    if options.length {
        reply.int(length as i64);
        return Ok(());
    }
    let runs = way.back(&one, &other);
    if options.places {
        show_places(&runs, length, options, reply);
        return Ok(());
    }
    let mut common = Vec::with_capacity(length);
    for run in runs.iter().rev() {
        common.extend_from_slice(&one[run.in_one..run.in_one + run.length]);
    }
    reply.bulk(&common);
    Ok(())
}

fn bytes_of(string: Result<Option<StringRef<'_>>, StoreError>) -> Result<Bytes, CommandError> {
    let found =
        string.map_err(|_| CommandError::err("The specified keys must contain string values"))?;
    Ok(found.map_or_else(Bytes::new, |string| string.to_bytes()))
}

/// Bytes side by side, the same in both strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    in_one: usize,
    in_other: usize,
    length: usize,
}

fn show_places(runs: &[Stretch], length: usize, options: Options, reply: &mut Reply<'_>) {
    let shown = || runs.iter().filter(|run| run.length >= options.least);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(shown().count());
    for run in shown() {
        reply.array(2 + usize::from(options.with_lengths));
        for first in [run.in_one, run.in_other] {
            reply.array(2);
            reply.int(first as i64);
            reply.int((first + run.length - 1) as i64);
        }
        if options.with_lengths {
            reply.int(run.length as i64);
        }
    }
    reply.bulk(b"len");
    reply.int(length as i64);
}

/// For each pair of prefixes: whether leaving out the last byte of the first one keeps more than leaving out that
/// of the second one.
struct Way(Vec<u64>);

impl Way {
    /// Room for `pairs`; without, only lengths can be found.
    fn new(pairs: usize) -> Self {
        Self(vec![0; pairs.div_ceil(64)])
    }

    /// The length of the longest sequence, remembering the way to it if there is room.
    fn explore(&mut self, one: &[u8], other: &[u8]) -> usize {
        let columns = other.len() + 1;
        let (mut above, mut row) = (vec![0_u32; columns], vec![0_u32; columns]);
        for (index, byte) in one.iter().enumerate() {
            let mut left = 0;
            for (place, is_same) in other.iter().map(|last| last == byte).enumerate() {
                let up = above[place + 1];
                if up > left {
                    self.mark((index + 1) * columns + place + 1);
                }
                left = if is_same {
                    above[place] + 1
                } else {
                    up.max(left)
                };
                row[place + 1] = left;
            }
            std::mem::swap(&mut above, &mut row);
        }
        above.last().map_or(0, |length| *length as usize)
    }

    fn mark(&mut self, pair: usize) {
        if let Some(word) = self.0.get_mut(pair / 64) {
            *word |= 1 << (pair % 64);
        }
    }

    fn is_marked(&self, pair: usize) -> bool {
        self.0
            .get(pair / 64)
            .is_some_and(|word| word >> (pair % 64) & 1 == 1)
    }

    /// The runs of bytes in common, the last one first.
    fn back(&self, one: &[u8], other: &[u8]) -> Vec<Stretch> {
        let (mut in_one, mut in_other) = (one.len(), other.len());
        let mut runs: Vec<Stretch> = Vec::new();
        while in_one > 0 && in_other > 0 {
            if one[in_one - 1] == other[in_other - 1] {
                let goes_on = |run: &&mut Stretch| run.in_one == in_one && run.in_other == in_other;
                (in_one, in_other) = match runs.last_mut().filter(goes_on) {
                    Some(run) => {
                        run.length += 1;
                        (run.in_one, run.in_other) = (in_one - 1, in_other - 1);
                        (run.in_one, run.in_other)
                    }
                    None => {
                        runs.push(Stretch {
                            in_one: in_one - 1,
                            in_other: in_other - 1,
                            length: 1,
                        });
                        (in_one - 1, in_other - 1)
                    }
                };
            } else if self.is_marked(in_one * (other.len() + 1) + in_other) {
                in_one -= 1;
            } else {
                in_other -= 1;
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_bytes_in_common() {
        let shell = Shell::new();
        for (one, other, common) in [
            ("ohmytext", "mynewtext", "mytext"),
            ("abc", "xyz", ""),
            ("abc", "abc", "abc"),
            ("", "abc", ""),
            ("1234", "24", "24"),
        ] {
            shell.run_words(&[b"MSET", b"a", one.as_bytes(), b"b", other.as_bytes()]);
            let length = common.len();
            assert_eq!(shell.run("LCS a b"), format!("${length}|{common}|"));
            assert_eq!(shell.run("LCS a b LEN"), format!(":{length}|"));
        }
        assert_eq!(shell.run("LCS a none"), "$0||");
    }

    #[test]
    fn strings_whose_table_would_be_too_large_are_refused() {
        let shell = Shell::new();
        let long = vec![b'x'; 12_000];
        shell.run_words(&[b"MSET", b"a", &long, b"b", &long]);
        assert_eq!(
            shell.run("LCS a b"),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len|"
        );
    }
}
