//! One connection as one line of `name=value` fields, as tools read it.

use std::fmt::Write as _;

use kv_proto::Format;

use crate::clients::{Client, Progress};
use crate::server::Server;

/// The line of `client`, without a line end.
pub(super) fn line(server: &Server, client: &Client, progress: &Progress) -> String {
    let now_s = server.uptime_s();
    let flags = match server.blocked.holds(client.id) {
        true => 'b',
        false => 'N',
    };
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
    let _ = write!(
        line,
        "name={} age={} idle={} flags={flags} db={} sub=0 psub=0 ssub=0 multi=-1 qbuf={} omem={} \
         tot-cmds={} events=r cmd={command} user=default redir=-1 resp={resp} lib-name={} lib-ver={}",
        identity.name.escape_ascii(),
        now_s.saturating_sub(client.connected_s),
        now_s.saturating_sub(progress.active_s),
        progress.db,
        progress.input_bytes,
        progress.output_bytes,
        progress.commands,
        identity.library.escape_ascii(),
        identity.library_version.escape_ascii(),
    );
    line
}
