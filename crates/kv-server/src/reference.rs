//! The reference pages that are made from the program's own tables: `docs/commands.md` and `docs/config.md`.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::command::event;
use crate::command::spec::{CommandSpec, Compat, Group};
use crate::command::table;
use crate::config::names;
use crate::exit::Failure;
use crate::notify;

const GENERATED: &str =
    "<!-- Made from the tables in the code by `cargo xtask docs`; changes here are lost. -->\n";

/// Writes both pages into `dir`.
pub(crate) fn write(dir: &Path) -> Result<(), Failure> {
    for (name, text) in [("commands.md", commands()), ("config.md", config())] {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|error: io::Error| {
            Failure::new(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    Ok(())
}

fn commands() -> String {
    let mut page = format!("# Commands\n\n{GENERATED}\n");
    page.push_str(
        "What each command does, and how it compares with the one of the same name in Redis. Options and replies \
         are those of Redis where nothing else is said.\n",
    );
    for group in Group::ALL {
        let _ = writeln!(page, "\n## {}\n", group.name());
        page.push_str(
            "| command | what it does | cost | compared with Redis |\n|---|---|---|---|\n",
        );
        for spec in listed(group) {
            page.push_str(&command_row(spec));
        }
    }
    page.push_str(&events());
    page
}

/// The events of keys, by the letters of their classes.
fn events() -> String {
    let mut text = String::from(
        "\n## events of keys\n\nWhat is published when keys change, as `notify-keyspace-events` chooses: the letters \
         of classes, `A` for all but `n` and `m`; `K` publishes an event's name to `__keyspace@<db>__:<key>`, `E` \
         the key to `__keyevent@<db>__:<event>`, and one of the two is needed.\n\n| class | events |\n|---|---|\n",
    );
    for (letter, class) in notify::LETTERS {
        let names: Vec<_> = event::ALL
            .iter()
            .filter(|event| class.contains(event.class))
            .map(|event| format!("`{}`", event.name))
            .collect();
        if !names.is_empty() {
            let _ = writeln!(text, "| `{letter}` | {} |", names.join(", "));
        }
    }
    text
}

/// The commands of `group` by name, each followed by its subcommands.
fn listed(group: Group) -> Vec<&'static CommandSpec> {
    let mut specs: Vec<_> = table::commands()
        .filter(|spec| spec.group == group)
        .collect();
    specs.sort_by_key(|spec| spec.name);
    specs
        .into_iter()
        .flat_map(|spec| std::iter::once(spec).chain(spec.subcommands()))
        .collect()
}

fn command_row(spec: &CommandSpec) -> String {
    let compat = match spec.compat {
        Compat::Full => "the same",
        Compat::Differs(how) => how,
    };
    format!(
        "| `{}` | {} | {} | {} |\n",
        cell(spec.syntax),
        cell(spec.summary),
        cell(spec.complexity),
        cell(compat)
    )
}

fn config() -> String {
    let mut page = format!("# Configuration\n\n{GENERATED}\n");
    page.push_str(
        "## Command line\n\nWhat `kv-server` is started with.\n\n\
         | option | what it does | default |\n|---|---|---|\n",
    );
    for option in Cli::command().get_arguments() {
        if let Some(long) = option.get_long() {
            page.push_str(&option_row(long, option));
        }
    }
    page.push_str(
        "\n## Knobs\n\nWhat `CONFIG GET` shows and `CONFIG SET` changes while the server runs. A change lasts \
         until the server stops.\n\n| knob | what it does | default | can change |\n|---|---|---|---|\n",
    );
    for (name, knob) in names::all() {
        let changes = if knob.set.is_some() { "yes" } else { "no" };
        let doc = match name == knob.name {
            true => cell(knob.doc),
            false => format!("Another name of `{}`.", knob.name),
        };
        let default = cell(knob.default);
        let _ = writeln!(page, "| `{name}` | {doc} | `{default}` | {changes} |");
    }
    page
}

fn option_row(long: &str, option: &clap::Arg) -> String {
    let help = option
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let value = if option.get_action().takes_values() {
        let names = option.get_value_names().unwrap_or_default();
        names.iter().map(|name| format!(" {name}")).collect()
    } else {
        String::new()
    };
    let choices: Vec<String> = option
        .get_possible_values()
        .iter()
        .filter(|_| option.get_action().takes_values())
        .map(|choice| match choice.get_help() {
            Some(help) => format!("`{}`: {help}", choice.get_name()),
            None => format!("`{}`", choice.get_name()),
        })
        .collect();
    let choices = match choices.as_slice() {
        [] => String::new(),
        choices => format!(". {}", choices.join("; ")),
    };
    let default: Vec<_> = option
        .get_default_values()
        .iter()
        .filter(|_| option.get_action().takes_values())
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    format!(
        "| `--{long}{value}` | {}{} | {} |\n",
        cell(&help),
        cell(&choices),
        default.join(", ")
    )
}

/// `text` in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
