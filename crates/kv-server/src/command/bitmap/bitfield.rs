//! `BITFIELD key operation ...`, `BITFIELD_RO key GET ...`: numbers of any width anywhere in a string.
//!
//! All operations are read before the first one is done, so that a mistake leaves nothing half done.

use std::ops::Range;

use kv_core::limits::STRING_BYTES_MAX;

use super::field::{Field, Overflow, Window};
use super::offset::{BitOffset, not_an_offset};
use crate::command::prelude::*;

pub(super) const BITFIELD: CommandSpec = CommandSpec {
    name: "BITFIELD",
    group: Group::Bitmap,
    summary: "Reads and changes numbers of any width anywhere in the string at a key.",
    syntax: "BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] \
             <SET encoding offset value | INCRBY encoding offset increment> ...]",
    complexity: "O(N) in the number of operations",
    since: "0.1.0",
    compat: Compat::Differs(
        "A write that begins in the last byte a string may have and ends behind it is an error.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::one(
        1,
        Access::READ.union(Access::UPDATE).union(Access::BY_OPTION),
    ),
    flags: Flags::NONE,
    run: Run::Write(bitfield),
};

pub(super) const BITFIELD_RO: CommandSpec = CommandSpec {
    name: "BITFIELD_RO",
    group: Group::Bitmap,
    summary: "Reads numbers of any width anywhere in the string at a key.",
    syntax: "BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]",
    complexity: "O(N) in the number of operations",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(bitfield_ro),
};

/// One operation.
#[derive(Clone, Debug)]
struct Step {
    field: Field,
    /// The bytes that the field touches.
    bytes: Range<usize>,
    /// How many bits stand before the field in the first of these.
    skip: u32,
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// Reads all words that are left.
fn parse(mut args: Args<'_>) -> Result<Vec<Step>, CommandError> {
    let mut overflow = Overflow::default();
    let mut steps = Vec::new();
    while args.len() > 0 {
        let verb: fn(i64, Overflow) -> Action = match (args.len(), args.peek().unwrap_or_default())
        {
            (3.., word) if word.eq_ignore_ascii_case(b"GET") => |_, _| Action::Get,
            (4.., word) if word.eq_ignore_ascii_case(b"SET") => Action::Set,
            (4.., word) if word.eq_ignore_ascii_case(b"INCRBY") => Action::Add,
            (2.., word) if word.eq_ignore_ascii_case(b"OVERFLOW") => {
                args.bytes()?;
                overflow = Overflow::parse(args.bytes()?)?;
                continue;
            }
            _ => return Err(CommandError::SYNTAX),
        };
        args.bytes()?;
        let field = Field::parse(args.bytes()?)?;
        let offset = BitOffset::parse_field(args.bytes()?, field.width)?;
        let number = match verb(0, overflow) {
            Action::Get => 0,
            Action::Set(..) | Action::Add(..) => args.int()?,
        };
        let (bytes, action) = (offset.bytes_of(field.width), verb(number, overflow));
        if action != Action::Get && bytes.end > STRING_BYTES_MAX {
            return Err(not_an_offset());
        }
        steps.push(Step {
            field,
            bytes,
            skip: offset.bits_before(),
            action,
        });
    }
    Ok(steps)
}

fn bitfield(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let steps = parse(args)?;
    let length = txn.string(key)?.map_or(0, |string| string.len());
    let effects = txn.effects();
    let writes = steps.iter().filter(|step| step.action != Action::Get);
    if let Some(end) = writes.map(|step| step.bytes.end).max()
        && end > length
    {
        // The string grows even if no number fits.
        txn.patch_string(key, end - 1, &[0]);
    }
    reply.array(steps.len());
    for step in &steps {
        let window = window(txn, key, step)?;
        let before = step.field.read(window, step.skip);
        let (after, shown) = match step.action {
            Action::Get => (None, Some(before)),
            Action::Set(number, overflow) => {
                let after = step.field.fit(step.field.given(number), overflow);
                (after, after.map(|_| before))
            }
            Action::Add(number, overflow) => {
                let sum = i128::from(before) + i128::from(number);
                let after = step.field.fit(sum, overflow);
                (after, after)
            }
        };
        if let Some(after) = after.filter(|after| *after != before) {
            let changed = step.field.write(window, step.skip, after).bytes();
            txn.patch_string(key, step.bytes.start, &changed[..step.bytes.len()]);
        }
        match shown {
            Some(number) => reply.int(number),
            None => reply.null(),
        }
    }
    if txn.effects() > effects {
        txn.announce(key, event::SETBIT);
    }
    Ok(())
}

fn bitfield_ro(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let steps = parse(args)?;
    if steps.iter().any(|step| step.action != Action::Get) {
        return Err(CommandError::err(
            "BITFIELD_RO only supports the GET subcommand",
        ));
    }
    view.string(key)?;
    reply.array(steps.len());
    for step in &steps {
        let window = window(view, key, step)?;
        reply.int(step.field.read(window, step.skip));
    }
    Ok(())
}

/// The bytes of `key` that `step` touches.
fn window(view: &mut View<'_>, key: &[u8], step: &Step) -> Result<Window, CommandError> {
    let mut digits = itoa::Buffer::new();
    let string = view.string(key)?;
    let bytes = string.as_ref().map(|string| string.as_bytes(&mut digits));
    let bytes = bytes.unwrap_or_default();
    let end = step.bytes.end.min(bytes.len());
    Ok(Window::new(
        bytes.get(step.bytes.start..end).unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn operations_see_what_those_before_them_did() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("BITFIELD k SET u8 4 255 GET u16 0 INCRBY u8 4 1 GET u16 0"),
            "*4|:0|:4080|:0|:0|"
        );
        assert_eq!(shell.run("STRLEN k"), ":2|");
        assert_eq!(
            shell.run("BITFIELD k OVERFLOW SAT INCRBY i8 #1 200 OVERFLOW FAIL INCRBY i8 #1 1"),
            "*2|:127|$-1|"
        );
    }

    #[test]
    fn the_string_grows_once_and_to_the_end_of_the_last_write() {
        let shell = Shell::new();
        assert_eq!(shell.run("BITFIELD k GET u8 100"), "*1|:0|");
        assert_eq!(shell.run("EXISTS k"), ":0|");
        assert_eq!(
            shell.run("BITFIELD k OVERFLOW FAIL SET u8 16 300"),
            "*1|$-1|"
        );
        assert_eq!(shell.run("STRLEN k"), ":3|");
        assert_eq!(
            shell.run("BITFIELD k SET u8 4294967292 1"),
            "-ERR bit offset is not an integer or out of range|"
        );
    }
}
