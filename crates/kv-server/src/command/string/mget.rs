//! `MGET key [key ...]`: returns several strings as of one moment.

use kv_core::ValueRef;

use super::show;
use crate::command::prelude::*;

pub(super) const MGET: CommandSpec = CommandSpec {
    name: "MGET",
    group: Group::String,
    summary: "Returns the strings at several keys, all as of one moment.",
    syntax: "MGET key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(mget),
};

fn mget(view: &mut View<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let keys = args.rest();
    reply.array(keys.len());
    for key in keys {
        match view.value(key) {
            Some(ValueRef::String(string)) => show::string(reply, Some(string)),
            _ => reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn answers_in_the_order_asked() {
        let shell = Shell::new();
        shell.run("MSET a 1 b two");
        assert_eq!(shell.run("MGET b none a b"), "*4|$3|two|$-1|$1|1|$3|two|");
    }
}
