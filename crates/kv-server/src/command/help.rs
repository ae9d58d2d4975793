//! `<container> HELP`, for every command that has subcommands.

use super::prelude::*;
use super::table;

/// Lists the subcommands beside the one that is asked, from their specs.
pub(super) fn help(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    let name = args.spec().name;
    let container = name.split('|').next().unwrap_or(name);
    let subcommands =
        table::find_by_name(container.as_bytes()).map_or(&[][..], CommandSpec::subcommands);
    reply.array(1 + 2 * subcommands.len());
    reply.simple(&format!(
        "{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    ));
    for spec in subcommands {
        let syntax = spec.syntax.strip_prefix(container).unwrap_or(spec.syntax);
        reply.simple(syntax.trim_start());
        reply.simple(&format!("    {}", spec.summary));
    }
    Ok(())
}
