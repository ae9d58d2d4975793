//! `BITOP operation destkey key [key ...]`: combines strings bit by bit.

use bytes::Bytes;
use kv_core::StringValue;

use super::operation::Operation;
use crate::command::key_spec::Last;
use crate::command::prelude::*;

pub(super) const BITOP: CommandSpec = CommandSpec {
    name: "BITOP",
    group: Group::Bitmap,
    summary: "Combines the strings at several keys bit by bit and puts the outcome at another key.",
    syntax: "BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
    complexity: "O(N) in the length of the strings",
    since: "0.1.0",
    compat: Compat::Differs("`DIFF`, `DIFF1`, `ANDOR` and `ONE` are those of Redis 8.2."),
    arity: Arity::at_least(4),
    keys: Keys::Each(&[
        Keys::one(2, Access::UPDATE.union(Access::BLIND)),
        Keys::Range {
            first: 3,
            last: Last::End,
            step: 1,
            access: Access::READ,
        },
    ]),
    flags: Flags::NONE,
    run: Run::Write(bitop),
};

fn bitop(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let operation = Operation::parse(args.bytes()?)?;
    let destination = args.key()?;
    operation.check_sources(args.len())?;
    let mut sources = Vec::with_capacity(args.len());
    for key in args.rest() {
        let string = txn.string(key)?;
        sources.push(string.map_or_else(Bytes::new, |string| string.to_bytes()));
    }
    let combined = operation.combine(&sources);
    if !combined.is_empty() {
        txn.set_string(destination, StringValue::new(&combined), None);
        txn.announce(destination, event::SET);
    } else if txn.delete(destination) {
        txn.announce(destination, event::DEL);
    }
    reply.int(combined.len() as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_destination_may_be_a_source() {
        let shell = Shell::new();
        shell.run("MSET a abc b AB");
        assert_eq!(shell.run("BITOP OR a a b"), ":3|");
        assert_eq!(shell.run("GET a"), "$3|abc|");
        assert_eq!(shell.run("BITOP XOR a a b"), ":3|");
        assert_eq!(shell.run("GET a"), "$3|  c|");
        assert_eq!(shell.run("BITOP AND a none"), ":0|");
        assert_eq!(shell.run("EXISTS a"), ":0|");
    }
}
