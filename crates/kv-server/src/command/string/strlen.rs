//! `STRLEN key`: returns the length of the string at `key`.

use crate::command::prelude::*;

pub(super) const STRLEN: CommandSpec = CommandSpec {
    name: "STRLEN",
    group: Group::String,
    summary: "Returns the length of the string at a key, in bytes.",
    syntax: "STRLEN key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(strlen),
};

fn strlen(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let length = view.string(key)?.map_or(0, |string| string.len());
    reply.int(length as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_bytes() {
        let shell = Shell::new();
        assert_eq!(shell.run("STRLEN k"), ":0|");
        shell.run("SET k h\u{e9}llo");
        assert_eq!(shell.run("STRLEN k"), ":6|");
        shell.run("SET k -17");
        assert_eq!(shell.run("STRLEN k"), ":3|");
    }
}
