//! One connection as one line of `name=value` fields, as tools read it.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use kv_proto::Format;

use super::tracking::redirect;
use crate::clients::{Client, Progress};
use crate::server::Server;
use crate::tracking::Tracker;

/// The line of `client` of `server`, without a line end.
pub(super) fn line(server: &Server, client: &Client, progress: &Progress) -> String {
    let now_s = server.uptime_s();
    let tracker = server.tracking.of(client.id);
    let [channels, patterns, shard_channels] =
        [0, 1, 2].map(|topic| client.subscribed[topic].load(Ordering::Relaxed));
    let mut line = format!(
        "id={} addr={} laddr={} fd={} ",
        client.id,
        client.peer,
        client.local,
        client.descriptor()
    );
    let identity = client.identity().clone();
    let command = match progress.command {
        "" => "NULL".to_owned(),
        name => name.to_ascii_lowercase(),
    };
    let resp = if progress.format == Format::Resp3 {
        3
    } else {
        2
    };
    let waiting = progress.output_bytes + client.inbox.waiting_bytes();
    let _ = write!(
        line,
        "name={} age={} idle={} flags={} capa={} db={} sub={channels} psub={patterns} ssub={shard_channels} multi={} \
         watch={} qbuf={} qbuf-free=0 argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll=0 omem={waiting} tot-mem={} \
         events=r cmd={command} user={} redir={} resp={resp} lib-name={} lib-ver={} tot-net-in={} \
         tot-net-out={} tot-cmds={}",
        identity.name.escape_ascii(),
        now_s.saturating_sub(client.connected_s),
        now_s.saturating_sub(progress.active_s),
        flags(server, client, progress, tracker.as_deref()),
        if identity.follows { "r" } else { "" },
        progress.db,
        progress
            .queued
            .map_or(-1, |queued| i64::try_from(queued).unwrap_or(i64::MAX)),
        progress.watched,
        progress.input_bytes,
        progress.queued_bytes,
        client.memory_bytes(),
        identity.user.escape_ascii(),
        redirect(tracker.as_deref()),
        identity.library.escape_ascii(),
        identity.library_version.escape_ascii(),
        progress.received,
        progress.sent,
        progress.commands,
    );
    line
}

/// A letter for each thing that sets the connection apart; `N` when nothing does.
pub(super) fn flags(
    server: &Server,
    client: &Client,
    progress: &Progress,
    tracker: Option<&Tracker>,
) -> String {
    let broken = |tracker: &Tracker| tracker.is_broken.load(Ordering::Relaxed);
    let identity = client.identity().clone();
    let all = [
        ('O', server.monitors.has(client.id)),
        ('P', client.is_subscriber()),
        ('x', progress.queued.is_some()),
        ('b', client.waits()),
        ('t', tracker.is_some()),
        ('R', tracker.is_some_and(broken)),
        (
            'B',
            tracker.is_some_and(|tracker| tracker.prefixes.is_some()),
        ),
        ('r', identity.only_reads),
        ('e', identity.stays),
        ('T', identity.leaves_no_trace),
    ];
    let letters: String = all
        .into_iter()
        .filter_map(|(letter, holds)| holds.then_some(letter))
        .collect();
    if letters.is_empty() {
        "N".to_owned()
    } else {
        letters
    }
}
