//! A simulated disk: an [`Fs`] in memory that knows what is durable and what is only written.
//!
//! Every call is counted, so that one of them can be made to fail. Every call that changes something is also
//! kept, in the order in which the disk saw them, as a [`Trace`]. Crashes are not played while a program
//! runs: they are looked for afterwards in the trace, at every place in it, as often as one likes. So the
//! threads of the program may run as they please, and a crash found in a trace is found again.
//!
//! Whoever uses the disk can ask for its [`SimDisk::position`], and so knows which of his acknowledgements
//! came before which call.
//!
//! What is simulated is stricter than any one file system: names, lengths, and bytes of different files and
//! of one file become durable in any order until they are synced. What is taken for granted is that syncing
//! works if it says so, that durable bytes stay, that a sector is written wholly or not at all, and that
//! dropping a clean page means that it is read from the disk again.

mod bytes;
mod fate;
mod fault;
mod operation;
mod sim;
mod state;
mod trace;

pub use bytes::FileBytes;
pub(crate) use bytes::{fingerprint, mix};
pub(in crate::testing) use fate::Fates;
pub use fate::SECTOR_BYTES;
pub use fault::{Fault, Struck, Trouble};
pub use operation::{Change, FileId, NameChange, Operation};
pub use sim::SimDisk;
pub use state::{DiskState, Names};
pub use trace::Trace;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::fs::{Dir, Fs};
    use crate::testing::chance::Chance;

    const VARIANTS: usize = 300;
    const SECTORS: usize = 40;

    fn opened(disk: &SimDisk) -> Arc<dyn Dir> {
        disk.open_dir(Path::new("any")).unwrap()
    }

    /// What `name` may hold after a loss of power; `None`: there is no such file.
    fn after_power_loss(disk: &SimDisk, name: &str) -> Vec<Option<Vec<u8>>> {
        let state = disk.state();
        let mut chance = Chance::of(&[1]);
        let mut found: Vec<_> = (0..VARIANTS)
            .map(|variant| {
                let after = state.after_power_loss(&Fates::choose(&state, variant, &mut chance));
                let file = after.file(name)?;
                after.bytes(file).map(FileBytes::to_vec)
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn what_is_synced_stays_and_what_is_not_may_be_lost_torn_or_noise() {
        let disk = SimDisk::new(1);
        let dir = opened(&disk);
        let file = dir.create("a").unwrap();
        file.write_at(&[1; 1024], 0).unwrap();
        file.sync_data().unwrap();
        let lost = None;
        let whole = Some(vec![1; 1024]);
        assert_eq!(after_power_loss(&disk, "a"), [lost, whole.clone()]);
        dir.sync().unwrap();
        assert_eq!(after_power_loss(&disk, "a"), [whole]);

        file.write_at(&[2; 1024], 512).unwrap();
        let found = after_power_loss(&disk, "a");
        let all = |found: &[Option<Vec<u8>>], of: &dyn Fn(&[u8]) -> bool| {
            found.iter().flatten().all(|bytes| of(bytes))
        };
        assert!(all(&found, &|bytes| bytes[..512] == [1; 512]));
        let has = |wanted: &[(u8, usize)]| {
            let pieces = wanted.iter().map(|&(byte, length)| vec![byte; length]);
            found.contains(&Some(pieces.collect::<Vec<_>>().concat()))
        };
        assert!(has(&[(1, 512), (2, 1024)]), "kept");
        assert!(has(&[(1, 1024)]), "lost");
        assert!(has(&[(1, 1024), (0, 512)]), "only longer");
        assert!(has(&[(1, 512), (2, 512)]), "torn");
        assert!(has(&[(1, 1024), (2, 512)]), "torn, the end only");
        assert!(
            !all(&found, &|bytes| bytes.iter().all(|&byte| byte <= 2)),
            "noise"
        );
    }

    #[test]
    fn changes_of_names_are_lost_independently() {
        let disk = SimDisk::new(1);
        let dir = opened(&disk);
        dir.create("a").unwrap();
        dir.create("b").unwrap();
        dir.sync().unwrap();
        dir.rename("a", "c").unwrap();
        dir.remove("b").unwrap();
        for name in ["a", "b", "c"] {
            let found = after_power_loss(&disk, name);
            assert_eq!(found, [None, Some(Vec::new())], "{name}");
        }
        dir.sync().unwrap();
        assert_eq!(after_power_loss(&disk, "a"), [None]);
        assert_eq!(after_power_loss(&disk, "b"), [None]);
        assert_eq!(after_power_loss(&disk, "c"), [Some(Vec::new())]);
    }

    #[test]
    fn a_failed_sync_drops_and_no_later_one_brings_back() {
        let disk = SimDisk::new(3);
        let dir = opened(&disk);
        let file = dir.create("a").unwrap();
        dir.sync().unwrap();
        // So many writes that chance does not keep all of them.
        for sector in 0..SECTORS {
            file.write_at(&[1; SECTOR_BYTES], (sector * SECTOR_BYTES) as u64)
                .unwrap();
        }
        let whole = vec![1; SECTORS * SECTOR_BYTES];
        let next = disk.calls();
        disk.plan(Fault {
            calls: next..next + 1,
            trouble: Trouble::Io,
        });
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        let seen = || {
            let mut bytes = whole.clone();
            let file = opened(&disk).open("a").unwrap();
            let length = file.read_at(&mut bytes, 0).unwrap();
            bytes.truncate(length);
            bytes
        };
        assert!(seen() == whole, "the cache still has it");
        let found = after_power_loss(&disk, "a");
        assert_eq!(found.len(), 1, "nothing is left to chance");
        assert!(found != [Some(whole.clone())], "something was dropped");
        file.drop_cache();
        assert!(found == [Some(seen())], "it is seen that it was dropped");
        assert_eq!(disk.struck().len(), 1);
    }

    #[test]
    fn a_trace_gives_every_moment_again() {
        let disk = SimDisk::new(1);
        let dir = opened(&disk);
        let mut prints = vec![disk.state().fingerprint()];
        let file = dir.create("a").unwrap();
        prints.push(disk.state().fingerprint());
        file.write_at(&[1; 100], 0).unwrap();
        prints.push(disk.state().fingerprint());
        dir.rename("a", "b").unwrap();
        prints.push(disk.state().fingerprint());
        let trace = disk.trace();
        let again = trace.states().map(|(_, state)| state.fingerprint());
        assert_eq!(again.collect::<Vec<_>>(), prints);
        assert_eq!(disk.position(), 3);
        let killed = trace.killed_inside(&trace.state(1), 1, 10).unwrap();
        let file = killed.file("a").unwrap();
        assert_eq!(killed.bytes(file).unwrap().to_vec(), [1; 10]);
    }
}
