//! `BITPOS key bit [start [end [BYTE | BIT]]]`: the first bit of a kind.

use super::span::Span;
use crate::command::prelude::*;

pub(super) const BITPOS: CommandSpec = CommandSpec {
    name: "BITPOS",
    group: Group::Bitmap,
    summary: "Finds the first bit that is set, or the first that is not, in the string at a key or a part of it.",
    syntax: "BITPOS key bit [start [end [BYTE | BIT]]]",
    complexity: "O(N) in the length of the part",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(bitpos),
};

fn bitpos(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let wanted = match args.int()? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::err("The bit argument must be 1 or 0.")),
    };
    let span = Span::parse(args)?;
    let Some(string) = view.string(key)? else {
        reply.int(if wanted { -1 } else { 0 });
        return Ok(());
    };
    let mut digits = itoa::Buffer::new();
    let bytes = string.as_bytes(&mut digits);
    reply.int(match span.bits(bytes.len()) {
        None => -1,
        Some((from, to)) => match first(bytes, wanted, from, to) {
            Some(bit) => bit as i64,
            // A string whose end is not named goes on with zeros.
            None if !wanted && !span.has_end() => to as i64,
            None => -1,
        },
    });
    Ok(())
}

/// The first bit that is `wanted`, from `from` up to, not including, `to`.
fn first(bytes: &[u8], wanted: bool, from: usize, to: usize) -> Option<usize> {
    // Zeros are looked for as ones of the opposite.
    let flip = if wanted { 0 } else { 0xff };
    let head = (bytes[from / 8] ^ flip) & (0xff >> (from % 8));
    let bit = if head != 0 {
        from / 8 * 8 + head.leading_zeros() as usize
    } else {
        let behind = from / 8 + 1;
        let rest = bytes.get(behind..to.div_ceil(8))?;
        let at = rest.iter().position(|byte| *byte != flip)?;
        (behind + at) * 8 + (rest[at] ^ flip).leading_zeros() as usize
    };
    (bit < to).then_some(bit)
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn every_part_of_some_bytes() {
        let bytes = [0x00, 0x00, 0x24, 0xff, 0xff, 0xdb, 0x00, 0x01];
        let is_set = |bit: usize| bytes[bit / 8] & (0x80 >> (bit % 8)) != 0;
        for wanted in [false, true] {
            for from in 0..64 {
                for to in from + 1..=64 {
                    let expected = (from..to).find(|bit| is_set(*bit) == wanted);
                    assert_eq!(first(&bytes, wanted, from, to), expected, "{from} {to}");
                }
            }
        }
    }
}
