//! Back-pressure under `everysec`: syncs take longer than acknowledged bytes may wait, so writers are held up,
//! and released every time.

use std::sync::Arc;
use std::time::Duration;

use super::life::{Disk, append, open};
use super::search::search;
use crate::Durability;
use crate::primitives::thread;

const WRITERS: u64 = 2;
const WRITES: u64 = 3;

/// Longer than bytes may wait.
const SYNC_TAKES: Duration = Duration::from_millis(2_500);

#[test]
fn whoever_waits_for_a_slow_disk_is_released() {
    search(1_500, || {
        let disk = Disk::default();
        let store = open(&disk, Durability::EverySec);
        disk.syncs_take(SYNC_TAKES);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let log = Arc::clone(&store.log);
                thread::spawn(move || {
                    for number in 0..WRITES {
                        let (_, lsn) = append(&log, writer, number).expect("nothing fails");
                        let waited = log.gate.wait(lsn, Durability::EverySec);
                        waited.expect("nothing fails");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("its panic ends the schedule");
        }
        store.close().expect("nothing fails");
    });
}
