//! Lets one planned history happen.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::client::Client;
use super::command::{Command, Key};
use super::draw::{Draw, GROUPS};
use super::lives::Lives;
use super::operation::Operation;
use super::plan::{OPERATIONS_EACH, Plan, What};
use super::process::{Home, Process, Program};
use super::record::Record;

/// Between two looks at how far the clients are.
const POLL: Duration = Duration::from_micros(50);

/// What happened.
pub(crate) struct Outcome {
    pub(crate) record: Record,
    pub(crate) crashes: usize,
    pub(crate) snapshots: usize,
}

/// Lets `plan` happen in `directory`.
///
/// # Errors
///
/// The server did something that needs no checker: it did not start, broke a connection, hung.
pub(crate) fn run(plan: &Plan, program: &Program, directory: &Path) -> Result<Outcome> {
    let lives = Lives::default();
    let mut server = Server {
        plan,
        home: Home::new(program.clone(), directory)?,
        lives: &lives,
        deaths: Vec::new(),
        crashes: 0,
        snapshots: 0,
    };
    let seen = thread::scope(|scope| {
        let clients = plan.clients.iter().enumerate().map(|(number, &seed)| {
            let draw = Draw::new(seed, number, program.has_ifeq());
            let client = Client::new(number, &lives);
            scope.spawn(move || client.run(draw, OPERATIONS_EACH))
        });
        let clients: Vec<_> = clients.collect();
        let last = server.live();
        if last.is_err() {
            lives.stop();
        }
        let mut seen = Vec::new();
        for client in clients {
            seen.extend(client.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        seen.extend(last?);
        anyhow::Ok(seen)
    });
    let seen = seen.with_context(|| format!("the server said:\n{}", server.home.said()))?;
    Ok(Outcome {
        record: Record::new(seen, &server.deaths),
        crashes: server.crashes,
        snapshots: server.snapshots,
    })
}

/// The server through all its lives.
struct Server<'a> {
    plan: &'a Plan,
    home: Home,
    lives: &'a Lives,
    /// The moment at which each life was over.
    deaths: Vec<u64>,
    crashes: usize,
    snapshots: usize,
}

impl Server<'_> {
    /// Goes through all lives; returns what is there at the end.
    fn live(&mut self) -> Result<Vec<Operation>> {
        let mut process = self.begin()?;
        for act in &self.plan.acts {
            self.wait_until(act.due)?;
            thread::sleep(act.delay);
            if act.what == What::Save {
                self.snapshots += usize::from(process.save());
                continue;
            }
            self.end(process, act.what)?;
            process = self.begin()?;
        }
        let last = Client::new(self.plan.clients.len(), self.lives).ask(last_reads());
        self.end(process, What::Crash)?;
        last
    }

    /// Begins the next life.
    fn begin(&mut self) -> Result<Process> {
        let life = &self.plan.lives[self.deaths.len()];
        if let Some(delay) = life.vain {
            self.home.start_in_vain(&life.options, delay)?;
            self.crashes += 1;
        }
        let process = self.home.start(&life.options)?;
        self.lives.begin(process.address);
        Ok(process)
    }

    /// Ends the life of `process`.
    fn end(&mut self, process: Process, how: What) -> Result<()> {
        self.lives.doom();
        if how == What::ShutDown {
            process.shut_down()?;
        } else {
            process.kill()?;
            self.crashes += 1;
        }
        self.deaths.push(self.lives.moments.next());
        Ok(())
    }

    /// Waits until so many operations have finished.
    fn wait_until(&self, finished: usize) -> Result<()> {
        while self.lives.finished() < finished {
            ensure!(!self.lives.is_stopped(), "a client gave up");
            thread::sleep(POLL);
        }
        Ok(())
    }
}

/// Reads everything there is to know.
fn last_reads() -> Vec<Command> {
    let keys = |group| (0..GROUPS[group]).map(move |index| Key { group, index });
    let groups = (0..GROUPS.len()).flat_map(|group| {
        let lifetimes = keys(group).map(Command::ExpireTime);
        std::iter::once(Command::Mget(keys(group).collect())).chain(lifetimes)
    });
    groups.collect()
}
