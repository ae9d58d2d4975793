//! A disk that is full from one moment to the next, and stays so: whoever was admitted is answered, everybody
//! else is refused.

use std::io::ErrorKind;
use std::sync::Arc;

use kv_core::{Lsn, Refusal};

use super::life::{Disk, append, append_unasked, open};
use super::search::{catch, search};
use crate::Durability;
use crate::log::Log;
use crate::primitives::thread;

const WRITERS: u64 = 2;

/// More than the segments hold that are there when the disk becomes full.
const WRITES: u64 = 24;

/// Appends as [`append`] does.
type Append = fn(&Log, u64, u64) -> Result<(Vec<u8>, Lsn), Refusal>;

fn live(append: Append, freed: bool) {
    let disk = Disk::default();
    let store = open(&disk, Durability::Always);
    disk.files.fail_creates(Some(ErrorKind::StorageFull));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = Arc::clone(&store.log);
            thread::spawn(move || {
                for number in 0..WRITES {
                    match append(&log, writer, number) {
                        Ok((_, lsn)) => {
                            let waited = log.gate.wait(lsn, Durability::Always);
                            waited.expect("a full disk is no failure");
                        }
                        Err(Refusal::DiskFull) => return true,
                        Err(refusal) => panic!("{refusal:?}"),
                    }
                }
                false
            })
        })
        .collect();
    let refused = writers
        .into_iter()
        .map(|writer| writer.join().expect("its panic ends the schedule"))
        .fold(false, |any, refused| any | refused);
    assert!(refused, "that was more than there is room for");
    let log = Arc::clone(&store.log);
    if freed {
        disk.files.fail_creates(None);
        while log.stats().disk_full {
            // The next second has come.
            log.orders.interrupt();
            thread::yield_now();
        }
        let (_, lsn) = append(&log, WRITERS, 0).expect("there is room again");
        let waited = log.gate.wait(lsn, Durability::Always);
        waited.expect("there is room again");
    }
    let last = log.batches.last_lsn();
    drop(log);
    store.close().expect("a full disk is no failure");
    disk.files.fail_creates(None);
    assert_eq!(open(&disk, Durability::Always).recovered().last_lsn, last);
}

#[test]
fn a_full_disk_keeps_nobody_waiting() {
    search(1_000, || live(append, false));
}

#[test]
fn a_disk_with_room_again_is_written_to() {
    search(1_000, || live(append, true));
}

#[test]
fn admitting_without_headroom_is_caught() {
    catch("admit without headroom", || {
        live(
            |log, writer, number| Ok(append_unasked(log, writer, number)),
            false,
        );
    });
}
