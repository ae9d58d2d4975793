//! `PFDEBUG`, `PFSELFTEST`: how a sketch is kept, and whether sketches count well, for tests.

use super::sketch::Sketch;
use crate::command::prelude::*;

pub(super) const PFDEBUG: CommandSpec = CommandSpec {
    name: "PFDEBUG",
    group: Group::HyperLogLog,
    summary: "Shows or changes how the HyperLogLog at a key is kept.",
    syntax: "PFDEBUG <ENCODING | GETREG | SIMD | TODENSE> key",
    complexity: "O(1), though with a large constant",
    since: "0.2.0",
    compat: Compat::Differs(
        "There is no DECODE, and SIMD, which has ON or OFF in the place of the key, changes nothing.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::READ.union(Access::UPDATE)),
    flags: Flags::ADMIN.union(Flags::DANGEROUS),
    run: Run::Write(pfdebug),
};

pub(super) const PFSELFTEST: CommandSpec = CommandSpec {
    name: "PFSELFTEST",
    group: Group::HyperLogLog,
    summary: "Tries whether HyperLogLogs count well in each of the ways in which they are kept.",
    syntax: "PFSELFTEST",
    complexity: "O(N) where N is some thousand elements",
    since: "0.2.0",
    compat: Compat::Differs("The errors are other ones, and there should be none."),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::ADMIN.union(Flags::DANGEROUS),
    run: Run::Pure(pfselftest),
};

fn pfdebug(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let subcommand = args.bytes()?;
    let key = args.key()?;
    args.finish()?;
    if subcommand.eq_ignore_ascii_case(b"SIMD") {
        return match key.eq_ignore_ascii_case(b"ON") || key.eq_ignore_ascii_case(b"OFF") {
            true => {
                reply.ok();
                Ok(())
            }
            false => Err(CommandError::SYNTAX),
        };
    }
    let before = Sketch::at(txn, key)?
        .ok_or_else(|| CommandError::err("The specified key does not exist"))?;
    match subcommand.to_ascii_uppercase().as_slice() {
        b"ENCODING" => reply.simple(if before.is_dense() { "dense" } else { "sparse" }),
        b"GETREG" => {
            let registers = before.registers()?;
            reply.array(registers.len());
            registers.values().for_each(|value| reply.int(value.into()));
        }
        b"TODENSE" => {
            let mut dense = before.clone();
            dense.make_dense()?;
            if !before.is_dense() {
                dense.store(txn, key, Some(&before));
            }
            reply.int(i64::from(!before.is_dense()));
        }
        _ => {
            let subcommand = subcommand.escape_ascii();
            return Err(CommandError::err(format!(
                "Unknown PFDEBUG subcommand '{subcommand}'"
            )));
        }
    }
    Ok(())
}

/// How many elements are counted, each time that they have become ten times as many.
const ELEMENTS_MAX: u64 = 100_000;

/// By how much an estimate may be off, as a share of what it estimates: six times what is usual.
const ERROR_MAX: f64 = 0.05;

fn pfselftest(_args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let mut sparse = Sketch::new(3000);
    let mut dense = Sketch::new(3000);
    dense.make_dense()?;
    let mut next = 1;
    for element in 1..=ELEMENTS_MAX {
        sparse.add(&element.to_le_bytes())?;
        dense.add(&element.to_le_bytes())?;
        if element == next {
            next *= 10;
            check(element, sparse.estimate()?, dense.estimate()?)?;
        }
    }
    reply.ok();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "they are small")]
fn check(elements: u64, sparse: u64, dense: u64) -> Outcome {
    if sparse != dense {
        return Err(CommandError::err(format!(
            "TESTFAILED of {elements} elements one sketch counts {sparse}, another {dense}"
        )));
    }
    let error = (sparse as f64 - elements as f64).abs() / elements as f64;
    match error <= ERROR_MAX {
        true => Ok(()),
        false => Err(CommandError::err(format!(
            "TESTFAILED {elements} elements are counted as {sparse}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_sketch_can_be_made_dense() {
        let shell = Shell::new();
        shell.run("PFADD k a b");
        assert_eq!(shell.run("PFDEBUG encoding k"), "+sparse|");
        assert_eq!(shell.run("PFDEBUG todense k"), ":1|");
        assert_eq!(shell.run("PFDEBUG todense k"), ":0|");
        assert_eq!(shell.run("PFDEBUG encoding k"), "+dense|");
        assert_eq!(shell.run("PFCOUNT k"), ":2|");
        assert!(shell.run("PFDEBUG getreg k").starts_with("*16384|"));
        assert_eq!(shell.run("PFSELFTEST"), "+OK|");
    }
}
