//! `BITCOUNT key [start [end [BYTE | BIT]]]`: how many bits are set.

use super::span::Span;
use crate::command::prelude::*;

pub(super) const BITCOUNT: CommandSpec = CommandSpec {
    name: "BITCOUNT",
    group: Group::Bitmap,
    summary: "Counts the bits that are set in the string at a key, or in a part of it.",
    syntax: "BITCOUNT key [start [end [BYTE | BIT]]]",
    complexity: "O(N) in the length of the part",
    since: "0.1.0",
    compat: Compat::Differs("A start without an end is allowed, as in Valkey."),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(bitcount),
};

fn bitcount(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let span = Span::parse(args)?;
    let mut digits = itoa::Buffer::new();
    let string = view.string(key)?;
    let bytes = string.as_ref().map(|string| string.as_bytes(&mut digits));
    let bytes = bytes.unwrap_or_default();
    let counted = span.bits(bytes.len()).filter(|_| !span.is_backwards());
    reply.int(counted.map_or(0, |(from, to)| count(bytes, from, to)));
    Ok(())
}

/// How many of the bits from `from` up to, not including, `to` are set.
fn count(bytes: &[u8], from: usize, to: usize) -> i64 {
    let Some((&last, whole)) = bytes[from / 8..to.div_ceil(8)].split_last() else {
        return 0;
    };
    let before_first = bytes[from / 8] & !(0xff >> (from % 8));
    let behind_last = if to.is_multiple_of(8) {
        0
    } else {
        last & (0xff >> (to % 8))
    };
    let all = ones(whole) + i64::from(last.count_ones());
    all - i64::from(before_first.count_ones() + behind_last.count_ones())
}

fn ones(bytes: &[u8]) -> i64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words = words
        .iter()
        .map(|word| u64::from_le_bytes(*word).count_ones());
    let in_rest = rest.iter().map(|byte| byte.count_ones());
    in_words.chain(in_rest).map(i64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn every_part_of_some_bytes() {
        let bytes = [0xa5, 0xff, 0x00, 0x01, 0x80, 0x7e, 0x10, 0xfe, 0x33, 0x55];
        let is_set = |bit: usize| bytes[bit / 8] & (0x80 >> (bit % 8)) != 0;
        for from in 0..80 {
            for to in from + 1..=80 {
                let expected = (from..to).filter(|bit| is_set(*bit)).count() as i64;
                assert_eq!(count(&bytes, from, to), expected, "{from} {to}");
            }
        }
    }
}
