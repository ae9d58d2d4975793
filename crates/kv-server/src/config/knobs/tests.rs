//! Tests of the knobs.

use super::*;
use crate::config::names::find;
use crate::config::settings::{
    KEEPALIVE_S, OUTPUT_HARD_BYTES, OUTPUT_SOFT_BYTES, OUTPUT_SOFT_S, PUBSUB_HARD_BYTES,
    PUBSUB_SOFT_BYTES, REQUEST_TIMEOUT_S, TRACKED_KEYS_MAX,
};

#[test]
fn knobs_are_sorted_and_told_in_sentences() {
    assert!(KNOBS.is_sorted_by(|a, b| a.name < b.name));
    assert!(KNOBS.iter().all(|knob| knob.doc.ends_with('.')));
}

#[test]
fn the_documented_defaults_are_the_real_ones() {
    let default = |name: &str| find(name.as_bytes()).unwrap().default.to_owned();
    assert_eq!(default("request-timeout"), REQUEST_TIMEOUT_S.to_string());
    assert_eq!(default("tcp-keepalive"), KEEPALIVE_S.to_string());
    assert_eq!(
        default("client-output-buffer-limit"),
        format!(
            "normal {OUTPUT_HARD_BYTES} {OUTPUT_SOFT_BYTES} {OUTPUT_SOFT_S} \
             pubsub {PUBSUB_HARD_BYTES} {PUBSUB_SOFT_BYTES} {OUTPUT_SOFT_S}"
        )
    );
    assert_eq!(
        default("tracking-table-max-keys"),
        TRACKED_KEYS_MAX.to_string()
    );
    assert_eq!(
        default("proto-max-bulk-len"),
        kv_proto::BULK_BYTES_MAX.to_string()
    );
    assert_eq!(
        default("client-query-buffer-limit"),
        kv_proto::REQUEST_BYTES_MAX.to_string()
    );
}

#[test]
fn numbers_are_checked_before_anything_changes() {
    let timeout = |text: &str| number(text, 0..=10, |settings| &settings.idle_timeout_s).err();
    assert_eq!(timeout("7"), None);
    assert_eq!(
        timeout("x").unwrap(),
        "argument couldn't be parsed into an integer"
    );
    assert_eq!(
        timeout("-1").unwrap(),
        "argument must be between 0 and 10 inclusive"
    );
    assert_eq!(
        timeout("11").unwrap(),
        "argument must be between 0 and 10 inclusive"
    );
}
