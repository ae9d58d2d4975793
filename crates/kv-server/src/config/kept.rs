//! Knobs of Redis that clients and tools set and that have nothing to steer here: what they are set to is
//! checked as Redis checks it, kept and shown.
//!
//! Only a knob whose every value is true of this server, or changes nothing that a client could see, belongs
//! here; one that would promise something does not.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::knobs::{Change, Knob};
use super::size;
use crate::server::Server;

/// The values of these knobs, as far as they are not the defaults.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<BTreeMap<&'static str, String>>);

impl Kept {
    /// What `name` is set to, which is empty by default.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name, "")
    }

    fn get(&self, name: &str, default: &str) -> String {
        let value = self.values().get(name).cloned();
        value.unwrap_or_else(|| default.to_owned())
    }

    fn set(&self, name: &'static str, value: String) {
        self.values().insert(name, value);
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a kept value must look like.
enum Form {
    /// `yes` or `no`.
    YesNo,
    /// A whole number between two.
    Number(i64, i64),
    /// A number of bytes, shown without its unit.
    Bytes,
    /// Numbers from 0 to 100.
    Percentiles,
    /// Pairs of seconds and changes.
    Saves,
    /// The empty text.
    Nothing,
    /// Anything.
    Text,
}

impl Form {
    /// `text` as it is shown.
    fn read(&self, text: &str) -> Result<String, String> {
        let trimmed = text.trim();
        match *self {
            Self::YesNo => match trimmed.to_ascii_lowercase() {
                word if word == "yes" || word == "no" => Ok(word),
                _ => Err("argument must be 'yes' or 'no'".to_owned()),
            },
            Self::Number(least, most) => match trimmed.parse::<i64>() {
                Err(_) => Err("argument couldn't be parsed into an integer".to_owned()),
                Ok(number) if number < least || number > most => Err(format!(
                    "argument must be between {least} and {most} inclusive"
                )),
                Ok(number) => Ok(number.to_string()),
            },
            Self::Bytes => match size::parse(trimmed) {
                Some(bytes) => Ok(bytes.to_string()),
                None => Err("argument must be a memory value".to_owned()),
            },
            Self::Percentiles => match percentiles(trimmed) {
                Some(_) => Ok(trimmed.to_owned()),
                None => Err("argument must be numbers between 0 and 100 inclusive".to_owned()),
            },
            Self::Saves => {
                let mut words = trimmed.split_ascii_whitespace();
                let is_number = |word: &str| word.parse::<u32>().is_ok_and(|number| number > 0);
                match words.clone().count().is_multiple_of(2) && words.all(is_number) {
                    true => Ok(trimmed.to_owned()),
                    false => Err("Invalid save parameters".to_owned()),
                }
            }
            Self::Nothing => match trimmed {
                "" => Ok(String::new()),
                _ => Err("only the empty value is accepted".to_owned()),
            },
            Self::Text => Ok(text.to_owned()),
        }
    }
}

/// The percentiles that `INFO` shows.
pub(crate) fn latency_percentiles(kept: &Kept) -> Vec<f64> {
    percentiles(&kept.get("latency-tracking-info-percentiles", PERCENTILES)).unwrap_or_default()
}

const PERCENTILES: &str = "50 99 99.9";

/// The numbers in `text`, if all are percentages.
fn percentiles(text: &str) -> Option<Vec<f64>> {
    let numbers = text.split_ascii_whitespace().map(|word| word.parse().ok());
    numbers
        .map(|number| number.filter(|percent| (0.0..=100.0).contains(percent)))
        .collect()
}

/// A row for each: name, default, form, why there is nothing to steer.
macro_rules! kept {
    ($($name:literal $default:tt $form:expr, $why:literal)*) => {
        /// Every kept knob, sorted by name.
        pub(crate) const KNOBS: &[Knob] = &[$(Knob {
            name: $name,
            doc: $why,
            default: $default,
            get: |server| server.settings.kept.get($name, $default),
            set: Some(|_, text| keep($name, &$form, text)),
        }),*];
    };
}

fn keep(name: &'static str, form: &Form, text: &str) -> Result<Change, String> {
    let value = form.read(text)?;
    Ok(Box::new(move |server: &Server| {
        server.settings.kept.set(name, value);
    }))
}

const INT_MAX: i64 = i32::MAX as i64;

kept! {
    "active-expire-effort" "1" Form::Number(1, 10),
        "Kept for clients: what has expired is removed as fast as it can be."
    "activerehashing" "yes" Form::YesNo,
        "Kept for clients: tables grow and shrink a little with each change, with nothing to do in between."
    "aof-use-rdb-preamble" "yes" Form::YesNo,
        "Kept for clients: snapshots and the log have formats of their own."
    "availability-zone" "" Form::Text,
        "Where the server is, for clients that choose by that: `HELLO` and `INFO` tell it."
    "dbfilename" "dump.rdb" Form::Text,
        "Kept for clients: snapshots have names of their own."
    "dynamic-hz" "yes" Form::YesNo,
        "Kept for clients: see `hz`."
    "hz" "10" Form::Number(1, 500),
        "Kept for clients: background work goes on as often as there is some."
    "key-load-delay" "0" Form::Number(-INT_MAX, INT_MAX),
        "Kept for tests: loading is never made slower."
    "latency-tracking" "yes" Form::YesNo,
        "Kept for clients: every request is timed."
    "latency-tracking-info-percentiles" PERCENTILES Form::Percentiles,
        "Which percentiles the section `latencystats` of `INFO` has."
    "lazyfree-lazy-eviction" "yes" Form::YesNo,
        "Kept for clients: large values are always freed in the background."
    "lazyfree-lazy-expire" "yes" Form::YesNo,
        "Kept for clients: large values are always freed in the background."
    "lazyfree-lazy-server-del" "yes" Form::YesNo,
        "Kept for clients: large values are always freed in the background."
    "lazyfree-lazy-user-del" "yes" Form::YesNo,
        "Kept for clients: large values are always freed in the background."
    "lazyfree-lazy-user-flush" "yes" Form::YesNo,
        "Kept for clients: large values are always freed in the background."
    "list-compress-depth" "0" Form::Number(0, INT_MAX),
        "Kept for clients: lists are not compressed."
    "maxmemory-eviction-tenacity" "10" Form::Number(0, 100),
        "Kept for clients: room is made in short slices, whatever is asked."
    "min-io-threads-avoid-copy-reply" "7" Form::Number(0, INT_MAX),
        "Kept for clients: long replies are never copied."
    "min-string-size-avoid-copy-reply" "16384" Form::Bytes,
        "Kept for clients: long replies are never copied."
    "min-string-size-avoid-copy-reply-threaded" "65536" Form::Bytes,
        "Kept for clients: long replies are never copied."
    "prefetch-batch-max-size" "16" Form::Number(0, 128),
        "Kept for clients: the requests of one read are always prefetched together."
    "primaryauth" "" Form::Text,
        "Kept for clients: the server is nobody's replica."
    "primaryuser" "" Form::Text,
        "Kept for clients: the server is nobody's replica."
    "rdb-key-save-delay" "0" Form::Number(-INT_MAX, INT_MAX),
        "Kept for clients: `--snapshot-rate` says how fast a snapshot is made."
    "rdb-version-check" "strict" Form::Text,
        "Kept for clients: a payload from elsewhere is read if it can be."
    "rdbcompression" "yes" Form::YesNo,
        "Kept for clients: snapshots have a format of their own."
    "repl-backlog-size" "10485760" Form::Bytes,
        "Kept for clients: there are no replicas."
    "repl-backlog-ttl" "3600" Form::Number(0, INT_MAX),
        "Kept for clients: there are no replicas."
    "repl-diskless-sync" "yes" Form::YesNo,
        "Kept for clients: there are no replicas."
    "repl-diskless-sync-delay" "5" Form::Number(0, INT_MAX),
        "Kept for clients: there are no replicas."
    "repl-ping-replica-period" "10" Form::Number(1, INT_MAX),
        "Kept for clients: there are no replicas."
    "repl-timeout" "60" Form::Number(1, INT_MAX),
        "Kept for clients: there are no replicas."
    "replica-read-only" "yes" Form::YesNo,
        "Kept for clients: there are no replicas."
    "replica-serve-stale-data" "yes" Form::YesNo,
        "Kept for clients: there are no replicas."
    "sanitize-dump-payload" "no" Form::Text,
        "Kept for clients: what comes from outside is always checked in full."
    "save" "" Form::Saves,
        "Kept for clients: the log has every change, and its size makes snapshots due: `auto-aof-rewrite-min-size`."
    "stop-writes-on-bgsave-error" "yes" Form::YesNo,
        "Kept for clients: every write is in the log, whatever becomes of a snapshot."
    "tls-client-key-file-pass" "" Form::Nothing,
        "Always empty: connections are not encrypted."
    "tls-key-file-pass" "" Form::Nothing,
        "Always empty: connections are not encrypted."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_their_defaults_have_their_form() {
        assert!(KNOBS.is_sorted_by(|a, b| a.name < b.name));
        let kept = Kept::default();
        assert_eq!(kept.get("hz", "10"), "10");
        kept.set("hz", "20".to_owned());
        assert_eq!(kept.get("hz", "10"), "20");
    }

    #[test]
    fn values_are_read_as_redis_reads_them() {
        assert_eq!(Form::YesNo.read("YES").unwrap(), "yes");
        assert!(Form::YesNo.read("maybe").is_err());
        assert_eq!(Form::Bytes.read("16kb").unwrap(), "16384");
        assert!(Form::Bytes.read("16 apples").is_err());
        let number = Form::Number(1, 500);
        assert_eq!(number.read(" 7 ").unwrap(), "7");
        assert_eq!(
            number.read("501").unwrap_err(),
            "argument must be between 1 and 500 inclusive"
        );
        assert_eq!(
            number.read("x").unwrap_err(),
            "argument couldn't be parsed into an integer"
        );
        assert_eq!(Form::Text.read(" a b ").unwrap(), " a b ");
    }
}
