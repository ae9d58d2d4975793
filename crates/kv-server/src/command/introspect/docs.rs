//! `COMMAND DOCS [command-name ...]`: documents commands for people, through the tools they use.

use super::container::FLAGS;
use super::syntax::{self, Argument, Form};
use crate::command::prelude::*;
use crate::command::table;

pub(super) const DOCS: CommandSpec = CommandSpec {
    name: "COMMAND|DOCS",
    group: Group::Server,
    summary: "Documents the named commands, or every command.",
    syntax: "COMMAND DOCS [command-name ...]",
    complexity: "O(N) in the number of commands documented",
    since: "0.1.0",
    compat: Compat::Differs(
        "The words are our own, `since` is a version of this server, and there is no history.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(docs),
};

fn docs(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let specs: Vec<&CommandSpec> = match args.len() {
        0 => table::commands().collect(),
        _ => args.rest().filter_map(table::find_by_name).collect(),
    };
    document(&specs, reply);
    Ok(())
}

fn document(specs: &[&CommandSpec], reply: &mut Reply<'_>) {
    reply.map(specs.len());
    for spec in specs {
        let arguments = syntax::parse(spec);
        let subcommands: Vec<_> = spec.subcommands().iter().collect();
        reply.bulk(spec.name.to_ascii_lowercase().as_bytes());
        reply.map(4 + usize::from(!arguments.is_empty()) + usize::from(!subcommands.is_empty()));
        text("summary", spec.summary, reply);
        text("since", spec.since, reply);
        text("group", spec.group.name(), reply);
        text("complexity", spec.complexity, reply);
        if !arguments.is_empty() {
            reply.bulk(b"arguments");
            list(&arguments, reply);
        }
        if !subcommands.is_empty() {
            reply.bulk(b"subcommands");
            document(&subcommands, reply);
        }
    }
}

fn text(name: &str, value: &str, reply: &mut Reply<'_>) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}

fn list(arguments: &[Argument], reply: &mut Reply<'_>) {
    reply.array(arguments.len());
    for argument in arguments {
        describe(argument, reply);
    }
}

fn describe(argument: &Argument, reply: &mut Reply<'_>) {
    let parts = match &argument.form {
        Form::Token | Form::Word(_) => None,
        Form::Choice(parts) | Form::Block(parts) => Some(parts),
    };
    let kind = argument.kind();
    let flags = [
        (argument.optional, "optional"),
        (argument.repeated, "multiple"),
        (argument.token_repeated, "multiple_token"),
    ];
    let flags: Vec<_> = flags.iter().filter(|(holds, _)| *holds).collect();
    // The name and the type, and what holds of this one.
    let fields = 2
        + usize::from(parts.is_none())
        + usize::from(kind == "key")
        + usize::from(argument.token.is_some())
        + usize::from(!flags.is_empty())
        + usize::from(parts.is_some());

    reply.map(fields);
    text("name", &argument.name(), reply);
    text("type", kind, reply);
    if parts.is_none() {
        text("display_text", &argument.name(), reply);
    }
    if kind == "key" {
        reply.bulk(b"key_spec_index");
        reply.int(0);
    }
    if let Some(token) = argument.token {
        text("token", token, reply);
    }
    if !flags.is_empty() {
        reply.bulk(b"flags");
        reply.set(flags.len());
        flags.iter().for_each(|(_, word)| reply.simple(word));
    }
    if let Some(parts) = parts {
        reply.bulk(b"arguments");
        list(parts, reply);
    }
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn documents_a_command_in_both_protocols() {
        let body = "$7|summary|$34|Returns the string value of a key.|$5|since|$5|0.1.0|\
                    $5|group|$6|string|$10|complexity|$4|O(1)|$9|arguments|*1|";
        let argument =
            "$4|name|$3|key|$4|type|$3|key|$12|display_text|$3|key|$14|key_spec_index|:0|";
        assert_eq!(
            Shell::in_format(Format::Resp3).run("COMMAND DOCS GET nosuch"),
            format!("%1|$3|get|%5|{body}%4|{argument}")
        );
        assert_eq!(
            Shell::new().run("COMMAND DOCS GET nosuch"),
            format!("*2|$3|get|*10|{body}*8|{argument}")
        );
    }

    #[test]
    fn documents_options_and_subcommands() {
        let shell = Shell::in_format(Format::Resp3);
        let reply = shell.run("COMMAND DOCS expire");
        let nx = "%4|$4|name|$2|nx|$4|type|$10|pure-token|$12|display_text|$2|nx|$5|token|$2|NX|";
        assert!(reply.contains("$4|type|$5|oneof|$5|flags|~1|+optional|$9|arguments|*4|"));
        assert!(reply.contains(nx), "{reply}");

        let reply = shell.run("COMMAND DOCS command");
        assert!(
            reply.contains("$11|subcommands|%7|$13|command|count|%4|"),
            "{reply}"
        );
        assert_eq!(shell.run("COMMAND DOCS nosuch"), "%0|");
    }
}
