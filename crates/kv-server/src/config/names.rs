//! By which names knobs are found: their own, and older ones that Redis still understands.

use super::kept;
use super::knobs::{KNOBS, Knob};

/// Older names, sorted, each with the name that counts.
const ALIASES: &[(&str, &str)] = &[
    ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
    ("hash-max-ziplist-value", "hash-max-listpack-value"),
    ("list-max-ziplist-size", "list-max-listpack-size"),
    ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
    ("zset-max-ziplist-value", "zset-max-listpack-value"),
];

/// Every name, sorted, with its knob.
pub(crate) fn all() -> Vec<(&'static str, &'static Knob)> {
    let own = KNOBS.iter().chain(kept::KNOBS);
    let aliases = ALIASES.iter().filter_map(|&(alias, name)| {
        let knob = KNOBS.iter().find(|knob| knob.name == name)?;
        Some((alias, knob))
    });
    let mut all: Vec<_> = own.map(|knob| (knob.name, knob)).chain(aliases).collect();
    all.sort_unstable_by_key(|&(name, _)| name);
    all
}

/// The knob called `name`, in any case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Knob> {
    let mut all = all().into_iter();
    let found = all.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    found.map(|(_, knob)| knob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_and_every_alias_leads_somewhere() {
        let all = all();
        assert_eq!(all.len(), KNOBS.len() + kept::KNOBS.len() + ALIASES.len());
        assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let knob = find(b"ZSET-max-ziplist-value").unwrap();
        assert_eq!(knob.name, "zset-max-listpack-value");
        assert!(find(b"nosuch").is_none());
    }
}
