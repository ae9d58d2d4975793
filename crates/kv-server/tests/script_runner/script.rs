//! Reads a script: which commands it sends, which replies it expects, where.
//!
//! Owns the grammar of `.kvt` files; `docs/testing.md` tells it to people.
//! Invariant: every line of a file is a comment, blank, a directive, a command or part of an
//! expected reply; anything else is an error that names its line.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::peer::{Peer, Selector};
use super::words;

/// One thing that a script does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Line number in the file, from 1.
    pub(crate) line: usize,
    /// The peers that the step is for; all when empty.
    only: Vec<Selector>,
    pub(crate) action: Action,
}

impl Step {
    /// Says whether the step is meant for `peer`.
    pub(crate) fn applies_to(&self, peer: Peer) -> bool {
        self.only.is_empty() || self.only.iter().any(|selector| selector.selects(peer))
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Sends a command and compares its reply, or one of the two.
    Command(Exchange),
    /// Goes on with the connection of this name, opened when new.
    Client(String),
    /// Switches the current connection to RESP2 or RESP3.
    Protocol(u8),
    /// Waits.
    Sleep(Duration),
}

/// A command and the reply that it must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) text: String,
    pub(crate) words: Vec<Vec<u8>>,
    /// The reply as redis-cli prints it, line by line.
    pub(crate) expected: Vec<String>,
    pub(crate) comparison: Comparison,
    pub(crate) send: Send,
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Send {
    /// It is sent, and its reply awaited.
    #[default]
    AndWait,
    /// `@later`: it is sent, and makes its connection wait; the reply comes with a later `@reply`.
    Later,
    /// `@silent`: it is sent, and no reply ever comes.
    Silently,
    /// `@reply`: there is none; the connection has something to read without one.
    Nothing,
}

impl Send {
    fn has_reply(self) -> bool {
        matches!(self, Self::AndWait | Self::Nothing)
    }
}

/// How an expected reply is held against the one that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// `@match`: the lines are patterns.
    pub(crate) patterns: bool,
    /// `@sort`: the outermost elements are put in order before they are printed.
    pub(crate) sorted: bool,
}

/// Lists the scripts under `folder` whose relative path contains `only`, in order.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn find_scripts(folder: &Path, only: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(current) = pending.pop() {
        let entries = fs::read_dir(&current).with_context(|| format!("{}", current.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "kvt") {
                let name = path.strip_prefix(folder)?.display().to_string();
                if name.contains(only) {
                    names.push(name);
                }
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Reads the text of one script.
///
/// # Errors
///
/// The first line that is none of the things a line can be, by number.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>> {
    let mut parser = Parser::default();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        parser
            .line(number, line)
            .with_context(|| format!("line {number}: {line}"))?;
    }
    parser.finish()?;
    Ok(parser.steps)
}

#[derive(Default)]
struct Parser {
    steps: Vec<Step>,
    /// Selectors of the block that is being read.
    only: Vec<Selector>,
    /// What `@match` and `@sort` have asked for the next command.
    comparison: Comparison,
    /// What `@later` or `@silent` says of the next command.
    send: Send,
    /// True while lines belong to the reply of the last step.
    in_reply: bool,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) -> Result<()> {
        ensure!(line.trim_end() == line, "blanks at the end of the line");
        if line.is_empty() {
            self.finish()?;
            self.only.clear();
        } else if line.starts_with('#') {
        } else if let Some(command) = line.strip_prefix("> ") {
            self.command(number, command)?;
        } else if let Some(directive) = line.strip_prefix('@') {
            self.finish_reply()?;
            self.directive(number, directive)?;
        } else {
            self.reply_line(line)?;
        }
        Ok(())
    }

    fn command(&mut self, number: usize, text: &str) -> Result<()> {
        self.finish_reply()?;
        let words = words::split(text)?;
        ensure!(!words.is_empty(), "a command needs a word");
        let send = std::mem::take(&mut self.send);
        self.exchange(number, text, words, send);
        Ok(())
    }

    fn exchange(&mut self, number: usize, text: &str, words: Vec<Vec<u8>>, send: Send) {
        let exchange = Exchange {
            text: text.to_owned(),
            words,
            expected: Vec::new(),
            comparison: std::mem::take(&mut self.comparison),
            send,
        };
        self.push(number, Action::Command(exchange));
        self.in_reply = send.has_reply();
    }

    fn directive(&mut self, number: usize, text: &str) -> Result<()> {
        let (name, argument) = text.split_once(' ').unwrap_or((text, ""));
        match (name, argument) {
            ("match", "") => self.comparison.patterns = true,
            ("sort", "") => self.comparison.sorted = true,
            ("later", "") => self.send = Send::Later,
            ("silent", "") => self.send = Send::Silently,
            ("reply", "") => self.exchange(number, "@reply", Vec::new(), Send::Nothing),
            ("resp2", "") => self.push(number, Action::Protocol(2)),
            ("resp3", "") => self.push(number, Action::Protocol(3)),
            ("client", name) if !name.is_empty() && !name.contains(' ') => {
                self.push(number, Action::Client(name.to_owned()));
            }
            ("sleep", wait_ms) => {
                let wait_ms = wait_ms.parse().context("@sleep takes milliseconds")?;
                self.push(number, Action::Sleep(Duration::from_millis(wait_ms)));
            }
            ("only", rule) => self.only_for(rule)?,
            _ => bail!("unknown directive, or the wrong argument for it"),
        }
        Ok(())
    }

    /// Reads `PEER PEER: reason`.
    fn only_for(&mut self, rule: &str) -> Result<()> {
        let (peers, reason) = rule.split_once(": ").context("@only PEERS: reason")?;
        ensure!(!reason.trim().is_empty(), "@only needs a reason");
        ensure!(self.only.is_empty(), "one @only per block");
        self.only = peers
            .split_ascii_whitespace()
            .map(str::parse)
            .collect::<Result<_>>()?;
        ensure!(!self.only.is_empty(), "@only names no peer");
        Ok(())
    }

    fn reply_line(&mut self, line: &str) -> Result<()> {
        match self.steps.last_mut() {
            Some(Step {
                action: Action::Command(exchange),
                ..
            }) if self.in_reply => {
                exchange.expected.push(line.to_owned());
                Ok(())
            }
            _ => bail!("neither a command, a directive nor part of a reply"),
        }
    }

    fn push(&mut self, line: usize, action: Action) {
        self.steps.push(Step {
            line,
            only: self.only.clone(),
            action,
        });
    }

    /// Ends the reply that is being read; a command without one is a mistake.
    fn finish_reply(&mut self) -> Result<()> {
        if let Some(Step {
            line,
            action: Action::Command(exchange),
            ..
        }) = self.steps.last()
            && self.in_reply
        {
            ensure!(
                !exchange.expected.is_empty(),
                "the command of line {line} expects no reply"
            );
        }
        self.in_reply = false;
        Ok(())
    }

    /// Ends a block: `@match` and `@sort` must have met their command.
    fn finish(&mut self) -> Result<()> {
        self.finish_reply()?;
        let unused = self.comparison != Comparison::default() || self.send != Send::default();
        ensure!(
            !unused,
            "@match, @sort, @later or @silent without a command in the same block"
        );
        Ok(())
    }
}

#[cfg(test)]
fn exchanges(text: &str) -> Vec<Exchange> {
    let steps = parse(text).unwrap();
    let commands = steps.into_iter().filter_map(|step| match step.action {
        Action::Command(exchange) => Some(exchange),
        _ => None,
    });
    commands.collect()
}

#[test]
fn a_reply_ends_at_the_next_command_or_blank_line() {
    let read = exchanges("# head\n> MGET a b\n1) \"x\"\n2) (nil)\n> PING\nPONG\n\n> PING\nPONG\n");
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].words, [b"MGET".as_slice(), b"a", b"b"]);
    assert_eq!(read[0].expected, ["1) \"x\"", "2) (nil)"]);
    assert_eq!(read[1].expected, ["PONG"]);
}

#[test]
fn match_and_sort_hold_for_one_command() {
    let read = exchanges("@match\n@sort\n> A\n*\n> B\nOK\n");
    assert_eq!(
        read[0].comparison,
        Comparison {
            patterns: true,
            sorted: true
        }
    );
    assert_eq!(read[1].comparison, Comparison::default());
}

#[test]
fn only_holds_to_the_end_of_its_block() {
    let steps = parse("@only redis>=8.4 kv: younger\n> A\nOK\n> B\nOK\n\n> C\nOK\n").unwrap();
    let redis = Peer {
        family: super::peer::Family::Redis,
        version: (8, 2),
    };
    let applies: Vec<_> = steps.iter().map(|step| step.applies_to(redis)).collect();
    assert_eq!(applies, [false, false, true]);
}

#[test]
fn directives_become_steps() {
    let steps = parse("@client other\n@resp3\n@resp2\n@sleep 20\n").unwrap();
    let actions: Vec<_> = steps.into_iter().map(|step| step.action).collect();
    let sleep = Action::Sleep(Duration::from_millis(20));
    let client = Action::Client("other".to_owned());
    assert_eq!(
        actions,
        [client, Action::Protocol(3), Action::Protocol(2), sleep]
    );
}

#[test]
fn a_command_and_its_reply_can_stand_apart() {
    let read = exchanges("@later\n> A 0\n> B\nOK\n\n@silent\n> C\n\n@match\n@reply\n*x\n");
    let sent: Vec<_> = read.iter().map(|exchange| exchange.send).collect();
    assert_eq!(
        sent,
        [Send::Later, Send::AndWait, Send::Silently, Send::Nothing]
    );
    assert!(read[0].expected.is_empty() && read[2].expected.is_empty());
    assert_eq!(
        (&read[3].expected[..], read[3].words.len()),
        (&["*x".to_owned()][..], 0)
    );
    assert!(read[3].comparison.patterns);
}

#[test]
fn mistakes_are_named_by_their_line() {
    for (text, line) in [
        ("@later\n> A\nOK\n", 3),
        ("@later\n\n> A\n", 2),
        ("@reply\n> A\nOK\n", 2),
        ("OK\n", 1),
        ("> A\n> B\nOK\n", 2),
        ("> A\n\nOK\n", 2),
        ("> A\nOK \n", 2),
        ("> A \"b\nOK\n", 1),
        ("\n@unknown\n", 2),
        ("@resp3 now\n", 1),
        ("@client\n", 1),
        ("@sleep soon\n", 1),
        ("@only redis\n", 1),
        ("@only redis: \n", 1),
        ("@only : why\n", 1),
        ("@match\n\n> A\nOK\n", 2),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("line {line}:")),
            "{text:?} gave {error}"
        );
    }
    assert!(parse("> A\n").is_err(), "a last command without a reply");
}
