//! The table of all commands, and how a name finds its entry.
//!
//! Invariant: a name is looked up with one hash and, nearly always, one comparison; nothing is allocated.

use std::sync::LazyLock;

use kv_proto::RequestRef;

use super::error::CommandError;
use super::spec::{CommandSpec, Run};
use super::{
    admin, bitmap, connection, geo, hash, hyperloglog, introspect, keys, list, pubsub, script, set, string,
    transaction, zset,
};

/// Every command, group by group, each group sorted by name.
pub(crate) static TABLE: &[&[CommandSpec]] = &[
    string::GROUP,
    list::GROUP,
    set::GROUP,
    zset::GROUP,
    hash::GROUP,
    bitmap::GROUP,
    hyperloglog::GROUP,
    geo::GROUP,
    keys::GROUP,
    pubsub::GROUP,
    transaction::GROUP,
    script::GROUP,
    connection::GROUP,
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
    slots: Box<[Option<&'static CommandSpec>]>,
}

impl Index {
    fn new() -> Self {
        let capacity = (commands().count() * 8).next_power_of_two();
        let mut index = Self {
            slots: vec![None; capacity].into(),
        };
        for spec in commands() {
            let free = index.probe(spec.name.as_bytes(), |slot| slot.is_none());
            index.slots[free] = Some(spec);
        }
        index
    }

    fn find(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        let place = self.probe(name, |slot| {
            slot.is_none_or(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
        });
        self.slots[place]
    }

    /// The first place from that of `name` on whose slot is `wanted`. Empty slots always are.
    fn probe(&self, name: &[u8], wanted: impl Fn(Option<&CommandSpec>) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = hash(name) & mask;
        while !wanted(self.slots[place]) {
            place = (place + 1) & mask;
        }
        place
    }
}

/// A hash of the first and last eight bytes and the length, letters in either case alike.
fn hash(name: &[u8]) -> usize {
    let (head, tail) = match (name.first_chunk(), name.last_chunk()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => {
            let mut word = [0; 8];
            word[..name.len()].copy_from_slice(name);
            (u64::from_le_bytes(word), 0)
        }
    };
    // Bit 5 is what tells small letters from capitals; it is ignored in all bytes.
    const CASE: u64 = 0xDFDF_DFDF_DFDF_DFDF;
    let mixed = ((head & CASE) ^ (tail & CASE).rotate_left(29) ^ name.len() as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::with_request;

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
            let home = hash(spec.name.as_bytes()) & (INDEX.slots.len() - 1);
            let place = INDEX.probe(spec.name.as_bytes(), |slot| {
                slot.is_some_and(|slot| slot.name == spec.name)
            });
            1 + (place.wrapping_sub(home) & (INDEX.slots.len() - 1))
        };
        let worst = commands().map(places).max();
        assert!(worst <= Some(4), "{worst:?}");
        let total: usize = commands().map(places).sum();
        assert!(total * 4 <= commands().count() * 5, "{total}");
    }
}
