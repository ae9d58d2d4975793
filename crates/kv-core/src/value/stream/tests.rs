//! A stream against the plainest one, its clones, and what it takes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Elements;
use crate::testing::stream::{ModelStream, on_streams};

fn small_blocks() -> ValueLimits {
    ValueLimits {
        stream_node_entries: 4.into(),
        stream_node_bytes: 80.into(),
        ..ValueLimits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_stream_is_a_map_with_groups_and_its_clones_stay(
        changes in vec(on_streams(), 0..if cfg!(miri) { 10 } else { 120 }),
    ) {
        let limits = small_blocks();
        let (mut stream, mut model) = (Stream::default(), ModelStream::default());
        let mut clones = Vec::new();
        for (number, change) in changes.iter().enumerate() {
            change.with(|change| {
                stream.apply(&change, &limits);
                model.apply(&change);
            });
            if number % 10 == 0 {
                clones.push((stream.clone(), model.clone()));
            }
        }
        prop_assert_eq!(ModelStream::of(&stream), model);
        for (stream, model) in clones {
            prop_assert_eq!(ModelStream::of(&stream), model);
        }
    }
}

fn filled(entries: u64) -> Stream {
    let mut stream = Stream::default();
    for ms in 1..=entries {
        let value = ms.to_string();
        let fields: [&[u8]; 4] = [b"sensor", value.as_bytes(), b"place", b"roof"];
        let change = StreamChange::Add {
            id: StreamId::new(1_700_000_000_000 + ms, 0),
            fields: Elements::new(&fields),
        };
        stream.apply(&change, &ValueLimits::default());
    }
    stream
}

#[test]
fn blocks_fill_up_one_after_the_other_and_share_names() {
    let stream = filled(1_050);
    let blocks: Vec<usize> = stream.blocks().collect();
    assert_eq!(blocks, [&[100; 10][..], &[50]].concat());
    assert!(stream.heap_bytes() < 1_050 * 24, "{}", stream.heap_bytes());
}

#[test]
fn what_is_trimmed_is_handed_out() {
    let mut stream = filled(1_000);
    let rest = stream.apply(&StreamChange::Trim { count: 950 }, &ValueLimits::default());
    assert!(rest.is_some_and(|rest| rest.heap_bytes() > 10_000));
    assert_eq!((stream.len(), stream.added()), (50, 1_000));
    let all = StreamChange::Trim { count: u64::MAX };
    stream.apply(&all, &ValueLimits::default());
    assert!(stream.is_empty() && stream.first().is_none() && stream.last().is_none());
    assert_eq!(stream.last_id(), StreamId::new(1_700_000_001_000, 0));
}
