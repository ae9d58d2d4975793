//! Connections that are shown every request of everybody: `MONITOR`.
//!
//! Invariant: while there is none, a request pays one load for it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kv_core::{Db, Lsn};
use kv_proto::RequestRef;

use crate::clients::Client;
use crate::inbox::{Letter, Mail, post};
use crate::meter::journal;
use crate::server::Server;

/// Those who watch.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    any: AtomicBool,
    clients: Mutex<Vec<Arc<Client>>>,
}

impl Monitors {
    /// Whether there is one.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Whether the connection `id` is one.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.any() && self.clients().iter().any(|client| client.id == id)
    }

    /// Shows `client` all requests from now on.
    pub(crate) fn add(&self, client: &Arc<Client>) {
        let mut clients = self.clients();
        if clients.iter().all(|known| known.id != client.id) {
            clients.push(Arc::clone(client));
        }
        self.any.store(true, Ordering::Relaxed);
    }

    /// Shows the connection `id` no more.
    pub(crate) fn remove(&self, id: u64) {
        if !self.any() {
            return;
        }
        let mut clients = self.clients();
        clients.retain(|client| client.id != id);
        self.any.store(!clients.is_empty(), Ordering::Relaxed);
    }

    /// Shows them a request of `client`, or of a script that it runs; `lsn`: the newest change that its connection knows of.
    pub(crate) fn tell(
        &self,
        server: &Server,
        (db, client, by_script): (Db, &Client, bool),
        request: RequestRef<'_>,
        lsn: Lsn,
    ) {
        let origin = match by_script {
            true => "lua".to_owned(),
            false => client.peer.to_string(),
        };
        let line: Arc<str> = line(server.engine.now().0, db, &origin, request).into();
        let hard_bytes = server.settings.pubsub_hard_bytes.get();
        for monitor in self.clients().iter() {
            let mail = Mail::Monitored(Arc::clone(&line));
            // One that does not read is cut off there.
            post(monitor, Letter { mail, lsn }, hard_bytes);
        }
    }

    fn clients(&self) -> MutexGuard<'_, Vec<Arc<Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(now_ms: i64, db: Db, origin: &str, request: RequestRef<'_>) -> String {
    let (seconds, millis) = (now_ms.div_euclid(1000), now_ms.rem_euclid(1000));
    let mut line = format!("{seconds}.{millis:03}000 [{db} {origin}]");
    let secrets = journal::secrets(request);
    for (place, word) in request.iter().enumerate() {
        line.push(' ');
        match secrets.contains(&place) {
            true => line.push_str("\"(redacted)\""),
            false => quote(word, &mut line),
        }
    }
    line
}

/// `word` in quotes, as Redis writes it.
fn quote(word: &[u8], line: &mut String) {
    line.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => line.extend(['\\', char::from(byte)]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(line, "\\x{byte:02x}")),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_redis_quotes_them() {
        let mut line = String::new();
        quote(b"a\\\"\n\r\t\x07\x08\x7f\xff z", &mut line);
        assert_eq!(line, r#""a\\\"\n\r\t\a\b\x7f\xff z""#);
    }
}
