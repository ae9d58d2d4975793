//! `PFCOUNT key [key ...]`: about how many distinct elements there are.

use super::estimate::estimate;
use super::registers::Registers;
use super::sketch::Sketch;
use crate::command::prelude::*;

pub(super) const PFCOUNT: CommandSpec = CommandSpec {
    name: "PFCOUNT",
    group: Group::HyperLogLog,
    summary: "Estimates how many distinct elements the HyperLogLogs at some keys have seen together.",
    syntax: "PFCOUNT key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Differs(
        "The estimate is not written into the string, so that this only reads.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::READ),
    flags: Flags::PAUSED_LIKE_WRITES,
    run: Run::Read(pfcount),
};

fn pfcount(view: &mut View<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let asked = args.len();
    let mut registers = Registers::new();
    let mut estimated = 0;
    for key in args.rest() {
        let Some(sketch) = Sketch::at(view, key)? else {
            continue;
        };
        if asked == 1 {
            estimated = sketch.estimate()?;
        } else {
            sketch.merge_into(&mut registers)?;
        }
    }
    if asked > 1 {
        estimated = estimate(&registers.histogram());
    }
    reply.int(i64::try_from(estimated).unwrap_or(i64::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_the_union() {
        let shell = Shell::new();
        shell.run("PFADD a 1 2 3");
        shell.run("PFADD b 3 4");
        assert_eq!(shell.run("PFCOUNT a"), ":3|");
        assert_eq!(shell.run("PFCOUNT a b none"), ":4|");
        assert_eq!(shell.run("PFCOUNT none"), ":0|");
        assert_eq!(shell.run("PFCOUNT none nothing"), ":0|");
    }
}
