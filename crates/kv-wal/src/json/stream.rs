//! Changes of streams as lines: all that a change holds stands in `elements`, in order, as text.

use std::borrow::Cow;

use kv_core::{Elements, StreamChange, StreamId, UnixMillis};
use serde::Deserialize;

/// The `op` of a line that is about a stream.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
pub(super) enum StreamOp {
    #[serde(rename = "streamrenew")]
    Renew,
    #[serde(rename = "streamadd")]
    Add,
    #[serde(rename = "streamdelete")]
    Delete,
    #[serde(rename = "streamtrim")]
    Trim,
    #[serde(rename = "streamsetids")]
    SetIds,
    #[serde(rename = "streamsetgroup")]
    SetGroup,
    #[serde(rename = "streamdestroygroup")]
    DestroyGroup,
    #[serde(rename = "streamsetconsumer")]
    SetConsumer,
    #[serde(rename = "streamdeleteconsumer")]
    DeleteConsumer,
    #[serde(rename = "streamdeliver")]
    Deliver,
    #[serde(rename = "streamacknowledge")]
    Acknowledge,
}

/// The `op` of a change, and its elements.
pub(super) fn words<'a>(change: &StreamChange<'a>) -> (&'static str, Vec<Cow<'a, [u8]>>) {
    let text = |text: String| Cow::Owned(text.into_bytes());
    let id = |id: StreamId| text(id.to_string());
    let number = |number: u64| text(number.to_string());
    let time = |UnixMillis(millis)| text(millis.to_string());
    let name = |name: &'a [u8]| Cow::Borrowed(name);
    match *change {
        StreamChange::Renew => ("streamrenew", Vec::new()),
        StreamChange::Add { id: new, fields } => {
            let fields = fields.iter().map(name);
            (
                "streamadd",
                std::iter::once(id(new)).chain(fields).collect(),
            )
        }
        StreamChange::Delete { ids } => ("streamdelete", ids.ids().map(id).collect()),
        StreamChange::Trim { count } => ("streamtrim", vec![number(count)]),
        StreamChange::SetIds {
            last,
            max_deleted,
            added,
        } => (
            "streamsetids",
            vec![id(last), id(max_deleted), number(added)],
        ),
        StreamChange::SetGroup { group, last, read } => {
            let read = read.map(number);
            let words = [name(group), id(last)].into_iter().chain(read);
            ("streamsetgroup", words.collect())
        }
        StreamChange::DestroyGroup { group } => ("streamdestroygroup", vec![name(group)]),
        StreamChange::SetConsumer {
            group,
            consumer,
            seen,
            active,
        } => {
            let words = [name(group), name(consumer), time(seen)];
            let words = words.into_iter().chain(active.map(time));
            ("streamsetconsumer", words.collect())
        }
        StreamChange::DeleteConsumer { group, consumer } => {
            ("streamdeleteconsumer", vec![name(group), name(consumer)])
        }
        StreamChange::Deliver {
            group,
            consumer,
            time: delivered,
            count,
            ids,
        } => {
            let words = [name(group), name(consumer), time(delivered), number(count)];
            let words = words.into_iter().chain(ids.ids().map(id));
            ("streamdeliver", words.collect())
        }
        StreamChange::Acknowledge { group, ids } => {
            let words = std::iter::once(name(group)).chain(ids.ids().map(id));
            ("streamacknowledge", words.collect())
        }
    }
}

/// Shows the change that an `op` and its elements say; `None`: they do not agree.
pub(super) fn with_change<R>(
    op: StreamOp,
    words: &[&[u8]],
    show: impl FnOnce(StreamChange<'_>) -> R,
) -> Option<R> {
    let ids_from = match op {
        StreamOp::Delete => 0,
        StreamOp::Acknowledge => 1,
        StreamOp::Deliver => 4,
        _ => words.len(),
    };
    let ids = words.get(ids_from..)?.iter();
    let ids: Option<Vec<[u8; 16]>> = ids
        .map(|word| StreamId::of_text(word).map(StreamId::to_bytes))
        .collect();
    let ids = ids?;
    let slices: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
    change(op, words, Elements::new(&slices)).map(show)
}

/// The change that an `op` and its elements say; `ids` are those of its list.
fn change<'a>(op: StreamOp, words: &'a [&'a [u8]], ids: Elements<'a>) -> Option<StreamChange<'a>> {
    Some(match (op, words) {
        (StreamOp::Renew, []) => StreamChange::Renew,
        (StreamOp::Add, [id, fields @ ..]) if fields.len().is_multiple_of(2) => StreamChange::Add {
            id: StreamId::of_text(id)?,
            fields: Elements::new(fields),
        },
        (StreamOp::Delete, _) => StreamChange::Delete { ids },
        (StreamOp::Trim, [count]) => StreamChange::Trim {
            count: number(count)?,
        },
        (StreamOp::SetIds, [last, max_deleted, added]) => StreamChange::SetIds {
            last: StreamId::of_text(last)?,
            max_deleted: StreamId::of_text(max_deleted)?,
            added: number(added)?,
        },
        (StreamOp::SetGroup, [group, last, read @ ..]) if read.len() < 2 => {
            StreamChange::SetGroup {
                group,
                last: StreamId::of_text(last)?,
                read: match read.first() {
                    Some(read) => Some(number(read)?),
                    None => None,
                },
            }
        }
        (StreamOp::DestroyGroup, [group]) => StreamChange::DestroyGroup { group },
        (StreamOp::SetConsumer, [group, consumer, seen, active @ ..]) if active.len() < 2 => {
            StreamChange::SetConsumer {
                group,
                consumer,
                seen: time(seen)?,
                active: match active.first() {
                    Some(active) => Some(time(active)?),
                    None => None,
                },
            }
        }
        (StreamOp::DeleteConsumer, [group, consumer]) => {
            StreamChange::DeleteConsumer { group, consumer }
        }
        (StreamOp::Deliver, [group, consumer, delivered, count, ..]) => StreamChange::Deliver {
            group,
            consumer,
            time: time(delivered)?,
            count: number(count)?,
            ids,
        },
        (StreamOp::Acknowledge, [group, ..]) => StreamChange::Acknowledge { group, ids },
        _ => return None,
    })
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn time(word: &[u8]) -> Option<UnixMillis> {
    let millis = std::str::from_utf8(word).ok()?.parse().ok()?;
    Some(UnixMillis(millis))
}
