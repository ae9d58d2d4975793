//! The forms of requests that write: those of the scripts, and random ones.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::proof::Proof;
use crate::script_runner::client::Client;
use crate::script_runner::replay::replay;
use crate::script_runner::reply::Reply;
use crate::script_runner::script::{Action, Step, find_scripts, parse};
use crate::script_runner::server::Server;
use crate::sequences::draw::Draw;
use crate::sequences::table::Table;

/// What a connection needs beside writes, so that they do what they do in the script.
const KEPT: [&str; 8] = [
    "DISCARD", "EXEC", "HELLO", "MULTI", "RESET", "SELECT", "UNWATCH", "WATCH",
];
/// In how many parts a script is cut; each ends in a state that is left standing.
const CUTS: usize = 4;
/// Random sequences and their length.
const SEQUENCES: u64 = 40;
const SEQUENCE_LENGTH: usize = 200;

/// Everything that is sent.
pub(crate) struct Forms<'t> {
    table: &'t Table,
    /// Scripts with commands that work on whole databases: they come first.
    sweeping: Vec<Script>,
    /// The others: their keys can be told apart from those of other scripts.
    keyed: Vec<Script>,
}

/// What is left of a script.
struct Script {
    name: String,
    steps: Vec<Step>,
}

impl<'t> Forms<'t> {
    /// Reads the scripts under `folder` and keeps what writes.
    ///
    /// # Errors
    ///
    /// A script cannot be read.
    pub(crate) fn read(folder: &Path, table: &'t Table) -> Result<Self> {
        let mut forms = Self {
            table,
            sweeping: Vec::new(),
            keyed: Vec::new(),
        };
        for name in find_scripts(folder, "")? {
            if !forms.is_of_a_write(&name) {
                continue;
            }
            let text = fs::read_to_string(folder.join(&name))?;
            let mut steps = parse(&text).with_context(|| name.clone())?;
            steps.retain(|step| forms.is_kept(step));
            let script = Script { name, steps };
            let mut writes = script.steps.iter().filter_map(|step| forms.written(step));
            if writes.clone().any(|command| is_sweeping(command, table)) {
                forms.sweeping.push(script);
            } else if writes.next().is_some() {
                drop(writes);
                forms.keyed.push(script);
            }
        }
        Ok(forms)
    }

    /// Sends everything to an empty server; in the middle, if asked to, makes a snapshot.
    ///
    /// # Errors
    ///
    /// A reply is missing, or a command of the table has never written.
    pub(crate) fn write(&self, server: &Server, snapshot: bool) -> Result<()> {
        let mut proof = Proof::new(self.table, Client::connect(server.address())?);
        for script in &self.sweeping {
            self.send(&script.steps, script, server, &mut proof)?;
        }
        self.random(server, 0..SEQUENCES / 4, true)?;
        let half = self.keyed.len() / 2;
        for (at, script) in self.keyed.iter().enumerate() {
            if at == half && snapshot {
                save(server)?;
            }
            for cut in 1..=CUTS {
                let prefix = format!("{}:{cut}:", script.name);
                let end = script.steps.len() * cut / CUTS;
                let mut steps = script.steps[..end].to_vec();
                rename_keys(
                    &mut steps,
                    prefix.as_bytes(),
                    &mut Client::connect(server.address())?,
                )?;
                self.send(&steps, script, server, &mut proof)?;
            }
        }
        self.random(server, SEQUENCES / 4..SEQUENCES, false)?;
        let missing = proof.missing();
        ensure!(
            missing.is_empty(),
            "no script makes these write, so nobody knows whether it comes back: {missing:?}"
        );
        Ok(())
    }

    fn send(
        &self,
        steps: &[Step],
        script: &Script,
        server: &Server,
        proof: &mut Proof,
    ) -> Result<()> {
        let name = |step: &Step| self.written(step).map(str::to_owned);
        replay(steps, server, |step, done| proof.watch(name(step), done))
            .with_context(|| script.name.clone())
    }

    /// Sends random sequences, each with keys of its own.
    fn random(&self, server: &Server, numbers: std::ops::Range<u64>, sweeping: bool) -> Result<()> {
        let mut table = self.table.clone();
        table.retain(|name, command| {
            sweeping || !command.writes() || !is_sweeping(name, self.table)
        });
        let draw = Draw::new(&table);
        let mut client = Client::connect(server.address())?;
        for number in numbers {
            let prefix = format!("random:{number}:");
            let sequence = draw.sequence(1, number, SEQUENCE_LENGTH, prefix.as_bytes());
            let requests: Vec<_> = sequence
                .sent()
                .into_iter()
                .map(|(_, words)| words)
                .collect();
            client.pipeline(&requests, 64)?;
            client.call(&["RESET"])?;
        }
        Ok(())
    }

    /// Whether a script is about a command that writes, or about transactions.
    fn is_of_a_write(&self, script: &str) -> bool {
        let stem = script
            .rsplit('/')
            .next()
            .unwrap_or(script)
            .trim_end_matches(".kvt");
        let file = |name: &str| name.to_ascii_lowercase().replace(['|', '-'], "_");
        let mut writes = self.table.values().filter(|command| command.writes());
        stem == "exec" || writes.any(|command| file(&command.name) == stem)
    }

    fn is_kept(&self, step: &Step) -> bool {
        match &step.action {
            Action::Command(exchange) => {
                let first = exchange.words.first().map(|word| word.to_ascii_uppercase());
                let kept =
                    first.is_none_or(|first| KEPT.iter().any(|kept| kept.as_bytes() == first));
                kept || self.written(step).is_some()
            }
            Action::Client(_) | Action::Protocol(_) => true,
            Action::Sleep(_) => false,
        }
    }

    /// The name of the command that a step makes write.
    fn written<'s>(&'s self, step: &Step) -> Option<&'s str> {
        let Action::Command(exchange) = &step.action else {
            return None;
        };
        let word =
            |at: usize| Some(String::from_utf8_lossy(exchange.words.get(at)?).to_ascii_uppercase());
        let first = word(0)?;
        let named = |name: &str| self.table.get_key_value(name);
        let found = named(&first).or_else(|| named(&format!("{first}|{}", word(1)?)));
        let (name, command) = found?;
        command.writes().then_some(name.as_str())
    }
}

/// Whether a command that writes works on whole databases: it has no keys.
fn is_sweeping(name: &str, table: &Table) -> bool {
    table.get(name).is_some_and(|command| !command.has_keys)
}

/// Puts `prefix` before every key.
fn rename_keys(steps: &mut [Step], prefix: &[u8], client: &mut Client) -> Result<()> {
    for step in steps {
        let Action::Command(exchange) = &mut step.action else {
            continue;
        };
        let mut ask = vec![b"COMMAND".to_vec(), b"GETKEYS".to_vec()];
        ask.extend(exchange.words.iter().cloned());
        // Requests that are wrong have no keys.
        let Some(Reply::List { elements, .. }) = client.call(&ask)? else {
            continue;
        };
        // The same word may stand elsewhere too: keys are found from the left, in their order.
        let mut from = 1;
        for key in elements {
            let Reply::Bulk(key) = key else { continue };
            if let Some(at) = exchange
                .words
                .iter()
                .skip(from)
                .position(|word| *word == key)
            {
                exchange.words[from + at].splice(0..0, prefix.iter().copied());
                from += at + 1;
            }
        }
    }
    Ok(())
}

fn save(server: &Server) -> Result<()> {
    let reply = Client::connect(server.address())?.call(&["SAVE"])?;
    ensure!(
        reply == Some(Reply::Status("OK".to_owned())),
        "SAVE answered {reply:?}"
    );
    Ok(())
}
