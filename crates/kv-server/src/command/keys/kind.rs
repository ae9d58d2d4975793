//! `TYPE key`: returns the kind of value at `key`.

use kv_core::Kind;

use crate::command::prelude::*;

pub(super) const TYPE: CommandSpec = CommandSpec {
    name: "TYPE",
    group: Group::Keys,
    summary: "Returns the kind of value at a key.",
    syntax: "TYPE key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(kind),
};

fn kind(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.kind(view.kind(key).map(Kind::name));
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn names_the_kind() {
        let shell = Shell::new();
        assert_eq!(shell.run("TYPE k"), "+none|");
        shell.run("SET k 1");
        assert_eq!(shell.run("TYPE k"), "+string|");
    }

    #[test]
    fn plain_lines_say_null_for_none() {
        let shell = Shell::in_format(Format::Plain);
        assert_eq!(shell.run("TYPE k"), "NULL\n");
        shell.run("SET k v");
        assert_eq!(shell.run("TYPE k"), "string\n");
    }
}
