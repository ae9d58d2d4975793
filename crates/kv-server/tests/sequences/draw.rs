//! Draws requests from the syntax of commands.

use super::excluded;
use super::table::{Argument, Command, Form, Table};
use super::values::{Bounds, Values, is_key};

/// Commands that would empty the databases too often, or undo what a sequence is about.
const RARE: [&str; 6] = ["FLUSHALL", "FLUSHDB", "SELECT", "SWAPDB", "MULTI", "EXEC"];
/// Longest run of commands between `MULTI` and what ends it.
const QUEUED_MAX: usize = 8;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The command's name in the table.
    pub(crate) name: String,
    pub(crate) words: Vec<Vec<u8>>,
    /// What must follow it at once: the deletion of keys whose content is a matter of chance.
    pub(crate) clean: Option<Vec<Vec<u8>>>,
}

impl Request {
    /// The request for a command without arguments.
    fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            words: vec![name.as_bytes().to_vec()],
            clean: None,
        }
    }
}

/// Requests that one connection sends, in order.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// 2 or 3.
    pub(crate) protocol: u8,
    pub(crate) requests: Vec<Request>,
}

impl Sequence {
    /// What is sent: the words, and whose request they belong to.
    pub(crate) fn sent(&self) -> Vec<(usize, Vec<Vec<u8>>)> {
        let each = |(at, request): (usize, &Request)| {
            let own = std::iter::once(request.words.clone());
            own.chain(request.clean.clone())
                .map(move |words| (at, words))
        };
        self.requests.iter().enumerate().flat_map(each).collect()
    }
}

/// Draws sequences from a table.
pub(crate) struct Draw<'t> {
    commands: Vec<&'t Command>,
    groups: Vec<&'t str>,
    has_transactions: bool,
    has_delete: bool,
}

impl<'t> Draw<'t> {
    /// Draws what is in `table` and not excluded.
    pub(crate) fn new(table: &'t Table) -> Self {
        let drawn = table.values().filter(|one| excluded::reason(one).is_none());
        let commands: Vec<_> = drawn.collect();
        let mut groups: Vec<_> = commands.iter().map(|one| one.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        Self {
            groups,
            has_transactions: ["MULTI", "EXEC", "DISCARD"]
                .iter()
                .all(|name| table.contains_key(*name)),
            has_delete: table.contains_key("DEL"),
            commands,
        }
    }

    /// How many commands are drawn.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Sequence `number` of `seed`, about `length` requests long, its keys beginning with `prefix`.
    pub(crate) fn sequence(
        &self,
        seed: u64,
        number: u64,
        length: usize,
        prefix: &[u8],
    ) -> Sequence {
        let mut values = Values::new(seed, number, prefix);
        let protocol = *values.pick(&[2, 3]);
        let theme = [*values.pick(&self.groups), *values.pick(&self.groups)];
        let mut requests = Vec::with_capacity(length + QUEUED_MAX);
        // Requests until the open transaction ends.
        let mut until_exec = None;
        while requests.len() < length || until_exec.is_some() {
            if until_exec == Some(0) {
                let end = if values.chance(0.85) {
                    "EXEC"
                } else {
                    "DISCARD"
                };
                requests.push(Request::bare(end));
                until_exec = None;
                continue;
            }
            until_exec = until_exec.map(|left: usize| left - 1);
            if self.has_transactions && until_exec.is_none() && values.chance(0.015) {
                requests.push(Request::bare("MULTI"));
                until_exec = Some(*values.pick(&[0, 1, 2, 3, 4, 5, 6, QUEUED_MAX]));
                continue;
            }
            let command = self.command(&mut values, &theme);
            self.push(command, &mut values, &mut requests);
        }
        Sequence { protocol, requests }
    }

    fn command(&self, values: &mut Values, theme: &[&str; 2]) -> &'t Command {
        loop {
            let command = *values.pick(&self.commands);
            let themed = theme.contains(&command.group.as_str()) || values.chance(0.25);
            let rare = RARE.contains(&command.name.as_str());
            if themed && (!rare || values.chance(0.05)) {
                return command;
            }
        }
    }

    fn push(&self, command: &Command, values: &mut Values, requests: &mut Vec<Request>) {
        let mut drawn = Drawn::new(command);
        values.many = command.writes() && values.chance(0.02);
        drawn.all(&command.arguments, values);
        values.many = false;
        drawn.agree(values);
        let keys = drawn.keys();
        spoil(&mut drawn.words, values);
        let words = drawn.into_words();
        // What is left of the keys is a matter of chance, or each server's own.
        let by_chance = command.writes() && command.tips.contains("nondeterministic_output");
        let clean =
            (self.has_delete && !keys.is_empty() && (by_chance || is_private(&command.name)))
                .then(|| std::iter::once(b"DEL".to_vec()).chain(keys).collect());
        requests.push(Request {
            name: command.name.clone(),
            words,
            clean,
        });
    }
}

/// Whether what the command leaves in its keys is each server's own: how many digits it counts with, or that a
/// peer writes down what it has counted.
fn is_private(name: &str) -> bool {
    name.contains("FLOAT") || name == "PFCOUNT"
}

/// Now and then makes a request wrong. Times stay as they are, for a short one would end while a run lasts, and so
/// do the words that could ask for a part of what each server has in an order of its own, and numbers that a peer
/// would read up to a zero byte.
fn spoil(words: &mut Vec<Word>, values: &mut Values) {
    if values.chance(0.97) {
        return;
    }
    let last = words.len() - 1;
    let by_lot = String::from_utf8_lossy(&words[0].bytes).contains("RAND");
    let waits = words.iter().any(|word| word.part.name() == Some("timeout"));
    match *values.pick(&[0, 1, 2, 3]) {
        // Another word may be taken for the time to wait, or for how many times to answer.
        1 | 2 if waits || by_lot => {}
        0 if last > 1 => drop(words.pop()),
        1 => words.push(Word::any(values)),
        2 if last > 1 => {
            let place = *values.pick(&[1, 2, last]);
            if !words[place].is_fixed() {
                words[place] = Word::any(values);
            }
        }
        _ => {
            let again = words[last].clone();
            words.push(again);
        }
    }
}

/// A word that was drawn, and what for.
#[derive(Clone)]
struct Word {
    bytes: Vec<u8>,
    part: Part,
}

impl Word {
    fn any(values: &mut Values) -> Self {
        Self {
            bytes: values.anything(),
            part: Part::Value("any".to_owned()),
        }
    }

    fn is_fixed(&self) -> bool {
        let name = self.part.name().unwrap_or_default();
        self.part == Part::Name
            || name.ends_with("seconds")
            || matches!(name, "count" | "cursor" | "pattern" | "score")
            || matches!(name, "index" | "min" | "max" | "start" | "stop")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Name,
    Token,
    Key(String),
    Value(String),
}

impl Part {
    fn name(&self) -> Option<&str> {
        match self {
            Part::Key(name) | Part::Value(name) => Some(name),
            Part::Name | Part::Token => None,
        }
    }
}

/// The words of one request while they are drawn.
struct Drawn<'c> {
    command: &'c Command,
    words: Vec<Word>,
}

impl<'c> Drawn<'c> {
    fn new(command: &'c Command) -> Self {
        let name = command.name_words().into_iter();
        let words = name.map(|bytes| Word {
            bytes,
            part: Part::Name,
        });
        Self {
            command,
            words: words.collect(),
        }
    }

    fn all(&mut self, arguments: &[Argument], values: &mut Values) {
        for argument in arguments {
            if argument.optional && !values.chance(0.4) {
                continue;
            }
            let times = if argument.repeated { times(values) } else { 1 };
            for time in 0..times {
                self.one(argument, time == 0, values);
            }
        }
    }

    fn one(&mut self, argument: &Argument, first: bool, values: &mut Values) {
        if let Some(token) = &argument.token
            && (first || argument.token_repeated || matches!(argument.form, Form::Token))
        {
            let token = match values.chance(0.1) {
                true => token.to_ascii_lowercase(),
                false => token.clone(),
            };
            // An empty token stands for itself.
            self.push(token.trim_matches('"').as_bytes().to_vec(), Part::Token);
        }
        match &argument.form {
            Form::Token => {}
            Form::Key => {
                let key = values.key(&self.command.group);
                self.push(key, Part::Key(argument.name.clone()));
            }
            Form::Value => {
                let word = values.word(&self.command.name, &self.command.group, &argument.name);
                let name = argument.name.clone();
                let part = match is_key(&name) {
                    true => Part::Key(name),
                    false => Part::Value(name),
                };
                self.push(word, part);
            }
            Form::Choice(parts) => {
                let part = values.pick(parts);
                self.one(part, true, values);
            }
            Form::Block(parts) => self.all(parts, values),
        }
    }

    fn push(&mut self, bytes: Vec<u8>, part: Part) {
        self.words.push(Word { bytes, part });
    }

    /// Makes words agree that depend on each other: counts on what they count, bounds on their kind, a scan
    /// on its beginning.
    fn agree(&mut self, values: &mut Values) {
        let has = |word: &[u8]| {
            self.words
                .iter()
                .any(|one| one.part == Part::Token && one.bytes.eq_ignore_ascii_case(word))
        };
        let bounds = match (has(b"BYSCORE"), has(b"BYLEX")) {
            (true, _) => Some(Bounds::Score),
            (_, true) => Some(Bounds::Name),
            _ => None,
        };
        if self.command.name.starts_with("SORT") && has(b"BY") {
            // Elements of the same text of weight, or without any, have no order.
            let alpha =
                |one: &Word| one.part == Part::Token && one.bytes.eq_ignore_ascii_case(b"ALPHA");
            self.words.retain(|one| !alpha(one));
        }
        if self.command.name == "XADD" {
            // The time of day is another one on each server.
            let star = self.words.iter_mut().find(|one| one.bytes == b"*");
            if let Some(star) = star {
                star.bytes = b"100-*".to_vec();
            }
        }
        let by_name = bounds == Some(Bounds::Name) || self.command.name.contains("LEX");
        if by_name || (self.command.name == "ZADD" && values.chance(0.2)) {
            self.level(values);
        }
        for at in 0..self.words.len() {
            let Some(name) = self.words[at].part.name() else {
                continue;
            };
            match (name, bounds) {
                ("start" | "stop" | "min" | "max", Some(bounds)) => {
                    self.words[at].bytes = values.bound(bounds).into_bytes();
                }
                (name, _)
                    if name.starts_with("num") && !name.contains('-') && values.chance(0.95) =>
                {
                    self.words[at].bytes = self.counted(at).to_string().into_bytes();
                }
                _ => {}
            }
        }
        let scans = self
            .words
            .iter()
            .any(|one| one.part.name() == Some("cursor"));
        if scans {
            self.scan_whole();
        }
    }

    /// Makes it about sorted sets in which all scores are the same: in others a range by name is not defined.
    fn level(&mut self, values: &mut Values) {
        for word in &mut self.words {
            match &word.part {
                Part::Key(_) => word.bytes = values.level_key(),
                Part::Value(name) if name == "score" => word.bytes = b"0".to_vec(),
                _ => {}
            }
        }
    }

    /// How many there are of what begins behind the count at `at`.
    fn counted(&self, at: usize) -> usize {
        let behind = &self.words[at + 1..];
        let Some(unit) = behind.first().map(|one| &one.part) else {
            return 0;
        };
        let group = behind.iter().take_while(|one| one.part != Part::Token);
        group.filter(|one| one.part == *unit).count()
    }

    /// A scan that shows all at once can be compared.
    fn scan_whole(&mut self) {
        let count = |one: &Word| one.part.name() == Some("count");
        let whole = b"1000000".to_vec();
        match self.words.iter().position(count) {
            Some(at) if self.words[at].bytes.first().is_some_and(u8::is_ascii_digit) => {
                self.words[at].bytes = whole;
            }
            Some(_) => {}
            None => {
                self.push(b"COUNT".to_vec(), Part::Token);
                self.push(whole, Part::Value("count".to_owned()));
            }
        }
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let keys = self
            .words
            .iter()
            .filter(|one| matches!(one.part, Part::Key(_)));
        keys.map(|one| one.bytes.clone()).collect()
    }

    fn into_words(self) -> Vec<Vec<u8>> {
        self.words.into_iter().map(|word| word.bytes).collect()
    }
}

/// How often to repeat what may be repeated.
fn times(values: &mut Values) -> usize {
    if values.many {
        return *values.pick(&[130, 200, 300]);
    }
    *values.pick(&[1, 1, 1, 2, 2, 3, 4])
}
