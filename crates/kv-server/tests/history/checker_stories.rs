//! Histories written by hand: what the checker must accept, and what it must not.
//!
//! Each story runs on group 0: two keys, `X` and `Y`. Client 9 is one that reads at the end.

use std::ops::Range;

use kv_proto::Value;

use super::checker::{Violation, check};
use super::command::{Command, Condition, Key, Lifetime};
use super::operation::Operation;

const X: Key = Key { group: 0, index: 0 };
const Y: Key = Key { group: 0, index: 1 };

fn ran(client: usize, time: Range<u64>, command: Command, reply: Value) -> Operation {
    Operation {
        client,
        life: 0,
        command,
        call: time.start,
        end: time.end,
        reply: Some(reply),
    }
}

/// Sent in `time`, at whose end the server crashed before it answered.
fn lost(client: usize, time: Range<u64>, command: Command) -> Operation {
    Operation {
        reply: None,
        ..ran(client, time, command, Value::Null)
    }
}

fn set(value: &'static str) -> Command {
    Command::set(X, value)
}

fn get(client: usize, time: Range<u64>, seen: &'static str) -> Operation {
    ran(client, time, Command::Get(X), Value::Bulk(seen.into()))
}

fn nothing(client: usize, time: Range<u64>) -> Operation {
    ran(client, time, Command::Get(X), Value::Null)
}

fn incr(client: usize, time: Range<u64>, after: i64) -> Operation {
    ran(
        client,
        time,
        Command::Increment(X, 1),
        Value::Integer(after),
    )
}

fn both(value: &'static str) -> Command {
    Command::Mset(vec![(X, value.into()), (Y, value.into())])
}

fn pair(client: usize, time: Range<u64>, x: Value, y: Value) -> Operation {
    let reply = Value::Array(vec![x, y]);
    ran(client, time, Command::Mget(vec![X, Y]), reply)
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

fn verdict(mut story: Vec<Operation>) -> Result<(), Violation> {
    story.sort_by_key(|operation| operation.call);
    check(&story, 2)
}

#[track_caller]
fn accept(story: Vec<Operation>) {
    verdict(story).expect("a possible history");
}

/// Asserts that the story breaks exactly where `client`'s operation that ends at `end` ends.
#[track_caller]
fn reject(mut story: Vec<Operation>, client: usize, end: u64) {
    story.sort_by_key(|operation| operation.call);
    match check(&story, 2) {
        Err(Violation::Impossible { operation, .. }) => {
            assert_eq!(
                (story[operation].client, story[operation].end),
                (client, end)
            );
        }
        other => panic!("expected an impossible history: {other:?}"),
    }
}

#[test]
fn nothing_happened() {
    accept(vec![]);
}

#[test]
fn what_was_written_is_read() {
    accept(vec![ran(0, 1..2, set("a"), ok()), get(1, 3..4, "a")]);
}

#[test]
fn a_read_beside_a_write_sees_either_value() {
    let write = || ran(0, 1..10, set("a"), ok());
    accept(vec![write(), nothing(1, 2..5), get(1, 6..9, "a")]);
    accept(vec![write(), get(1, 2..5, "a"), get(1, 6..9, "a")]);
}

#[test]
fn the_order_of_writes_beside_one_another_is_free_but_one_for_all() {
    let writes = [ran(0, 1..10, set("a"), ok()), ran(1, 2..9, set("b"), ok())];
    let [a, b] = writes;
    accept(vec![a.clone(), b.clone(), get(9, 11..12, "a")]);
    accept(vec![a.clone(), b.clone(), get(9, 11..12, "b")]);
    reject(vec![a, b, get(8, 11..12, "a"), get(9, 13..14, "b")], 9, 14);
}

#[test]
fn a_lost_write_is_caught() {
    reject(vec![ran(0, 1..2, set("a"), ok()), nothing(1, 3..4)], 1, 4);
}

#[test]
fn a_stale_read_is_caught() {
    let writes = [ran(0, 1..2, set("a"), ok()), ran(0, 3..4, set("b"), ok())];
    let [a, b] = writes;
    reject(vec![a, b, get(1, 5..6, "a")], 1, 6);
}

#[test]
fn a_value_that_nobody_wrote_is_caught() {
    reject(vec![ran(0, 1..9, set("a"), ok()), get(1, 2..3, "z")], 1, 3);
}

#[test]
fn two_reads_that_go_back_in_time_are_caught() {
    let write = ran(0, 1..10, set("a"), ok());
    reject(vec![write, get(1, 2..5, "a"), nothing(1, 6..9)], 1, 9);
}

#[test]
fn a_write_lost_in_a_crash_may_or_may_not_be_there() {
    let write = || lost(0, 1..10, set("a"));
    accept(vec![write(), nothing(9, 11..12), nothing(9, 13..14)]);
    accept(vec![write(), get(9, 11..12, "a"), get(9, 13..14, "a")]);
}

#[test]
fn an_acknowledged_write_that_a_crash_took_back_is_caught() {
    let story = vec![
        ran(0, 1..2, set("a"), ok()),
        lost(0, 3..10, set("b")),
        nothing(9, 11..12),
    ];
    reject(story, 9, 12);
}

#[test]
fn a_read_that_saw_what_a_crash_took_back_is_caught() {
    let story = vec![
        lost(0, 1..10, set("a")),
        get(1, 2..3, "a"),
        nothing(9, 11..12),
    ];
    reject(story, 9, 12);
}

#[test]
fn a_lost_write_that_comes_back_after_a_second_crash_is_caught() {
    let story = vec![
        lost(0, 1..10, set("a")),
        nothing(9, 11..12),
        lost(1, 13..20, Command::Append(Y, "z".into())),
        get(9, 21..22, "a"),
    ];
    reject(story, 9, 22);
}

#[test]
fn a_deleted_value_that_comes_back_after_a_crash_is_caught() {
    let story = vec![
        ran(0, 1..2, set("a"), ok()),
        ran(0, 3..4, Command::Del(vec![X]), Value::Integer(1)),
        lost(1, 5..10, Command::Persist(X)),
        get(9, 11..12, "a"),
    ];
    reject(story, 9, 12);
}

#[test]
fn an_increment_counts_once() {
    accept(vec![incr(0, 1..6, 2), incr(1, 2..5, 1), get(9, 7..8, "2")]);
    reject(vec![incr(0, 1..2, 1), get(9, 3..4, "2")], 9, 4);
    reject(vec![incr(0, 1..6, 1), incr(1, 2..5, 1)], 0, 6);
}

#[test]
fn a_lost_increment_counts_once_or_not_at_all() {
    let story = |after| {
        vec![
            incr(0, 1..2, 1),
            lost(0, 3..10, Command::Increment(X, 1)),
            after,
        ]
    };
    accept(story(get(9, 11..12, "1")));
    accept(story(get(9, 11..12, "2")));
    reject(story(get(9, 11..12, "3")), 9, 12);
}

#[test]
fn a_write_whose_condition_held_for_two_is_caught() {
    let first = |client, time| {
        let command = Command::Set {
            key: X,
            value: "lock".into(),
            condition: Condition::Absent,
            lifetime: Lifetime::Forever,
            get: false,
        };
        ran(client, time, command, ok())
    };
    accept(vec![first(0, 1..6)]);
    reject(vec![first(0, 1..6), first(1, 2..5)], 0, 6);
}

#[test]
fn half_of_a_command_after_a_crash_is_caught() {
    let a = || Value::Bulk("a".into());
    let story = |x, y| vec![lost(0, 1..10, both("a")), pair(9, 11..12, x, y)];
    accept(story(Value::Null, Value::Null));
    accept(story(a(), a()));
    reject(story(a(), Value::Null), 9, 12);
    reject(story(Value::Null, a()), 9, 12);
}

#[test]
fn half_of_a_command_is_caught_without_a_crash() {
    let story = vec![
        ran(0, 1..10, both("a"), ok()),
        pair(1, 2..5, Value::Null, Value::Bulk("a".into())),
    ];
    reject(story, 1, 5);
}

#[test]
fn a_lost_lifetime_is_caught() {
    const FAR_S: i64 = 4_000_000_000;
    let story = |seen| {
        vec![
            ran(0, 1..2, set("a"), ok()),
            ran(0, 3..4, Command::ExpireAt(X, FAR_S), Value::Integer(1)),
            ran(9, 5..6, Command::ExpireTime(X), Value::Integer(seen)),
        ]
    };
    accept(story(FAR_S));
    reject(story(-1), 9, 6);
}

#[test]
fn what_one_client_sent_together_happens_in_order() {
    let append = |time, part: &'static str, length| {
        let command = Command::Append(X, part.into());
        ran(0, time, command, Value::Integer(length))
    };
    accept(vec![append(1..5, "a", 1), append(2..6, "bc", 3)]);
    reject(vec![append(1..5, "a", 3), append(2..6, "bc", 2)], 0, 5);
}

#[test]
fn what_is_lost_of_a_pipeline_is_its_end() {
    let append = |time, part: &'static str| lost(0, time, Command::Append(X, part.into()));
    let story = |after| {
        vec![
            append(1..9, "a"),
            append(2..9, "b"),
            append(3..9, "c"),
            after,
        ]
    };
    accept(story(nothing(9, 10..11)));
    accept(story(get(9, 10..11, "ab")));
    accept(story(get(9, 10..11, "abc")));
    reject(story(get(9, 10..11, "ac")), 9, 11);
    reject(story(get(9, 10..11, "b")), 9, 11);
}

#[test]
fn what_was_answered_of_a_pipeline_is_not_lost() {
    let story = |after| {
        vec![
            ran(0, 1..9, Command::Append(X, "a".into()), Value::Integer(1)),
            lost(0, 2..9, Command::Append(X, "b".into())),
            after,
        ]
    };
    accept(story(get(9, 10..11, "a")));
    accept(story(get(9, 10..11, "ab")));
    reject(story(nothing(9, 10..11)), 9, 11);
}

#[test]
fn too_much_at_once_is_an_error_and_no_verdict() {
    let story = |appends: u64, seen| {
        let append = |client: u64| {
            let command = Command::Append(X, client.to_string().into());
            lost(usize::try_from(client).unwrap(), client..100, command)
        };
        let mut story: Vec<Operation> = (0..appends).map(append).collect();
        story.push(get(99, 101..102, seen));
        story
    };
    accept(story(5, "31"));
    reject(story(5, "7"), 99, 102);
    for appends in [14, 65] {
        let undecided = verdict(story(appends, "never written"));
        assert!(matches!(undecided, Err(Violation::Undecided)), "{appends}");
    }
}
