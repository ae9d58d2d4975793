//! `COMMAND`: describes every command; the container of what else can be asked about commands.

use super::{docs, getkeys, info, list};
use crate::command::help;
use crate::command::prelude::*;
use crate::command::table;

/// What all these commands are: they need nothing but the table.
pub(super) const FLAGS: Flags = Flags::LOADING.union(Flags::STALE);

pub(super) const COMMAND: CommandSpec = CommandSpec {
    name: "COMMAND",
    group: Group::Server,
    summary: "Describes every command.",
    syntax: "COMMAND",
    complexity: "O(N) in the number of commands",
    since: "0.1.0",
    compat: Compat::Differs(
        "Hints for proxies are not given. Names, flags and categories are those of this server's commands.",
    ),
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Group {
        alone: Some(info::all),
        subcommands: &[
            COUNT,
            docs::DOCS,
            getkeys::GETKEYS,
            getkeys::GETKEYSANDFLAGS,
            HELP,
            info::INFO,
            list::LIST,
        ],
    },
};

const COUNT: CommandSpec = CommandSpec {
    name: "COMMAND|COUNT",
    group: Group::Server,
    summary: "Returns how many commands there are, subcommands not counted.",
    syntax: "COMMAND COUNT",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(count),
};

const HELP: CommandSpec = CommandSpec {
    name: "COMMAND|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of this command.",
    syntax: "COMMAND HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The text is our own."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(help::help),
};

fn count(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    reply.int(table::commands().count() as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::table;
    use crate::command::testing::Shell;

    #[test]
    fn counts_the_table() {
        let count = table::commands().count();
        assert_eq!(Shell::new().run("COMMAND COUNT"), format!(":{count}|"));
    }

    #[test]
    fn other_words_are_no_subcommands() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("COMMAND nosuch x"),
            "-ERR unknown subcommand 'nosuch'. Try COMMAND HELP.|"
        );
        assert_eq!(
            shell.run("COMMAND COUNT x"),
            "-ERR wrong number of arguments for 'command|count' command|"
        );
    }
}
