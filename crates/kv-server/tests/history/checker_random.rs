//! The checker against histories drawn at random.
//!
//! A simulated server runs commands one at a time, at a moment between call and reply, so what it
//! makes is accepted by construction. A falsified history goes also to a judge that tries all orders,
//! and the two must agree.

use bytes::Bytes;
use kv_proto::Value;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::checker::{Violation, check};
use super::command::{Command, Key};
use super::draw::{Draw, GROUPS};
use super::model::State;
use super::operation::{Moments, Operation};

/// The group that the simulated histories run on.
const GROUP: usize = 1;

/// Most commands at a time: real histories seldom have more on one group.
const RUNNING_MAX: usize = 8;

/// A server, its clients and its crashes, all in one thread.
struct Simulation {
    rng: StdRng,
    draws: Vec<Draw>,
    moments: Moments,
    state: State,
    /// Sent and not answered, in the order of sending.
    running: Vec<Running>,
    history: Vec<Operation>,
}

struct Running {
    client: usize,
    command: Command,
    call: u64,
    /// There once it has happened.
    reply: Option<Value>,
}

impl Simulation {
    fn new(seed: u64, clients: usize) -> Self {
        let draws = (0..clients).map(|client| Draw::new(seed + client as u64, client, true));
        Self {
            rng: StdRng::seed_from_u64(seed),
            draws: draws.collect(),
            moments: Moments::default(),
            state: State::empty(GROUPS[GROUP]),
            running: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The history of `steps` steps, a crash, and a look at what it left.
    fn run(mut self, steps: usize) -> Vec<Operation> {
        for _ in 0..steps {
            let client = self.rng.random_range(0..self.draws.len());
            match self.rng.random_range(0..100) {
                0..3 => self.crash(),
                3..35 => self.send(client),
                35..70 => self.happen(client),
                _ => self.answer(client),
            }
        }
        self.crash();
        let group = GROUP;
        let keys = (0..GROUPS[group]).map(|index| Key { group, index });
        self.running.push(Running {
            client: 0,
            command: Command::Mget(keys.collect()),
            call: self.moments.next(),
            reply: None,
        });
        self.happen(0);
        self.answer(0);
        self.history.sort_by_key(|operation| operation.call);
        self.history
    }

    fn send(&mut self, client: usize) {
        let waits = self.running.iter().filter(|one| one.client == client);
        if waits.count() == 3 || self.running.len() == RUNNING_MAX {
            return;
        }
        let command = loop {
            let command = self.draws[client].command();
            if command.group() == GROUP {
                break command;
            }
        };
        self.running.push(Running {
            client,
            command,
            call: self.moments.next(),
            reply: None,
        });
    }

    /// Lets the oldest command of `client` that has not happened happen.
    fn happen(&mut self, client: usize) {
        let mut waiting = self.running.iter_mut();
        let next = waiting.find(|one| one.client == client && one.reply.is_none());
        if let Some(one) = next {
            one.reply = Some(self.state.apply(&one.command));
        }
    }

    /// Answers the oldest command of `client`, if it has happened.
    fn answer(&mut self, client: usize) {
        let oldest = self.running.iter().position(|one| one.client == client);
        let Some(oldest) = oldest.filter(|place| self.running[*place].reply.is_some()) else {
            return;
        };
        let one = self.running.remove(oldest);
        let end = self.moments.next();
        let reply = one.reply.clone();
        self.history.push(operation(one, end, reply));
    }

    fn crash(&mut self) {
        let end = self.moments.next();
        for one in std::mem::take(&mut self.running) {
            self.history.push(operation(one, end, None));
        }
    }
}

fn operation(one: Running, end: u64, reply: Option<Value>) -> Operation {
    Operation {
        client: one.client,
        life: 0,
        command: one.command,
        call: one.call,
        end,
        reply,
    }
}

/// Whether some order of `operations` gives all replies, by trying all of them.
fn some_order_explains(operations: &[Operation], state: &State, happened: &mut Vec<bool>) -> bool {
    let lost = |place: usize| operations[place].reply.is_none();
    if (0..operations.len()).all(|place| happened[place] || lost(place)) {
        return true;
    }
    for place in 0..operations.len() {
        if happened[place] || !can_be_next(operations, happened, place) {
            continue;
        }
        let mut next = state.clone();
        let Operation { command, reply, .. } = &operations[place];
        let got = next.apply(command);
        if reply.as_ref().is_some_and(|seen| *seen != got) {
            continue;
        }
        happened[place] = true;
        let explained = some_order_explains(operations, &next, happened);
        happened[place] = false;
        if explained {
            return true;
        }
    }
    false
}

/// Whether nothing that has not happened must come before `place`, and nothing that has happened
/// after it.
fn can_be_next(operations: &[Operation], happened: &[bool], place: usize) -> bool {
    let this = &operations[place];
    operations.iter().enumerate().all(|(other, that)| {
        let same = that.client == this.client;
        if happened[other] {
            // Something lost that has been passed over is lost for good.
            that.call < this.end && !(same && place < other)
        } else {
            let answered_before = that.end < this.call && that.reply.is_some();
            let sent_before = same && other < place && that.end >= this.call;
            !answered_before && !sent_before
        }
    })
}

/// Changes one reply: to another one of this history, to none, or to something never written.
fn falsify(history: &mut [Operation], rng: &mut StdRng) {
    let replies: Vec<Value> = history.iter().filter_map(|one| one.reply.clone()).collect();
    let answered = history.iter_mut().filter(|one| one.reply.is_some());
    let mut answered: Vec<&mut Operation> = answered.collect();
    if answered.is_empty() {
        return;
    }
    let place = rng.random_range(0..answered.len());
    let other = replies[rng.random_range(0..replies.len())].clone();
    let falsified = match (rng.random_range(0..6), &answered[place].reply) {
        (0, _) => Value::Null,
        (1, _) => Value::Bulk("never written".into()),
        (2, Some(Value::Integer(number))) => Value::Integer(number + 1),
        _ => other,
    };
    answered[place].reply = Some(falsified);
}

#[test]
fn what_a_server_did_is_accepted() {
    for seed in 0..100 {
        let history = Simulation::new(seed, 6).run(400);
        let verdict = check(&history, GROUPS[GROUP]);
        assert!(verdict.is_ok(), "seed {seed}: {verdict:?}");
    }
}

/// On short histories the checker says what all orders say; about half of these are false.
#[test]
fn all_orders_agree_with_the_checker() {
    let mut counts = [0_u32; 2];
    for seed in 0..2_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut history = Simulation::new(seed, 3).run(22);
        falsify(&mut history, &mut rng);
        let keys = GROUPS[GROUP];
        let mut happened = vec![false; history.len()];
        let possible = some_order_explains(&history, &State::empty(keys), &mut happened);
        let verdict = check(&history, keys);
        let lines: Vec<String> = history.iter().map(ToString::to_string).collect();
        assert_eq!(
            verdict.is_ok(),
            possible,
            "seed {seed}\n{}",
            lines.join("\n")
        );
        counts[usize::from(possible)] += 1;
    }
    assert!(
        counts.iter().all(|count| *count > 400),
        "a useless test: {counts:?}"
    );
}

/// A long history in which one write was forgotten, and one whose reader saw it.
#[test]
fn a_write_that_only_its_reader_knows_is_caught() {
    let mut falsified = 0;
    for seed in 0..100 {
        let mut history = Simulation::new(seed, 6).run(400);
        let read = history
            .iter()
            .find_map(|one| match (&one.command, &one.reply) {
                (Command::Get(_), Some(Value::Bulk(value))) => Some(value.clone()),
                _ => None,
            });
        let Some(value) = read else { continue };
        let before = history.len();
        history.retain(|one| !writes(&one.command, &value));
        if history.len() + 1 != before {
            continue;
        }
        falsified += 1;
        let verdict = check(&history, GROUPS[GROUP]);
        let caught = matches!(verdict, Err(Violation::Impossible { .. }));
        assert!(caught, "seed {seed}: {verdict:?}");
    }
    assert!(falsified > 40, "a useless test: {falsified}");
}

fn writes(command: &Command, wanted: &Bytes) -> bool {
    match command {
        Command::Set { value, .. } => value == wanted,
        Command::Mset(pairs) => pairs.iter().any(|(_, value)| value == wanted),
        _ => false,
    }
}
