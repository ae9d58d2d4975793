//! What a power loss makes of what was not durable.
//!
//! Each change has a fate of its own, whatever the order of the changes was: the disk may have written the
//! last and not the first. A write is cut at sectors of 512 bytes, of which each holds what it held before,
//! what was written, noise, or what a file held that an earlier crash took. Bytes outside of the write are
//! never touched, those of the same sector included: a disk that loses power finishes or does not begin a
//! sector.
//!
//! One coincidence is left out: what an older file held where a sector was to be written is never the same but for
//! one bit. Recovery would call it damage; no disk brings it about, since a segment is overwritten with durable zeros
//! first.

use super::bytes::FileBytes;
use super::operation::{Change, FileId};
use super::state::{DiskState, Stale};
use crate::testing::chance::Chance;

/// What a disk writes at once, in bytes.
pub const SECTOR_BYTES: usize = 512;

/// The fates of everything that is not durable.
#[derive(Clone, Debug, Default)]
pub(in crate::testing) struct Fates {
    files: Vec<(FileId, Vec<Fate>)>,
    /// Of each change of the directory: was it kept?
    pub(super) names: Vec<bool>,
}

/// What became of one change of a file.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It reached the disk.
    Kept,
    /// It did not.
    Lost,
    /// Only the new length of the file did.
    OnlyLength,
    /// Some of its sectors did; the length did too, if it says so.
    Sectors(Vec<Sector>, bool),
}

/// What one sector of a write holds afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sector {
    New,
    Old,
    Noise(u64),
    Stale(usize),
}

impl Fates {
    /// Something that may become of `state` when the power goes. The first five variants are the plain ones:
    /// all is lost, all is kept, only bytes are kept, only names are kept, files show what files of their names
    /// held before. All others are up to `chance`.
    pub(in crate::testing) fn choose(
        state: &DiskState,
        variant: usize,
        chance: &mut Chance,
    ) -> Self {
        let plain = |bytes: Fate, names: bool| Self {
            files: of_each(state, |_, _| bytes.clone()),
            names: vec![names; state.pending_names.len()],
        };
        match variant {
            0 => plain(Fate::Lost, false),
            1 => plain(Fate::Kept, true),
            2 => plain(Fate::Kept, false),
            3 => plain(Fate::Lost, true),
            4 => Self {
                files: of_each(state, Fate::all_stale),
                ..plain(Fate::Lost, true)
            },
            _ => Self {
                files: of_each(state, |change, stale| Fate::choose(change, stale, chance)),
                names: state
                    .pending_names
                    .iter()
                    .map(|_| chance.percent(50))
                    .collect(),
            },
        }
    }

    pub(super) fn of(&self, file: FileId) -> &[Fate] {
        let fates = self.files.iter().find(|(id, _)| *id == file);
        fates.map_or(&[], |(_, fates)| fates)
    }
}

/// A fate for each pending change of each file, which is shown with the lost contents of the file's name.
fn of_each(
    state: &DiskState,
    mut fate: impl FnMut(&Change, Option<usize>) -> Fate,
) -> Vec<(FileId, Vec<Fate>)> {
    let files = state.files.iter();
    let unsettled = files.filter(|(_, file)| !file.pending.is_empty());
    unsettled
        .map(|(id, file)| {
            let stale = state.stale_of(*id);
            let pending = file.pending.iter();
            (*id, pending.map(|change| fate(change, stale)).collect())
        })
        .collect()
}

impl Fate {
    /// All sectors of a write hold what another file held; without one they are lost.
    fn all_stale(change: &Change, stale: Option<usize>) -> Self {
        match (change, stale) {
            (Change::Write { offset, bytes }, Some(stale)) => {
                let sectors = pieces(*offset, bytes.len()).count();
                Self::Sectors(vec![Sector::Stale(stale); sectors], true)
            }
            _ => Self::Lost,
        }
    }

    pub(super) fn choose(change: &Change, stale: Option<usize>, chance: &mut Chance) -> Self {
        let Change::Write { offset, bytes } = change else {
            return if chance.percent(50) {
                Self::Kept
            } else {
                Self::Lost
            };
        };
        let sectors = pieces(*offset, bytes.len()).count();
        let cut = chance.below(sectors + 1);
        let longer = chance.percent(50);
        let pattern = |sector: &mut dyn FnMut(usize) -> Sector| {
            Self::Sectors((0..sectors).map(sector).collect(), longer)
        };
        let either = |new| if new { Sector::New } else { Sector::Old };
        match chance.below(100) {
            0..20 => Self::Kept,
            20..38 => Self::Lost,
            38..42 => Self::OnlyLength,
            42..57 => pattern(&mut |at| either(at < cut)),
            57..65 => pattern(&mut |at| either(at >= cut)),
            65..80 => pattern(&mut |_| either(chance.percent(50))),
            _ => pattern(&mut |_| Sector::any(stale, chance)),
        }
    }

    pub(super) fn apply(&self, change: &Change, bytes: &mut FileBytes, stale: &Stale) {
        match (self, change) {
            (Self::Lost, _) => {}
            (_, Change::SetLen(length)) => bytes.set_len(*length),
            (Self::Kept, Change::Write { offset, bytes: new }) => bytes.write(new, *offset),
            (Self::OnlyLength, Change::Write { offset, bytes: new }) => {
                lengthen(bytes, offset + new.len());
            }
            (Self::Sectors(sectors, longer), Change::Write { offset, bytes: new }) => {
                for ((from, length), sector) in pieces(*offset, new.len()).zip(sectors) {
                    let new = &new[from - offset..][..length];
                    sector.apply(new, from, bytes, stale);
                }
                if *longer {
                    lengthen(bytes, offset + new.len());
                }
            }
        }
    }
}

impl Sector {
    fn any(stale: Option<usize>, chance: &mut Chance) -> Self {
        match (chance.below(5), stale) {
            (0, _) => Self::New,
            (1, _) => Self::Old,
            (2, _) | (_, None) => Self::Noise(chance.number()),
            (_, Some(stale)) => Self::Stale(stale),
        }
    }

    fn apply(self, new: &[u8], at: usize, bytes: &mut FileBytes, stale: &Stale) {
        match self {
            Self::New => bytes.write(new, at),
            Self::Old => {}
            Self::Noise(seed) => {
                let mut noise = vec![0; new.len()];
                Chance::of(&[seed]).fill(&mut noise);
                bytes.write(&noise, at);
            }
            Self::Stale(which) => {
                let mut held = vec![0; new.len()];
                let source = stale.get(which);
                let length = source.map_or(0, |(_, source)| source.read(&mut held, at));
                let bits: u32 = held
                    .iter()
                    .zip(new)
                    .map(|(a, b)| (a ^ b).count_ones())
                    .sum();
                if bits != 1 {
                    bytes.write(&held[..length], at);
                }
            }
        }
    }
}

fn lengthen(bytes: &mut FileBytes, length: usize) {
    bytes.set_len(length.max(bytes.len()));
}

/// A write of `length` bytes at `offset`, cut at sectors: where each piece begins, and its length.
fn pieces(offset: usize, length: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = offset + length;
    let first = offset / SECTOR_BYTES;
    (first..end.div_ceil(SECTOR_BYTES)).map(move |sector| {
        let from = (sector * SECTOR_BYTES).max(offset);
        let to = ((sector + 1) * SECTOR_BYTES).min(end);
        (from, to - from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_cut_at_sectors() {
        let pieces = |offset, length| pieces(offset, length).collect::<Vec<_>>();
        assert_eq!(pieces(500, 24), [(500, 12), (512, 12)]);
        assert_eq!(pieces(512, 512), [(512, 512)]);
        assert_eq!(pieces(0, 0), []);
        assert_eq!(pieces(1023, 514), [(1023, 1), (1024, 512), (1536, 1)]);
    }
}
