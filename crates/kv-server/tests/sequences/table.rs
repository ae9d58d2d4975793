//! The command table of a server as it tells it itself, by `COMMAND` and `COMMAND DOCS`.
//!
//! Of our own server that is the table's `syntax`, read by the same code that serves the tools.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::script_runner::client::Client;
use crate::script_runner::reply::Reply;

/// Commands by name, subcommands as `OBJECT|ENCODING`; containers are not among them.
pub(crate) type Table = BTreeMap<String, Command>;

/// One command or subcommand.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// In upper case, with `|` before a subcommand.
    pub(crate) name: String,
    /// What it is listed under, as in `sorted-set`.
    pub(crate) group: String,
    pub(crate) arguments: Vec<Argument>,
    /// What `COMMAND` says of it: `write`, `admin`, `blocking`.
    pub(crate) flags: BTreeSet<String>,
    /// What it tells proxies: `nondeterministic_output` and the like.
    pub(crate) tips: BTreeSet<String>,
    /// Whether any of its words is a key.
    pub(crate) has_keys: bool,
}

/// One argument of a command.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) form: Form,
    /// The word that stands before it, or is all of it.
    pub(crate) token: Option<String>,
    pub(crate) optional: bool,
    pub(crate) repeated: bool,
    /// Whether the token is repeated with the value.
    pub(crate) token_repeated: bool,
}

/// What an argument is made of.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Token,
    Key,
    Value,
    Choice(Vec<Argument>),
    Block(Vec<Argument>),
}

impl Command {
    /// The words that every request for it begins with.
    pub(crate) fn name_words(&self) -> Vec<Vec<u8>> {
        let parts = self.name.split('|');
        parts.map(|part| part.as_bytes().to_vec()).collect()
    }

    /// Whether it can change data.
    pub(crate) fn writes(&self) -> bool {
        self.flags.contains("write")
    }
}

/// Asks a server for its table.
///
/// # Errors
///
/// It does not answer, or not in the form that Redis gives the two replies.
pub(crate) fn read(client: &mut Client) -> Result<Table> {
    client.call(&["HELLO", "3"])?;
    let docs = client
        .call(&["COMMAND", "DOCS"])?
        .context("COMMAND DOCS closed the connection")?;
    let infos = client
        .call(&["COMMAND"])?
        .context("COMMAND closed the connection")?;
    let mut table = Table::new();
    add_docs(&docs, &mut table)?;
    add_infos(&infos, &mut table)?;
    ensure!(!table.is_empty(), "the server has no commands");
    Ok(table)
}

/// What both tables have, as `ours` tells it, without the options that `theirs` does not have; hints are theirs.
pub(crate) fn common(ours: &Table, theirs: &Table) -> Table {
    let both = ours.iter().filter_map(|(name, command)| {
        let other = theirs.get(name)?;
        let mut tokens = BTreeMap::new();
        tokens_of(&other.arguments, &mut tokens);
        let arguments = command.arguments.iter().map(|own| prune(own, &tokens));
        let mut command = Command {
            arguments: arguments.collect::<Option<Vec<_>>>()?,
            tips: other.tips.clone(),
            ..command.clone()
        };
        command.flags.extend(other.flags.iter().cloned());
        drop_impossible(&mut command.arguments);
        Some((name.clone(), command))
    });
    both.collect()
}

/// Collects each token and whether it is repeated with its value.
fn tokens_of(arguments: &[Argument], found: &mut BTreeMap<String, bool>) {
    for argument in arguments {
        if let Some(token) = &argument.token {
            found.insert(token.to_ascii_uppercase(), argument.token_repeated);
        }
        if let Form::Choice(parts) | Form::Block(parts) = &argument.form {
            tokens_of(parts, found);
        }
    }
}

/// The argument without what needs a token that is not in `tokens`. An optional one may come back as a choice of
/// nothing; `None` when it cannot be given at all and must be.
fn prune(argument: &Argument, tokens: &BTreeMap<String, bool>) -> Option<Argument> {
    let impossible = || {
        argument.optional.then(|| Argument {
            form: Form::Choice(Vec::new()),
            ..argument.clone()
        })
    };
    let mut pruned = argument.clone();
    if let Some(token) = &argument.token {
        match tokens.get(&token.to_ascii_uppercase()) {
            None => return impossible(),
            Some(repeated) => pruned.token_repeated |= repeated,
        }
    }
    match &argument.form {
        Form::Choice(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .filter_map(|part| prune(part, tokens))
                .filter(|part| !matches!(&part.form, Form::Choice(parts) if parts.is_empty()))
                .collect();
            if parts.is_empty() {
                return impossible();
            }
            pruned.form = Form::Choice(parts);
        }
        Form::Block(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| prune(part, tokens)).collect();
            match parts {
                None => return impossible(),
                Some(mut parts) => {
                    drop_impossible(&mut parts);
                    pruned.form = Form::Block(parts);
                }
            }
        }
        Form::Token | Form::Key | Form::Value => {}
    }
    Some(pruned)
}

fn drop_impossible(arguments: &mut Vec<Argument>) {
    arguments.retain(|one| !matches!(&one.form, Form::Choice(parts) if parts.is_empty()));
}

fn add_docs(docs: &Reply, table: &mut Table) -> Result<()> {
    for (name, doc) in pairs(docs)? {
        let name = text(name)?.to_ascii_uppercase();
        if let Some(subcommands) = field(doc, "subcommands")? {
            add_docs(subcommands, table)?;
            continue;
        }
        let arguments = match field(doc, "arguments")? {
            Some(list) => elements(list)?
                .iter()
                .map(argument)
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        let group = field(doc, "group")?.context("a command without group")?;
        let command = Command {
            name: name.clone(),
            group: text(group)?,
            arguments,
            flags: BTreeSet::new(),
            tips: BTreeSet::new(),
            has_keys: false,
        };
        table.insert(name, command);
    }
    Ok(())
}

fn argument(doc: &Reply) -> Result<Argument> {
    let name = field(doc, "name")?.context("an argument without name")?;
    let kind = text(field(doc, "type")?.context("an argument without type")?)?;
    let parts = || match field(doc, "arguments")? {
        Some(list) => elements(list)?.iter().map(argument).collect(),
        None => Ok(Vec::new()),
    };
    let flags = match field(doc, "flags")? {
        Some(flags) => texts(flags)?,
        None => BTreeSet::new(),
    };
    Ok(Argument {
        name: text(name)?.to_ascii_lowercase(),
        form: match kind.as_str() {
            "pure-token" => Form::Token,
            "key" => Form::Key,
            "oneof" => Form::Choice(parts()?),
            "block" => Form::Block(parts()?),
            _ => Form::Value,
        },
        token: field(doc, "token")?.map(text).transpose()?,
        optional: flags.contains("optional"),
        repeated: flags.contains("multiple"),
        token_repeated: flags.contains("multiple_token"),
    })
}

/// Adds flags and hints to the commands that are there.
fn add_infos(infos: &Reply, table: &mut Table) -> Result<()> {
    for info in elements(infos)? {
        let parts = elements(info)?;
        ensure!(parts.len() >= 10, "a command of {} parts", parts.len());
        let name = text(&parts[0])?.to_ascii_uppercase();
        if let Some(command) = table.get_mut(&name) {
            command.flags = texts(&parts[2])?;
            command.tips = texts(&parts[7])?;
            command.has_keys = !elements(&parts[8])?.is_empty();
        }
        add_infos(&parts[9], table)?;
    }
    Ok(())
}

fn field<'r>(map: &'r Reply, name: &str) -> Result<Option<&'r Reply>> {
    for (key, value) in pairs(map)? {
        if text(key)? == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn pairs(reply: &Reply) -> Result<&[(Reply, Reply)]> {
    match reply {
        Reply::Map(pairs) => Ok(pairs),
        other => bail!("not a map: {other:?}"),
    }
}

fn elements(reply: &Reply) -> Result<&[Reply]> {
    match reply {
        Reply::List { elements, .. } => Ok(elements),
        other => bail!("not a list: {other:?}"),
    }
}

fn texts(reply: &Reply) -> Result<BTreeSet<String>> {
    elements(reply)?.iter().map(text).collect()
}

fn text(reply: &Reply) -> Result<String> {
    match reply {
        Reply::Status(text) => Ok(text.clone()),
        Reply::Bulk(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        other => bail!("not a text: {other:?}"),
    }
}
