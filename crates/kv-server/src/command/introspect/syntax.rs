//! Reads the syntax of a command into the tree of arguments that `COMMAND DOCS` shows.
//!
//! Words in upper case stand for themselves, other words for a value; `[...]` is optional, `<...>` groups,
//! `|` separates choices; `key [key ...]` is one or more keys, `[key ...]` any number, `GET key [GET key ...]` one
//! or more with the token before each.

use crate::command::spec::CommandSpec;

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// The word that stands before it.
    pub(super) token: Option<&'static str>,
    /// What it is made of.
    pub(super) form: Form,
    /// Whether it may be left out.
    pub(super) optional: bool,
    /// Whether it may be given several times.
    pub(super) repeated: bool,
    /// Whether its token is given again each time.
    pub(super) token_repeated: bool,
}

/// What an argument is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing but its token.
    Token,
    /// A value of this name.
    Word(&'static str),
    /// One of these.
    Choice(Vec<Argument>),
    /// All of these.
    Block(Vec<Argument>),
}

impl Argument {
    fn new(token: Option<&'static str>, form: Form) -> Self {
        Self {
            token,
            form,
            optional: false,
            repeated: false,
            token_repeated: false,
        }
    }

    /// The name that Redis' tools show.
    pub(super) fn name(&self) -> String {
        match &self.form {
            Form::Token => self.token.unwrap_or_default().to_ascii_lowercase(),
            Form::Word(name) => (*name).to_owned(),
            Form::Choice(_) => "choice".to_owned(),
            Form::Block(_) => "block".to_owned(),
        }
    }

    /// Redis' word for what kind of argument it is.
    pub(super) fn kind(&self) -> &'static str {
        match &self.form {
            Form::Token => "pure-token",
            Form::Choice(_) => "oneof",
            Form::Block(_) => "block",
            Form::Word("key") => "key",
            Form::Word("pattern") => "pattern",
            Form::Word(name) if name.starts_with("unix-time") => "unix-time",
            Form::Word("seconds" | "milliseconds" | "offset" | "start" | "end" | "index") => {
                "integer"
            }
            Form::Word(_) => "string",
        }
    }
}

/// The arguments of `spec`, its name not among them.
pub(super) fn parse(spec: &CommandSpec) -> Vec<Argument> {
    let spaced = |glyph: char| "[]<>|".contains(glyph);
    let mut words = Vec::new();
    for word in spec.syntax.split_ascii_whitespace().skip(spec.name_words()) {
        let mut rest = word;
        while let Some(at) = rest.find(spaced) {
            words.push(&rest[..at]);
            words.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        words.push(rest);
    }
    words.retain(|word| !word.is_empty());
    Parser { words: &words }.sequence()
}

struct Parser<'w> {
    words: &'w [&'static str],
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&'static str> {
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(word)
    }

    /// Reads arguments up to the end of the group, a bar, or dots.
    fn sequence(&mut self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        while let Some(&word) = self.words.first() {
            if matches!(word, "]" | ">" | "|" | "...") {
                break;
            }
            self.words = &self.words[1..];
            match word {
                "[" => {
                    let (group, repeated) = self.group();
                    add_optional(&mut arguments, group, repeated);
                }
                "<" => arguments.push(self.group().0),
                token if token.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                    arguments.push(self.after(token));
                }
                name => arguments.push(Argument::new(None, Form::Word(name))),
            }
        }
        arguments
    }

    /// Reads what belongs to `token`: the values right behind it, or a group in `<>`.
    fn after(&mut self, token: &'static str) -> Argument {
        if let Some(&"<") = self.words.first() {
            self.words = &self.words[1..];
            let (group, _) = self.group();
            return Argument {
                token: Some(token),
                ..group
            };
        }
        let is_value = |word: &&&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
        let values: Vec<_> = self.words.iter().take_while(is_value).copied().collect();
        self.words = &self.words[values.len()..];
        let form = match values.as_slice() {
            [] => Form::Token,
            [value] => Form::Word(value),
            values => {
                let parts = values
                    .iter()
                    .map(|name| Argument::new(None, Form::Word(name)));
                Form::Block(parts.collect())
            }
        };
        Argument::new(Some(token), form)
    }

    /// Reads the rest of a group, its end included, and whether it ends in dots.
    fn group(&mut self) -> (Argument, bool) {
        let mut choices = vec![one(self.sequence())];
        let mut repeated = false;
        while let Some(word) = self.next() {
            match word {
                "|" => choices.push(one(self.sequence())),
                "..." => repeated = true,
                _ => break,
            }
        }
        let group = match choices.len() {
            1 => choices.remove(0),
            _ => Argument::new(None, Form::Choice(choices)),
        };
        (group, repeated)
    }
}

/// Adds an optional group; one that repeats what stands before it makes that repeated instead.
fn add_optional(arguments: &mut Vec<Argument>, mut group: Argument, repeated: bool) {
    if let Some(last) = arguments.last_mut()
        && repeated
        && last.token.is_some()
        && group.token.is_none()
        && last.form == group.form
    {
        last.repeated = true;
        return;
    }
    let parts = match &group.form {
        Form::Block(parts) if group.token.is_none() => parts.as_slice(),
        _ => std::slice::from_ref(&group),
    };
    if repeated && arguments.ends_with(parts) {
        arguments.truncate(arguments.len() - parts.len());
        group.token_repeated = group.token.is_some();
    } else {
        group.optional = true;
    }
    group.repeated |= repeated;
    arguments.push(group);
}

/// One argument made of all of these.
fn one(mut arguments: Vec<Argument>) -> Argument {
    match arguments.len() {
        1 => arguments.remove(0),
        _ => Argument::new(None, Form::Block(arguments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    /// Writes the tree as a syntax again.
    fn written(arguments: &[Argument]) -> String {
        arguments
            .iter()
            .map(written_one)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn written_one(argument: &Argument) -> String {
        if argument.token_repeated {
            let once = Argument {
                optional: false,
                repeated: false,
                token_repeated: false,
                ..argument.clone()
            };
            let inside = written_one(&once);
            let inside = format!("{inside} [{inside} ...]");
            return if argument.optional {
                format!("[{inside}]")
            } else {
                inside
            };
        }
        if let (Some(token), Form::Word(name), true) =
            (argument.token, &argument.form, argument.repeated)
        {
            let inside = format!("{token} {name} [{name} ...]");
            let once = Argument {
                repeated: false,
                ..argument.clone()
            };
            return bracketed(&once, inside);
        }
        let (Form::Choice(parts) | Form::Block(parts)) = &argument.form else {
            return bracketed(argument, written_alone(argument));
        };
        let choices = matches!(argument.form, Form::Choice(_));
        let inside = if choices {
            parts
                .iter()
                .map(written_one)
                .collect::<Vec<_>>()
                .join(" | ")
        } else {
            written(parts)
        };
        match argument.token {
            Some(token) if choices => bracketed(argument, format!("{token} <{inside}>")),
            Some(token) => bracketed(argument, format!("{token} {inside}")),
            None if choices && !argument.optional => format!("<{inside}>"),
            None => bracketed(argument, inside),
        }
    }

    fn written_alone(argument: &Argument) -> String {
        match (argument.token, &argument.form) {
            (Some(token), Form::Word(name)) => format!("{token} {name}"),
            (Some(token), _) => token.to_owned(),
            (None, _) => argument.name(),
        }
    }

    fn bracketed(argument: &Argument, inside: String) -> String {
        match (argument.optional, argument.repeated) {
            (false, false) => inside,
            (false, true) => format!("{inside} [{inside} ...]"),
            (true, false) => format!("[{inside}]"),
            (true, true) => format!("[{inside} ...]"),
        }
    }

    /// The fewest words, and whether there may be more.
    fn words(arguments: &[Argument]) -> (usize, bool) {
        let each = arguments.iter().map(|argument| {
            let own = usize::from(argument.token.is_some());
            let (least, open) = match &argument.form {
                Form::Token => (0, false),
                Form::Word(_) => (1, false),
                Form::Block(parts) => words(parts),
                Form::Choice(parts) => {
                    let choices = parts.iter().map(|part| words(std::slice::from_ref(part)));
                    // Whoever chooses what is all optional gives some of it.
                    let least = choices
                        .clone()
                        .map(|(least, _)| least.max(1))
                        .min()
                        .unwrap_or(0);
                    let most = choices.clone().map(|(least, _)| least).max().unwrap_or(0);
                    (
                        least,
                        least != most || choices.clone().any(|(_, open)| open),
                    )
                }
            };
            match argument.optional {
                true => (0, true),
                false => (own + least, open || argument.repeated),
            }
        });
        each.fold((0, false), |(sum, any), (least, open)| {
            (sum + least, any || open)
        })
    }

    #[test]
    fn every_syntax_is_read_whole_and_agrees_with_the_arity() {
        let subcommands = |spec: &'static CommandSpec| spec.subcommands().iter();
        let specs =
            table::commands().flat_map(|spec| std::iter::once(spec).chain(subcommands(spec)));
        let mut problems = Vec::new();
        for spec in specs {
            let arguments = parse(spec);
            let shown = format!("{} {}", spec.name.replace('|', " "), written(&arguments));
            if shown.trim_end() != spec.syntax {
                problems.push(format!("{} is read as {shown}", spec.syntax));
            }
            // A command may take more words than its syntax tells of, and ignore them.
            let (least, open) = words(&arguments);
            let agrees =
                spec.arity.least() == least + spec.name_words() && (spec.arity.is_open() || !open);
            if spec.subcommands().is_empty() && !agrees {
                problems.push(format!("{} has {:?}", spec.syntax, spec.arity));
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
