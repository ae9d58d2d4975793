//! The syncer, for the policies under which the writer does not sync each commit: syncs once a second
//! (`everysec`) and when somebody waits for durability, so that a slow sync never holds up a write.

use crate::Durability;
use crate::log::Log;
use crate::pace::SYNC_INTERVAL;
use crate::poison::Failed;
use crate::primitives::Instant;
use crate::primitives::atomic::Ordering::SeqCst;

/// Syncs until the log is closed or fails.
pub(crate) fn run(log: &Log) -> Result<(), Failed> {
    let every_second = log.durability == Durability::EverySec;
    let mut last_begun: Option<Instant> = None;
    while !log.closing.load(SeqCst) {
        log.check()?;
        let gone_on = || log.closing.load(SeqCst) || log.check().is_err();
        let left = last_begun
            .and_then(|begun| SYNC_INTERVAL.checked_sub(begun.elapsed()))
            .unwrap_or_default();
        if is_asked(log) || (every_second && is_unsynced(log) && left.is_zero()) {
            last_begun = Some(Instant::now());
            sync(log)?;
        } else if every_second && is_unsynced(log) {
            log.syncer.sleep(Some(left), || is_asked(log) || gone_on());
        } else {
            log.syncer.sleep(None, || {
                is_asked(log) || (every_second && is_unsynced(log)) || gone_on()
            });
        }
    }
    Ok(())
}

/// Whether there is anything to sync.
fn is_unsynced(log: &Log) -> bool {
    log.gate.written() > log.gate.durable()
}

/// Whether somebody waits for something that can be synced now.
fn is_asked(log: &Log) -> bool {
    is_unsynced(log) && log.gate.durable_wanted() > log.gate.durable()
}

fn sync(log: &Log) -> Result<(), Failed> {
    // In this order: what was written before is in this file, or in an older one that rotation has synced.
    let written = log.gate.written();
    log.sync(&log.live(), written)?;
    log.writer.wake();
    log.readmit();
    Ok(())
}
