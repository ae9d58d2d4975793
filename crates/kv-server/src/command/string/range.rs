//! `GETRANGE key start end` (also `SUBSTR`), `SETRANGE key offset value`: a part of a string.

use std::ops::Range;

use kv_core::StringRef;
use kv_core::limits::STRING_BYTES_MAX;

use crate::command::prelude::*;

pub(super) const GETRANGE: CommandSpec = CommandSpec {
    name: "GETRANGE",
    group: Group::String,
    summary: "Returns the part of the string at a key from one byte to another, both included.",
    syntax: "GETRANGE key start end",
    complexity: "O(N) in the number of bytes returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(getrange),
};

pub(super) const SUBSTR: CommandSpec = CommandSpec {
    name: "SUBSTR",
    group: Group::String,
    summary: "Returns the part of the string at a key from one byte to another: the older name of `GETRANGE`.",
    syntax: "SUBSTR key start end",
    complexity: "O(N) in the number of bytes returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(getrange),
};

pub(super) const SETRANGE: CommandSpec = CommandSpec {
    name: "SETRANGE",
    group: Group::String,
    summary: "Overwrites a part of the string at a key, which grows as needed.",
    syntax: "SETRANGE key offset value",
    complexity: "O(N) in the length of the value",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::BOUNDED,
    run: Run::Write(setrange),
};

fn getrange(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (start, end) = (args.int()?, args.int()?);
    args.finish()?;
    match view.string(key)? {
        None => reply.bulk(b""),
        Some(StringRef::Shared(bytes)) => {
            reply.bulk_shared(bytes.slice(part(bytes.len(), start, end)));
        }
        Some(string) => {
            let mut digits = itoa::Buffer::new();
            let bytes = string.as_bytes(&mut digits);
            reply.bulk(&bytes[part(bytes.len(), start, end)]);
        }
    }
    Ok(())
}

/// The bytes from `start` to `end`, both included, of `length` bytes. Negative places count from the end; what
/// is outside is moved to the nearest byte inside, so that an end before the first byte still means that one.
fn part(length: usize, start: i64, end: i64) -> Range<usize> {
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let place = |place: i64| match usize::try_from(place) {
        Ok(place) => place,
        Err(_) => {
            let back = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
            length.saturating_sub(back)
        }
    };
    let start = place(start);
    let behind_end = place(end).saturating_add(1).min(length);
    start.min(behind_end)..behind_end
}

fn setrange(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let offset = usize::try_from(args.int()?).map_err(|_| CommandError::OFFSET)?;
    let patch = args.bytes()?;
    args.finish()?;
    let before = txn.string(key)?.map_or(0, |string| string.len());
    if patch.is_empty() {
        reply.int(before as i64);
        return Ok(());
    }
    let patch_end = offset
        .checked_add(patch.len())
        .filter(|end| *end <= STRING_BYTES_MAX)
        .ok_or(CommandError::STRING_TOO_LONG)?;
    txn.patch_string(key, offset, patch);
    txn.announce(key, event::SETRANGE);
    reply.int(before.max(patch_end) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::part;
    use crate::command::testing::Shell;

    #[test]
    fn parts_of_five_bytes() {
        for ((start, end), expected) in [
            ((0, 4), "hello"),
            ((0, -1), "hello"),
            ((1, 3), "ell"),
            ((-3, -2), "ll"),
            ((3, 100), "lo"),
            ((-100, 1), "he"),
            ((5, 10), ""),
            ((3, 1), ""),
            ((-1, -3), ""),
            ((0, -100), "h"),
            ((i64::MIN, i64::MAX), "hello"),
            ((i64::MAX, i64::MIN), ""),
        ] {
            assert_eq!(&"hello"[part(5, start, end)], expected, "{start} {end}");
        }
        assert_eq!(part(0, 0, -1), 0..0);
        assert_eq!(part(0, -5, 5), 0..0);
    }

    #[test]
    fn parts_of_numbers_and_of_nothing() {
        let shell = Shell::new();
        shell.run("SET n -1234");
        assert_eq!(shell.run("GETRANGE n 0 1"), "$2|-1|");
        assert_eq!(shell.run("GETRANGE none 0 -1"), "$0||");
        assert_eq!(
            shell.run("GETRANGE none a b"),
            "-ERR value is not an integer or out of range|"
        );
    }

    #[test]
    fn setrange_overwrites_and_grows() {
        let shell = Shell::new();
        shell.run("SET k hello PX 1000");
        assert_eq!(shell.run("SETRANGE k 3 p!!"), ":6|");
        assert_eq!(shell.run("GET k"), "$6|help!!|");
        assert_eq!(shell.run("PTTL k"), ":1000|");
        assert_eq!(shell.run("SETRANGE new 2 x"), ":3|");
        assert_eq!(shell.run("GET new"), "$3|\0\0x|");
        assert_eq!(shell.run("SETRANGE n 0 17"), ":2|");
        assert_eq!(shell.run("INCR n"), ":18|");
    }

    #[test]
    fn setrange_of_nothing_changes_nothing() {
        let shell = Shell::new();
        assert_eq!(shell.run("SETRANGE k 5 "), ":0|");
        assert_eq!(shell.run("EXISTS k"), ":0|");
        shell.run("SET k v");
        assert_eq!(shell.run("SETRANGE k 536870911 "), ":1|");
    }

    #[test]
    fn setrange_stays_inside_the_limits() {
        let shell = Shell::new();
        assert_eq!(shell.run("SETRANGE k -1 x"), "-ERR offset is out of range|");
        for offset in ["536870912", "9223372036854775807"] {
            assert_eq!(
                shell.run(&format!("SETRANGE k {offset} x")),
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)|"
            );
        }
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
