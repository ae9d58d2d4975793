//! The section `keysizes` of `INFO`: how many keys of each kind there are of which size.
//!
//! Nothing is counted beforehand: the section looks at every key, so it is told only to who names it.

use std::fmt::Write as _;

use kv_core::{Cursor, Db, ValueRef};

use super::Lines;
use crate::engine::ServerCx;

/// Kinds in the order in which they are shown, with the words that Redis has for their sizes.
const KINDS: [&str; 5] = [
    "strings_sizes",
    "lists_items",
    "sets_items",
    "zsets_items",
    "hashes_items",
];

/// One for the size 0, and one for the sizes from each power of two on.
const CLASSES: usize = 65;

/// How many keys are shown before the scan goes on.
const SCAN_KEYS: usize = 1024;

/// How many keys of one kind there are in each class of sizes.
#[derive(Clone, Copy)]
struct Histogram([u64; CLASSES]);

impl Histogram {
    fn add(&mut self, size: usize) {
        let class = usize::BITS - size.leading_zeros();
        self.0[class as usize] += 1;
    }

    /// `1=5,16=2`: five keys of the size 1, two of 16 to 31.
    fn text(&self) -> String {
        let mut text = String::new();
        for (class, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{}={count}", label(class));
        }
        text
    }
}

/// The least size of a class: `512`, `1K`, `2M`.
fn label(class: usize) -> String {
    const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];

    match class.checked_sub(1) {
        None => "0".to_owned(),
        Some(power) => format!("{}{}", 1 << (power % 10), UNITS[power / 10]),
    }
}

/// Adds a line for each database and kind that there is.
pub(super) fn add(cx: &ServerCx<'_>, lines: &mut Lines) {
    for db in (0..cx.server.engine.databases()).map(Db) {
        for (kind, histogram) in KINDS.iter().zip(&of(cx, db)) {
            let text = histogram.text();
            if !text.is_empty() {
                lines.add(&format!("db{db}_distrib_{kind}"), text);
            }
        }
    }
}

fn of(cx: &ServerCx<'_>, db: Db) -> [Histogram; KINDS.len()] {
    let mut histograms = [Histogram([0; CLASSES]); KINDS.len()];
    if cx.count(db) == 0 {
        return histograms;
    }
    let mut cursor = Cursor::START;
    loop {
        cursor = cx.scan_memory(db, cursor, SCAN_KEYS, &mut |item| {
            if let Some((kind, size)) = size(item.value) {
                histograms[kind].add(size);
            }
        });
        if cursor == Cursor::START {
            return histograms;
        }
    }
}

/// The number of the kind of `value`, and its size.
fn size(value: ValueRef<'_>) -> Option<(usize, usize)> {
    match value {
        ValueRef::String(string) => Some((0, string.len())),
        ValueRef::List(list) => Some((1, list.len())),
        ValueRef::Set(set) => Some((2, set.len())),
        ValueRef::ZSet(zset) => Some((3, zset.len())),
        ValueRef::Hash(hash) => Some((4, hash.len())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_class_of_the_power_of_two_below() {
        let mut histogram = Histogram([0; CLASSES]);
        assert_eq!(histogram.text(), "");
        for size in [0, 1, 2, 3, 4, 1023, 1024, 1 << 21, usize::MAX] {
            histogram.add(size);
        }
        assert_eq!(histogram.text(), "0=1,1=1,2=2,4=1,512=1,1K=1,2M=1,8E=1");
    }
}
