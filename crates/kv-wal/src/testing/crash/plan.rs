//! What the threads of one life do: a plan of transactions, made from a seed.

use std::time::Duration;

use kv_core::{Db, UnixMillis};

use super::model::{Keyed, Step};
use crate::testing::chance::Chance;
use crate::{Durability, Encoding};

/// How many keys there are, few so that they meet often.
const KEYS: usize = 12;

/// How many databases are used.
const DATABASES: u16 = 2;

/// The time at which nothing has expired yet.
const LONG_AGO: UnixMillis = UnixMillis(0);

/// How one life is lived.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything else that is done.
    pub seed: u64,
    /// The policy of the store.
    pub durability: Durability,
    /// The policy that is promised; the same, unless a test breaks it.
    pub promised: Durability,
    /// How effects are written.
    pub encoding: Encoding,
    /// The size of a segment.
    pub segment_bytes: u64,
    /// Threads that write.
    pub writers: usize,
    /// Threads that read.
    pub readers: usize,
    /// Transactions of each writer.
    pub units: usize,
    /// Snapshots that are made beside them.
    pub snapshots: usize,
    /// How long a sync takes: the slower, the more goes into one commit.
    pub sync_takes: Duration,
    /// A bug that is planted in those who use the store.
    pub cheat: Cheat,
}

/// A bug of those who use the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cheat {
    /// None.
    #[default]
    None,
    /// Writes are acknowledged without waiting for the log.
    AcknowledgeEarly,
    /// What was read is shown without waiting for the log.
    ShowEarly,
}

impl Plan {
    /// A life of everyday variety.
    #[must_use]
    pub fn any(seed: u64) -> Self {
        let mut chance = Chance::of(&[seed, 1]);
        let durability = *chance.pick(&[
            Durability::Always,
            Durability::Always,
            Durability::EverySec,
            Durability::No,
        ]);
        Self {
            seed,
            durability,
            promised: durability,
            encoding: *chance.pick(&[Encoding::Binary, Encoding::Json]),
            segment_bytes: *chance.pick(&[5 << 10, 6 << 10, 8 << 10, 12 << 10]),
            writers: 1 + chance.below(3),
            readers: chance.below(2),
            units: 6 + chance.below(14),
            sync_takes: Duration::from_micros(*chance.pick(&[0, 0, 50, 200])),
            cheat: Cheat::None,
            snapshots: *chance.pick(&[0, 1, 1, 2, 3]),
        }
    }

    /// The same with less to do, for lives that are lived very often.
    #[must_use]
    pub fn small(self) -> Self {
        Self {
            writers: self.writers.min(2),
            units: self.units.min(8),
            segment_bytes: self.segment_bytes.min(6 << 10),
            sync_takes: Duration::ZERO,
            ..self
        }
    }

    /// The transactions of one writer, in its order.
    pub(super) fn script(&self, writer: usize) -> Vec<Task> {
        let mut chance = Chance::of(&[self.seed, 2, writer as u64]);
        (0..self.units)
            .map(|number| Task::any(&mut chance, writer * self.units + number))
            .collect()
    }
}

/// One transaction and what its writer does after it.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The database that it begins in.
    pub(super) db: Db,
    /// The time that it takes for now.
    pub(super) now: UnixMillis,
    /// What it does, each thing in a database of its own.
    pub(super) steps: Vec<(Db, Step)>,
    /// Whether it needs every key of every database.
    pub(super) needs_all: bool,
    pub(super) waits: Waits,
}

/// What a writer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Goes on at once.
    No,
    /// Until the store's own promise holds.
    Promise,
    /// Until it is durable, whatever the store's policy is.
    Durable,
}

impl Task {
    fn any(chance: &mut Chance, number: usize) -> Self {
        let db = Db(u16::from(chance.percent(20)) % DATABASES);
        let now = UnixMillis(1000 + 10 * i64::try_from(number).unwrap_or(0));
        let many = if chance.percent(15) {
            2 + chance.below(5)
        } else {
            1
        };
        let mut steps: Vec<_> = (0..many)
            .map(|place| {
                let elsewhere = place > 0 && chance.percent(30);
                let db = Db((db.0 + u16::from(elsewhere)) % DATABASES);
                (db, any_step(chance, number, now))
            })
            .collect();
        let needs_all = chance.percent(3);
        if needs_all {
            let first = match chance.below(10) {
                0..4 => {
                    let name = format!("lib:{}", chance.below(3)).into_bytes();
                    let stays = chance.percent(70);
                    Step::Library(name, stays.then(|| any_value(chance, number)))
                }
                4..8 => Step::FlushDb,
                _ => Step::FlushAll,
            };
            steps.insert(0, (db, first));
        }
        let waits = match chance.below(100) {
            0..55 => Waits::Promise,
            55..62 => Waits::Durable,
            _ => Waits::No,
        };
        Self {
            db,
            // Which of several keys have expired depends on the other threads: then none has.
            now: if many == 1 && !needs_all {
                now
            } else {
                LONG_AGO
            },
            steps,
            needs_all,
            waits,
        }
    }

    /// The keys that it touches.
    pub(super) fn keys(&self) -> Vec<&[u8]> {
        self.steps
            .iter()
            .filter_map(|(_, step)| step.key())
            .collect()
    }
}

fn any_step(chance: &mut Chance, number: usize, now: UnixMillis) -> Step {
    let key = any_key(chance).1;
    let soon = |chance: &mut Chance| {
        let later = i64::try_from(1 + chance.below(400)).unwrap_or(1);
        UnixMillis(now.0 + later)
    };
    if chance.percent(15) {
        // Lists have keys of their own, so that none ever meets a string.
        let list = format!("list:{}", chance.below(3)).into_bytes();
        return match chance.below(100) {
            0..65 => Step::Push(list, any_value(chance, number)),
            65..90 => Step::Pop(list, 1 + chance.below(4)),
            90..95 => Step::Expire(list, Some(soon(chance))),
            _ => Step::Delete(list),
        };
    }
    if chance.percent(20) {
        return any_keyed_step(chance, number, soon);
    }
    match chance.below(100) {
        0..50 => Step::Set(key, any_value(chance, number), None),
        50..57 => Step::Set(key, any_value(chance, number), Some(soon(chance))),
        57..75 => Step::Append(key, any_value(chance, number)),
        75..83 => Step::Expire(key, Some(soon(chance))),
        83..86 => Step::Expire(key, None),
        _ => Step::Delete(key),
    }
}

/// A change of a hash, set or sorted set, each of which has keys of its own.
fn any_keyed_step(
    chance: &mut Chance,
    number: usize,
    soon: impl Fn(&mut Chance) -> UnixMillis,
) -> Step {
    let (keyed, kind) = *chance.pick(&[
        (Keyed::Hash, "hash"),
        (Keyed::Set, "set"),
        (Keyed::ZSet, "zset"),
    ]);
    let key = format!("{kind}:{}", chance.below(2)).into_bytes();
    let name = format!("name:{}", chance.below(8)).into_bytes();
    match chance.below(100) {
        0..70 => {
            let value = match keyed {
                Keyed::Hash => any_value(chance, number),
                Keyed::Set => Vec::new(),
                Keyed::ZSet => {
                    let score = u8::try_from(chance.below(5)).map_or(0.0, f64::from);
                    score.to_le_bytes().to_vec()
                }
            };
            Step::Put(key, keyed, name, value)
        }
        70..90 => Step::Remove(key, keyed, name),
        90..96 => Step::Expire(key, Some(soon(chance))),
        _ => Step::Delete(key),
    }
}

/// A key that some writer may know.
pub(super) fn any_key(chance: &mut Chance) -> (Db, Vec<u8>) {
    let db = Db(u16::from(chance.percent(20)) % DATABASES);
    (db, format!("key:{}", chance.below(KEYS)).into_bytes())
}

/// A value: sometimes a number, mostly short, sometimes as long as some sectors, seldom longer than a segment.
fn any_value(chance: &mut Chance, number: usize) -> Vec<u8> {
    let length = match chance.below(200) {
        0..40 => return number.to_string().into_bytes(),
        40..184 => chance.below(40),
        184..199 => 200 + chance.below(1200),
        _ => 3_000 + chance.below(6_000),
    };
    let mut value = format!("{number}:").into_bytes();
    let text = value.len();
    value.resize(text + length, b'.');
    if chance.percent(15) {
        chance.fill(&mut value[text..]);
    }
    value
}
