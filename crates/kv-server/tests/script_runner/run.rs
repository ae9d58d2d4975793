//! Runs one script against a server, from an empty database, on fresh connections.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::Client;
use super::expect::{agrees, difference};
use super::reply::Reply;
use super::script::{Action, Exchange, Send, Step, parse};
use super::server::Server;

/// The connection that a script begins with.
const FIRST_CLIENT: &str = "main";
/// Printed in place of a reply when the server has closed the connection.
const CLOSED: &str = "(connection closed)";
/// A command that does not wait by then never will.
const BLOCK_WAIT_MAX: Duration = Duration::from_secs(10);

/// What came of one script.
pub(crate) enum Verdict {
    /// Every reply was as expected; `steps` counts the commands that were meant for this server.
    Passed { steps: usize },
    /// What differs, ready to be printed.
    Failed(String),
}

/// Runs the script `name` of `folder`, after deleting every key and every library of functions.
///
/// # Errors
///
/// The server is not there: no further script can pass.
pub(crate) fn run_script(folder: &Path, name: &str, server: &Server) -> Result<Verdict> {
    let mut client = Client::connect(server.address())?;
    for emptying in [&["FLUSHALL"][..], &["FUNCTION", "FLUSH"]] {
        let emptied = client.call(emptying)?;
        ensure!(emptied.is_some(), "the server has closed the connection");
    }

    let mut run = Run::new(server);
    let mut differences = String::new();
    Ok(match run.all(&folder.join(name), name, &mut differences) {
        Err(error) => Verdict::Failed(format!("{differences}  {name}: {error:#}\n")),
        Ok(steps) if differences.is_empty() => Verdict::Passed { steps },
        Ok(_) => Verdict::Failed(differences),
    })
}

/// One script's connections.
pub(super) struct Run<'a> {
    server: &'a Server,
    clients: BTreeMap<String, Client>,
    /// Name of the connection that the next command goes to.
    current: String,
}

impl<'a> Run<'a> {
    /// No connection yet.
    pub(super) fn new(server: &'a Server) -> Self {
        Self {
            server,
            clients: BTreeMap::new(),
            current: FIRST_CLIENT.to_owned(),
        }
    }

    /// Runs every step that is meant for the server; returns the number of commands sent.
    fn all(&mut self, path: &Path, name: &str, differences: &mut String) -> Result<usize> {
        let steps = parse(&fs::read_to_string(path)?)?;
        let mut sent = 0;
        for step in steps
            .iter()
            .filter(|step| step.applies_to(self.server.peer()))
        {
            sent += usize::from(matches!(step.action, Action::Command(_)));
            let found = self
                .step(step)
                .with_context(|| format!("line {}", step.line))?;
            if let Some((command, shown)) = found {
                differences.push_str(&format!("  {name}:{}: {command}\n{shown}", step.line));
            }
        }
        Ok(sent)
    }

    /// Does one step; returns the command and the difference when its reply is another one.
    pub(super) fn step<'s>(&mut self, step: &'s Step) -> Result<Option<(&'s str, String)>> {
        match &step.action {
            Action::Command(exchange) => {
                let got = match exchange.send {
                    Send::AndWait => self.reply_to(exchange)?,
                    Send::Later => {
                        self.send_and_block(exchange)?;
                        return Ok(None);
                    }
                    Send::Silently => {
                        self.client()?.send(&exchange.words);
                        return Ok(None);
                    }
                    Send::Nothing => {
                        let reply = self.client()?.reply()?;
                        self.lines(exchange, reply)
                    }
                };
                if !agrees(&exchange.expected, &got, exchange.comparison) {
                    return Ok(Some((&exchange.text, difference(&exchange.expected, &got))));
                }
            }
            Action::Client(name) => {
                self.current.clone_from(name);
                self.client()?;
            }
            Action::Protocol(version) => {
                let reply = self.client()?.call(&["HELLO", &version.to_string()])?;
                ensure!(
                    reply.is_some(),
                    "the connection was closed by HELLO {version}"
                );
            }
            Action::Sleep(wait) => thread::sleep(*wait),
        }
        Ok(None)
    }

    /// Sends a command on the current connection; returns the lines of the reply.
    fn reply_to(&mut self, exchange: &Exchange) -> Result<Vec<String>> {
        let reply = self.client()?.call(&exchange.words)?;
        Ok(self.lines(exchange, reply))
    }

    /// The lines of what the current connection has read.
    fn lines(&mut self, exchange: &Exchange, reply: Option<Reply>) -> Vec<String> {
        let Some(mut reply) = reply else {
            // The next command opens a new connection under the same name.
            self.clients.remove(&self.current);
            return vec![CLOSED.to_owned()];
        };
        if exchange.comparison.sorted {
            reply.sort();
        }
        reply.lines()
    }

    /// Sends a command on the current connection and comes back when the server says that it waits.
    fn send_and_block(&mut self, exchange: &Exchange) -> Result<()> {
        let mut other = Client::connect(self.server.address())?;
        let before = blocked_clients(&mut other)?;
        self.client()?.send(&exchange.words);
        let begun = Instant::now();
        while blocked_clients(&mut other)? <= before {
            ensure!(
                begun.elapsed() < BLOCK_WAIT_MAX,
                "the command does not wait"
            );
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The current connection, opened when it is not.
    fn client(&mut self) -> Result<&mut Client> {
        Ok(match self.clients.entry(self.current.clone()) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(closed) => closed.insert(Client::connect(self.server.address())?),
        })
    }
}

/// How many connections wait, as the server says.
fn blocked_clients(client: &mut Client) -> Result<u64> {
    let reply = client.call(&["INFO", "clients"])?;
    let lines = reply.map(|reply| reply.lines().concat());
    let text = lines.context("the server has closed the connection")?;
    let (_, rest) = text
        .split_once("blocked_clients:")
        .context("INFO does not tell how many connections wait")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
    Ok(digits.unwrap_or_default().parse()?)
}
