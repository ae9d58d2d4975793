//! `COMMAND LIST [FILTERBY ...]`: names commands.

use super::container::FLAGS;
use crate::command::category::Category;
use crate::command::glob;
use crate::command::prelude::*;
use crate::command::table;

pub(super) const LIST: CommandSpec = CommandSpec {
    name: "COMMAND|LIST",
    group: Group::Server,
    summary: "Returns the names of all commands, or of those that a filter lets through.",
    syntax: "COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    complexity: "O(N) in the number of commands",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(list),
};

/// Which commands are named.
#[derive(Clone, Copy, Debug)]
enum Filter<'r> {
    None,
    /// There are no modules, so none.
    Module,
    Category(&'r [u8]),
    Pattern(&'r [u8]),
}

impl<'r> Filter<'r> {
    fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        if args.len() == 0 {
            return Ok(Self::None);
        }
        if !args.eat(b"FILTERBY") {
            return Err(CommandError::SYNTAX);
        }
        let filter = if args.eat(b"MODULE") {
            args.bytes()?;
            Self::Module
        } else if args.eat(b"ACLCAT") {
            Self::Category(args.bytes()?)
        } else if args.eat(b"PATTERN") {
            Self::Pattern(args.bytes()?)
        } else {
            return Err(CommandError::SYNTAX);
        };
        args.finish()?;
        Ok(filter)
    }

    fn lets_through(self, spec: &CommandSpec) -> bool {
        match self {
            Self::None => true,
            Self::Module => false,
            Self::Category(name) => Category::of(spec)
                .any(|category| name.eq_ignore_ascii_case(category.name().as_bytes())),
            Self::Pattern(pattern) => glob::matches(pattern, spec.name.as_bytes()),
        }
    }
}

fn list(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let filter = Filter::parse(args)?;
    let names: Vec<_> = table::commands()
        .flat_map(|spec| std::iter::once(spec).chain(spec.subcommands()))
        .filter(|spec| filter.lets_through(spec))
        .map(|spec| spec.name.to_ascii_lowercase())
        .collect();
    reply.array(names.len());
    for name in names {
        reply.bulk(name.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn filters_choose_by_name_and_category() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("COMMAND LIST FILTERBY PATTERN mse?"),
            "*1|$4|mset|"
        );
        assert_eq!(
            shell.run("command list filterby pattern Command|C*"),
            "*1|$13|command|count|"
        );
        assert!(
            shell
                .run("COMMAND LIST FILTERBY ACLCAT String")
                .contains("|$3|get|")
        );
        assert_eq!(shell.run("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0|");
        assert_eq!(shell.run("COMMAND LIST FILTERBY MODULE m"), "*0|");
        assert!(shell.run("COMMAND LIST").contains("|$12|command|docs|"));
    }

    #[test]
    fn half_a_filter_is_a_syntax_error() {
        let shell = Shell::new();
        for words in [
            "x",
            "FILTERBY",
            "FILTERBY PATTERN",
            "FILTERBY X y",
            "FILTERBY PATTERN a b",
        ] {
            assert_eq!(
                shell.run(&format!("COMMAND LIST {words}")),
                "-ERR syntax error|"
            );
        }
    }
}
