//! `CLIENT HELP`.

use super::CLIENT_FLAGS;
use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const HELP: CommandSpec = CommandSpec {
    name: "CLIENT|HELP",
    group: Group::Connection,
    summary: "Lists the subcommands of CLIENT.",
    syntax: "CLIENT HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Pure(help),
};

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn help_lists_every_subcommand() {
        let lines = Shell::new().run("CLIENT HELP");
        assert!(lines.contains("+ID|"), "{lines}");
        assert!(lines.contains("+LIST [ID"), "{lines}");
    }
}
