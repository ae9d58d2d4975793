//! The knobs of what is kept of requests that stand out.

use std::sync::atomic::Ordering::Relaxed;

use super::knobs::{Change, Knob};
use crate::meter::journal::{Journal, Journals};
use crate::server::Server;

/// A journal of a server.
type Which = fn(&Journals) -> &Journal;

/// A row for the threshold of a journal and one for its length.
macro_rules! journal {
    ($threshold:literal $default:literal $doc:literal, $length:literal $length_doc:literal, $which:expr) => {
        [
            Knob {
                name: $threshold,
                doc: $doc,
                default: $default,
                get: |server| threshold(server, $which),
                set: Some(|_, text| set_threshold(text, $which)),
            },
            Knob {
                name: $length,
                doc: $length_doc,
                default: "128",
                get: |server| length_max(server, $which),
                set: Some(|_, text| set_length_max(text, $which)),
            },
        ]
    };
}

/// The knobs of each journal.
pub(crate) const JOURNALS: [[Knob; 2]; 3] = [
    journal!(
        "commandlog-reply-larger-than" "1048576"
        "Bytes of a reply from which on `COMMANDLOG` keeps the request; -1 is never.",
        "commandlog-large-reply-max-len"
        "How many requests with large replies are kept.",
        |journals| &journals.large_reply
    ),
    journal!(
        "commandlog-request-larger-than" "1048576"
        "Bytes of a request from which on `COMMANDLOG` keeps it; -1 is never.",
        "commandlog-large-request-max-len"
        "How many large requests are kept.",
        |journals| &journals.large_request
    ),
    journal!(
        "slowlog-log-slower-than" "10000"
        "Microseconds from which on `SLOWLOG` keeps a request; -1 is never.",
        "slowlog-max-len"
        "How many slow requests are kept.",
        |journals| &journals.slow
    ),
];

/// The knob of `LATENCY`.
pub(crate) const LATENCY: [Knob; 1] = [Knob {
    name: "latency-monitor-threshold",
    doc: "Milliseconds from which on `LATENCY` keeps a moment; 0 is never.",
    default: "0",
    get: |server| server.latency.threshold_ms.load(Relaxed).to_string(),
    set: Some(|_, text| {
        let threshold_ms = at_least(text, 0)?.cast_unsigned();
        Ok(Box::new(move |server| {
            server.latency.threshold_ms.store(threshold_ms, Relaxed);
        }))
    }),
}];

fn threshold(server: &Server, which: Which) -> String {
    which(&server.journals).threshold.load(Relaxed).to_string()
}

fn set_threshold(text: &str, which: Which) -> Result<Change, String> {
    let threshold = at_least(text, -1)?;
    Ok(Box::new(move |server| {
        which(&server.journals).threshold.store(threshold, Relaxed);
    }))
}

fn length_max(server: &Server, which: Which) -> String {
    which(&server.journals).length_max.load(Relaxed).to_string()
}

fn set_length_max(text: &str, which: Which) -> Result<Change, String> {
    let length_max = at_least(text, 0)?.cast_unsigned();
    Ok(Box::new(move |server| {
        which(&server.journals)
            .length_max
            .store(length_max, Relaxed);
    }))
}

fn at_least(text: &str, least: i64) -> Result<i64, String> {
    match text.trim().parse::<i64>() {
        Err(_) => Err("argument couldn't be parsed into an integer".to_owned()),
        Ok(number) if number < least => Err(format!(
            "argument must be between {least} and {} inclusive",
            i64::MAX
        )),
        Ok(number) => Ok(number),
    }
}
