//! `PFMERGE destkey [sourcekey ...]`: a sketch of all that others have seen.

use super::registers::Registers;
use super::sketch::Sketch;
use crate::command::key_spec::Last;
use crate::command::prelude::*;

pub(super) const PFMERGE: CommandSpec = CommandSpec {
    name: "PFMERGE",
    group: Group::HyperLogLog,
    summary: "Merges HyperLogLogs into the one at a key, which is made if it is missing.",
    syntax: "PFMERGE destkey [sourcekey ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ.union(Access::INSERT)),
        Keys::Range {
            first: 2,
            last: Last::End,
            step: 1,
            access: Access::READ,
        },
    ]),
    flags: Flags::NONE,
    run: Run::Write(pfmerge),
};

fn pfmerge(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let destination = args.peek().ok_or(CommandError::SYNTAX)?;
    let mut registers = Registers::new();
    let mut dense = false;
    for key in args.rest() {
        if let Some(sketch) = Sketch::at(txn, key)? {
            dense |= sketch.is_dense();
            sketch.merge_into(&mut registers)?;
        }
    }
    let before = Sketch::at(txn, destination)?;
    let mut merged = before.clone().unwrap_or_else(|| Sketch::for_store(txn));
    if dense {
        merged.make_dense()?;
    }
    for (index, value) in registers.filled() {
        merged.raise(index, value)?;
    }
    merged.outdate();
    merged.store(txn, destination, before.as_ref());
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_merge_counts_the_union() {
        let shell = Shell::new();
        shell.run("PFADD a 1 2 3");
        shell.run("PFADD b 3 4");
        assert_eq!(shell.run("PFMERGE a b none"), "+OK|");
        assert_eq!(shell.run("PFCOUNT a"), ":4|");
        assert_eq!(shell.run("PFMERGE new"), "+OK|");
        assert_eq!(shell.run("PFCOUNT new"), ":0|");
        shell.run("SET s text");
        assert_eq!(
            shell.run("PFMERGE new a s"),
            "-WRONGTYPE Key is not a valid HyperLogLog string value.|"
        );
        assert_eq!(shell.run("PFCOUNT new"), ":0|");
    }
}
