//! `ECHO message`: says what it is told.

use crate::command::prelude::*;

pub(super) const ECHO: CommandSpec = CommandSpec {
    name: "ECHO",
    group: Group::Connection,
    summary: "Returns the message.",
    syntax: "ECHO message",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::FAST,
    run: Run::Pure(echo),
};

fn echo(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.bulk(args.bytes()?);
    args.finish()
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn echo_says_what_it_is_told() {
        assert_eq!(Shell::new().run("ECHO hello"), "$5|hello|");
    }
}
