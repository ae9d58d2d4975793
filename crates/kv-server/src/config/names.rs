//! By which names knobs are found: their own, and those that Redis and Valkey also understand.

use super::knobs::{KNOBS, Knob};
use super::{kept, meter_knobs};

/// Other names, sorted, each with the name that counts.
const ALIASES: &[(&str, &str)] = &[
    (
        "commandlog-execution-slower-than",
        "slowlog-log-slower-than",
    ),
    ("commandlog-slow-execution-max-len", "slowlog-max-len"),
    ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
    ("hash-max-ziplist-value", "hash-max-listpack-value"),
    ("list-max-ziplist-size", "list-max-listpack-size"),
    ("masterauth", "primaryauth"),
    ("masteruser", "primaryuser"),
    ("min-slaves-to-write", "min-replicas-to-write"),
    ("repl-ping-slave-period", "repl-ping-replica-period"),
    ("slave-read-only", "replica-read-only"),
    ("slave-serve-stale-data", "replica-serve-stale-data"),
    ("slaveof", "replicaof"),
    ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
    ("zset-max-ziplist-value", "zset-max-listpack-value"),
];

/// Names that only those find who know them.
const HIDDEN: &[&str] = &["key-load-delay"];

/// Whether the knob called `name` is left out where a pattern finds it.
pub(crate) fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name)
}

static METERS: [[Knob; 2]; 3] = meter_knobs::JOURNALS;

/// Every name, sorted, with its knob.
pub(crate) fn all() -> Vec<(&'static str, &'static Knob)> {
    let meters = METERS.iter().flatten().chain(&meter_knobs::LATENCY);
    let own = KNOBS.iter().chain(kept::KNOBS).chain(meters);
    let aliases = ALIASES.iter().filter_map(|&(alias, name)| {
        let knob = own.clone().find(|knob| knob.name == name)?;
        Some((alias, knob))
    });
    let names = own.clone().map(|knob| (knob.name, knob));
    let mut all: Vec<_> = names.chain(aliases).collect();
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
        let own = KNOBS.len() + kept::KNOBS.len() + METERS.as_flattened().len() + 1;
        assert_eq!(all.len(), own + ALIASES.len());
        assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let knob = find(b"ZSET-max-ziplist-value").unwrap();
        assert_eq!(knob.name, "zset-max-listpack-value");
        assert!(find(b"nosuch").is_none());
    }
}
