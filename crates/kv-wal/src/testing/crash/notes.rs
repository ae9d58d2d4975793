//! What the threads of a life write down, each thing with the place in the disk's trace at which it was so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kv_core::Lsn;

use super::history::{Floor, History, Unit};
use super::life::Past;
use super::model::Sight;
use super::plan::Plan;
use crate::Durability;
use crate::testing::disk::SimDisk;

/// The notes of one life.
pub(super) struct Notes<'d> {
    disk: &'d SimDisk,
    units: Mutex<Vec<Unit>>,
    durable: Mutex<Vec<(usize, Lsn)>>,
    acknowledged: Mutex<Vec<(usize, Lsn)>>,
    sights: Mutex<Vec<(usize, Sight)>>,
    reached: AtomicU64,
    failed: AtomicBool,
}

impl<'d> Notes<'d> {
    /// No notes yet; what `past` tells has just been recovered, so it is durable.
    pub(super) fn new(disk: &'d SimDisk, past: &Past) -> Self {
        let born = past.history.last();
        Self {
            disk,
            units: Mutex::default(),
            durable: Mutex::new(vec![(disk.position(), born)]),
            acknowledged: Mutex::default(),
            sights: Mutex::default(),
            reached: AtomicU64::new(born.0),
            failed: AtomicBool::new(false),
        }
    }

    /// A transaction was done.
    pub(super) fn did(&self, unit: Unit) {
        lock(&self.units).push(unit);
    }

    /// Somebody was told that everything up to `lsn` is as safe as the store promises.
    pub(super) fn acknowledged(&self, lsn: Lsn) {
        let position = self.disk.position();
        self.reached.fetch_max(lsn.0, SeqCst);
        lock(&self.acknowledged).push((position, lsn));
    }

    /// Somebody was told that everything up to `lsn` is durable.
    pub(super) fn durable(&self, lsn: Lsn) {
        lock(&self.durable).push((self.disk.position(), lsn));
    }

    /// The log was closed: everything is durable.
    pub(super) fn all_durable(&self) {
        let newest = lock(&self.units).iter().map(|unit| unit.last).max();
        self.durable(newest.unwrap_or_default());
    }

    /// Somebody was shown something.
    pub(super) fn saw(&self, sight: Sight) {
        lock(&self.sights).push((self.disk.position(), sight));
    }

    /// Somebody was told that the log has failed.
    pub(super) fn fail(&self) {
        self.failed.store(true, SeqCst);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    /// What the history had surely reached by now.
    pub(super) fn reached(&self) -> Lsn {
        Lsn(self.reached.load(SeqCst))
    }

    /// The history with this life, and what of it must be there after a loss of power and after a kill.
    ///
    /// # Errors
    ///
    /// In words: what was noted cannot have been.
    pub(super) fn read(self, past: &Past, plan: &Plan) -> Result<(History, Floor, Floor), String> {
        let mut history = past.history.clone();
        history.extend(into_inner(self.units))?;
        let (mut power, mut kill) = past.floors();
        for (position, lsn) in into_inner(self.durable) {
            power.raise(position, lsn);
            kill.raise(position, lsn);
        }
        for (position, lsn) in into_inner(self.acknowledged) {
            kill.raise(position, lsn);
        }
        for (position, sight) in into_inner(self.sights) {
            let lsn = history
                .oldest_of(&sight)
                .ok_or_else(|| format!("what was seen was never so: {sight:?}"))?;
            kill.raise(position, lsn);
            if plan.promised == Durability::Always {
                power.raise(position, lsn);
            }
        }
        Ok((history, power, kill))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that has panicked fails the test by itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
