//! `PFADD key [element ...]`: adds elements to a sketch.

use super::sketch::Sketch;
use crate::command::prelude::*;

pub(super) const PFADD: CommandSpec = CommandSpec {
    name: "PFADD",
    group: Group::HyperLogLog,
    summary: "Adds elements to the HyperLogLog at a key, which is made if it is missing.",
    syntax: "PFADD key [element ...]",
    complexity: "O(1) per element",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST,
    run: Run::Write(pfadd),
};

fn pfadd(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let before = Sketch::at(txn, key)?;
    let mut changed = before.is_none();
    let mut sketch = before.clone().unwrap_or_else(|| Sketch::for_store(txn));
    for element in args.rest() {
        changed |= sketch.add(element)?;
    }
    if changed {
        sketch.outdate();
        sketch.store(txn, key, before.as_ref());
    }
    reply.int(i64::from(changed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_sketch_grows_from_runs_to_registers() {
        let shell = Shell::new();
        assert_eq!(shell.run("PFADD k"), ":1|");
        assert_eq!(shell.run("PFADD k"), ":0|");
        assert_eq!(shell.run("STRLEN k"), ":18|");
        shell.run("PEXPIRE k 1000");
        for number in 0..3_000 {
            shell.run(&format!("PFADD k {number}"));
        }
        assert_eq!(shell.run("STRLEN k"), ":12304|");
        assert_eq!(shell.run("PTTL k"), ":1000|");
        assert_eq!(shell.run("PFADD k 17"), ":0|");
        let count: f64 = shell
            .run("PFCOUNT k")
            .trim_matches([':', '|'])
            .parse()
            .unwrap();
        assert!((2_900.0..3_100.0).contains(&count), "{count}");
    }
}
