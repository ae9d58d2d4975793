//! `HELP` of every command that has subcommands: made from their specs.

use super::prelude::*;
use super::table;

/// Lists the subcommands of the container that `args` asks about, each with its syntax and what it does.
pub(crate) fn help(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let name = args.spec().name;
    args.finish()?;
    let container = name.split('|').next().unwrap_or(name);
    let lines = table::find_by_name(container.as_bytes()).map_or_else(Vec::new, lines);
    reply.array(lines.len());
    for line in lines {
        reply.simple(&line);
    }
    Ok(())
}

fn lines(container: &CommandSpec) -> Vec<String> {
    let mut lines = vec![format!(
        "{} <subcommand> [argument ...]. Subcommands are:",
        container.name
    )];
    if let Run::Group { alone: Some(_), .. } = container.run {
        lines.push("(no subcommand)".to_owned());
        lines.push(format!("    {}", container.summary));
    }
    for spec in container.subcommands() {
        let syntax = spec.syntax.split_once(' ').map_or("", |(_, rest)| rest);
        lines.push(syntax.to_owned());
        lines.push(format!("    {}", spec.summary));
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn help_shows_syntax_and_summary() {
        let reply = Shell::new().run("COMMAND HELP");
        assert!(reply.contains("|+COMMAND <subcommand> ["), "{reply}");
        assert!(reply.contains("|+COUNT|+    Returns "), "{reply}");
    }
}
