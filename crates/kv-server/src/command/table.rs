//! The table of all commands, and how a name finds its entry.
//!
//! Invariant: a name is looked up with one hash and, nearly always, one comparison; nothing is allocated.

use std::sync::LazyLock;

use kv_proto::RequestRef;

use super::error::CommandError;
use super::spec::{CommandSpec, Run};
use super::{
    acl, admin, bitmap, connection, geo, hash, hyperloglog, introspect, keys, list, pubsub, script,
    set, stream, string, transaction, zset,
};

/// Every command, group by group, each group sorted by name.
pub(crate) static TABLE: &[&[CommandSpec]] = &[
    string::GROUP,
    list::GROUP,
    set::GROUP,
    zset::GROUP,
    hash::GROUP,
    stream::GROUP,
    bitmap::GROUP,
    hyperloglog::GROUP,
    geo::GROUP,
    keys::GROUP,
    pubsub::GROUP,
    transaction::GROUP,
    script::GROUP,
    connection::GROUP,
    acl::GROUP,
    admin::GROUP,
    introspect::GROUP,
];

/// Every command, containers included, their subcommands not.
pub(crate) fn commands() -> impl Iterator<Item = &'static CommandSpec> {
    TABLE.iter().copied().flatten()
}

/// The command that `request` asks for, down to the subcommand. A container that is named alone is found
/// itself.
///
/// # Errors
///
/// There is no such command or subcommand.
pub(crate) fn find(request: RequestRef<'_>) -> Result<&'static CommandSpec, CommandError> {
    let name = request.get(0).unwrap_or_default();
    let Some(spec) = INDEX.find(name) else {
        let words = request.iter().skip(1);
        return Err(CommandError::unknown_command(name, words));
    };
    match (&spec.run, request.get(1)) {
        (Run::Group { .. }, Some(word)) => {
            subcommand(spec, word).ok_or_else(|| CommandError::unknown_subcommand(spec.name, word))
        }
        _ => Ok(spec),
    }
}

/// Whether `spec`, which was found by `word`, is all that this word can stand for: not a container, nor what a
/// second word has chosen from one.
pub(crate) fn is_known_by(spec: &CommandSpec, word: &[u8]) -> bool {
    spec.name.len() == word.len() && !matches!(spec.run, Run::Group { .. })
}

/// The command called `name`, or `container|subcommand`, in any case.
pub(crate) fn find_by_name(name: &[u8]) -> Option<&'static CommandSpec> {
    match name.iter().position(|&byte| byte == b'|') {
        None => INDEX.find(name),
        Some(bar) => subcommand(INDEX.find(&name[..bar])?, &name[bar + 1..]),
    }
}

fn subcommand(container: &'static CommandSpec, word: &[u8]) -> Option<&'static CommandSpec> {
    container
        .subcommands()
        .iter()
        .find(|spec| spec.name.as_bytes()[container.name.len() + 1..].eq_ignore_ascii_case(word))
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// An open-addressed table that is at most an eighth full.
struct Index {
    slots: Box<[Option<Slot>]>,
}

#[derive(Clone, Copy)]
struct Slot {
    ends: Ends,
    spec: &'static CommandSpec,
}

impl Index {
    fn new() -> Self {
        let capacity = (commands().count() * 8).next_power_of_two();
        let mut index = Self {
            slots: vec![None; capacity].into(),
        };
        for spec in commands() {
            let ends = Ends::of(spec.name.as_bytes());
            let free = index.probe(ends, |slot| slot.is_none());
            index.slots[free] = Some(Slot { ends, spec });
        }
        index
    }

    fn find(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        let ends = Ends::of(name);
        let is_it = |slot: Slot| {
            slot.ends == ends
                && (name.len() <= Ends::WHOLE_BYTES_MAX
                    || slot.spec.name.as_bytes().eq_ignore_ascii_case(name))
        };
        let place = self.probe(ends, |slot| slot.is_none_or(is_it));
        self.slots[place].map(|slot| slot.spec)
    }

    /// The first place from that of a name with these `ends` on whose slot is `wanted`. Empty slots always are.
    fn probe(&self, ends: Ends, wanted: impl Fn(Option<Slot>) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = ends.hash() & mask;
        while !wanted(self.slots[place]) {
            place = (place + 1) & mask;
        }
        place
    }
}

/// The first and the last eight bytes of a name, in capitals, and its length: all of a name of up to 16 bytes.
/// Comparing these needs no loop over the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    head: u64,
    tail: u64,
    bytes: usize,
}

impl Ends {
    /// A name of so many bytes is known by its ends.
    const WHOLE_BYTES_MAX: usize = 16;

    #[inline]
    fn of(name: &[u8]) -> Self {
        let (head, tail) = if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk())
        {
            (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
        } else if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
            (
                u32::from_le_bytes(*head).into(),
                u32::from_le_bytes(*tail).into(),
            )
        } else {
            let shift_in = |word, &byte| word << 8 | u64::from(byte);
            (name.iter().fold(0, shift_in), 0)
        };
        Self {
            head: capitals(head),
            tail: capitals(tail),
            bytes: name.len(),
        }
    }

    fn hash(self) -> usize {
        let mixed = (self.head ^ self.tail.rotate_left(29) ^ self.bytes as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 40) as usize
    }
}

/// Eight bytes with their small letters made capitals, all at once.
fn capitals(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low_bits = word & (EACH * 0x7f);
    // Bit 7 of each byte: whether it is at least `a`; whether it is above `z`; whether it is ASCII.
    let from_a = low_bits + EACH * u64::from(0x80 - b'a');
    let above_z = low_bits + EACH * u64::from(0x7f - b'z');
    let small = from_a & !above_z & !word & (EACH * 0x80);
    word ^ (small >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::with_request;

    #[test]
    fn capitals_are_those_of_ascii() {
        for byte in 0..=255_u8 {
            for at in 0..8 {
                let mut bytes = *b"aZ09[z`\xe1";
                bytes[at] = byte;
                let found = capitals(u64::from_le_bytes(bytes)).to_le_bytes();
                assert_eq!(found, bytes.map(|byte| byte.to_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_name_is_none() {
        for name in [
            &b""[..],
            b"G",
            b"GE",
            b"GE\x14",
            b"gEtT",
            b"\0GET",
            b"GET\0",
            b"\x47\x45\xd4",
        ] {
            assert!(find_by_name(name).is_none(), "{}", name.escape_ascii());
        }
        let long = commands().find(|spec| spec.name.len() > Ends::WHOLE_BYTES_MAX);
        let mut name = long.expect("some names are long").name.as_bytes().to_vec();
        name[8] ^= 1;
        assert!(find_by_name(&name).is_none());
    }

    #[test]
    fn names_are_found_in_any_case() {
        for spec in commands() {
            for name in [spec.name.to_owned(), spec.name.to_ascii_lowercase()] {
                let found = find_by_name(name.as_bytes()).map(|found| found.name);
                assert_eq!(found, Some(spec.name));
            }
            for subcommand in spec.subcommands() {
                let words: Vec<_> = subcommand.name.split('|').map(str::as_bytes).collect();
                let found = with_request(&words, |request| find(request).map(|spec| spec.name));
                assert_eq!(found, Ok(subcommand.name));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for name in [
            "",
            "g",
            "gett",
            "ge\0",
            "get|",
            "command|",
            "command|nosuch",
            "command|count|x",
            "nosuch|get",
            "a name that is longer than any",
        ] {
            assert!(find_by_name(name.as_bytes()).is_none(), "{name}");
        }
        assert!(INDEX.find(b"command|count").is_none());
    }

    #[test]
    fn a_lookup_looks_at_few_places() {
        let places = |spec: &CommandSpec| {
            let ends = Ends::of(spec.name.as_bytes());
            let home = ends.hash() & (INDEX.slots.len() - 1);
            let place = INDEX.probe(ends, |slot| {
                slot.is_some_and(|slot| slot.spec.name == spec.name)
            });
            1 + (place.wrapping_sub(home) & (INDEX.slots.len() - 1))
        };
        let worst = commands().map(places).max();
        assert!(worst <= Some(4), "{worst:?}");
        let total: usize = commands().map(places).sum();
        assert!(total * 4 <= commands().count() * 5, "{total}");
    }
}
