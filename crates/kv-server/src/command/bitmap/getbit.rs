//! `GETBIT key offset`, `SETBIT key offset value`: one bit.

use super::offset::BitOffset;
use crate::command::prelude::*;

pub(super) const GETBIT: CommandSpec = CommandSpec {
    name: "GETBIT",
    group: Group::Bitmap,
    summary: "Returns one bit of the string at a key; beyond its end all bits are 0.",
    syntax: "GETBIT key offset",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(getbit),
};

pub(super) const SETBIT: CommandSpec = CommandSpec {
    name: "SETBIT",
    group: Group::Bitmap,
    summary: "Sets or clears one bit of the string at a key, which grows as needed; returns what it was before.",
    syntax: "SETBIT key offset value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::BOUNDED,
    run: Run::Write(setbit),
};

/// The byte of `key` at a place; `None` beyond the end.
fn byte_at(view: &mut View<'_>, key: &[u8], place: usize) -> Result<Option<u8>, CommandError> {
    let mut digits = itoa::Buffer::new();
    let string = view.string(key)?;
    let bytes = string.as_ref().map(|string| string.as_bytes(&mut digits));
    Ok(bytes.and_then(|bytes| bytes.get(place)).copied())
}

fn getbit(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let offset = BitOffset::parse(args.bytes()?)?;
    args.finish()?;
    let byte = byte_at(view, key, offset.byte())?.unwrap_or(0);
    reply.int(i64::from(byte & mask(offset) != 0));
    Ok(())
}

fn setbit(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let offset = BitOffset::parse(args.bytes()?)?;
    let on = match args.int() {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(CommandError::err("bit is not an integer or out of range")),
    };
    args.finish()?;
    let there = byte_at(txn, key, offset.byte())?;
    let before = there.unwrap_or(0);
    let after = if on {
        before | mask(offset)
    } else {
        before & !mask(offset)
    };
    if there != Some(after) {
        txn.patch_string(key, offset.byte(), &[after]);
        txn.announce(key, event::SETBIT);
    }
    reply.int(i64::from(before & mask(offset) != 0));
    Ok(())
}

fn mask(offset: BitOffset) -> u8 {
    0x80 >> offset.bits_before()
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn bits_count_from_the_highest_of_the_first_byte() {
        let shell = Shell::new();
        assert_eq!(shell.run("SETBIT k 1 1"), ":0|");
        assert_eq!(shell.run("SETBIT k 7 1"), ":0|");
        assert_eq!(shell.run("SETBIT k 1 1"), ":1|");
        assert_eq!(shell.run("GET k"), "$1|A|");
        assert_eq!(shell.run("GETBIT k 7"), ":1|");
        assert_eq!(shell.run("GETBIT k 8"), ":0|");
        assert_eq!(shell.run("SETBIT k 7 0"), ":1|");
        assert_eq!(shell.run("GET k"), "$1|@|");
    }

    #[test]
    fn a_bit_makes_a_number_of_digits() {
        let shell = Shell::new();
        shell.run("SET n 1 PX 1000");
        assert_eq!(shell.run("SETBIT n 6 1"), ":0|");
        assert_eq!(shell.run("INCR n"), ":4|");
        assert_eq!(shell.run("PTTL n"), ":1000|");
    }

    #[test]
    fn the_last_bit_of_all() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("SETBIT k 4294967296 1"),
            "-ERR bit offset is not an integer or out of range|"
        );
        assert_eq!(shell.run("EXISTS k"), ":0|");
        assert_eq!(shell.run("GETBIT k 4294967295"), ":0|");
    }
}
