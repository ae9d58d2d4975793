//! What a person sees when the server starts: how far loading is, then one friendly block.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use kv_wal::{OnProgress, Progress, Recovered};

use crate::cli::VERSION;
use crate::config::{Config, Durability};
use crate::server::Server;

/// Shows how far loading is: a bar on a terminal, nothing elsewhere.
pub(crate) struct Loading(ProgressBar);

impl Loading {
    pub(crate) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        let style =
            "loading {bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left, {msg} changes";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// What the store calls while it loads.
    pub(crate) fn listener(&self) -> OnProgress {
        let bar = self.0.clone();
        Arc::new(move |progress: &Progress| {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes_done);
            bar.set_message(progress.effects.to_string());
        })
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Prints the block. Nobody has to read it: a closed standard output is no error.
pub(crate) fn print(server: &Server) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text(server).as_bytes());
    let _ = out.flush();
}

fn text(server: &Server) -> String {
    let mut text = format!("kv-server {VERSION}\n");
    for address in &server.addresses {
        let _ = writeln!(text, "  listening on {address}");
    }
    text.push_str(&promise(&server.config));
    if let Some(log) = server.engine.log() {
        text.push_str(&found(log.recovered));
    }
    if let Some(address) = server.addresses.first() {
        let (ip, port) = (address.ip(), address.port());
        let _ = write!(
            text,
            "  talk to it:\n    \
             printf 'SET greeting hello world\\nGET greeting\\n' | nc -N {ip} {port}\n    \
             redis-cli -h {ip} -p {port}\n"
        );
    }
    text.push_str("  stop it with Ctrl-C\n");
    text
}

fn promise(config: &Config) -> String {
    let promise = match config.durability {
        Durability::Always => "a reply means that the write is on stable storage",
        Durability::Everysec => {
            "a power loss can take the last second, a crash of the server nothing"
        }
        Durability::No => {
            "a power loss can take what the kernel had not written, a crash of the server nothing"
        }
        Durability::Off => {
            return "  data in memory only, durability off: a restart starts empty\n".to_owned();
        }
    };
    format!(
        "  data in {}, log as {}\n  durability {}: {promise}\n",
        config.dir.display(),
        config.wal_format.word(),
        config.durability.word()
    )
}

/// What was found in the directory, in a line or two.
fn found(recovered: &Recovered) -> String {
    if recovered.segments == 0 && recovered.snapshot.is_none() {
        return "  a new directory: starting empty\n".to_owned();
    }
    let mut text = format!(
        "  recovered {} changes in {:.2} s{}\n",
        recovered.effects,
        recovered.took.as_secs_f64(),
        if recovered.clean {
            " after a clean shutdown"
        } else {
            ""
        }
    );
    if let Some(snapshot) = &recovered.snapshot {
        let _ = writeln!(text, "  with a snapshot of {} keys", snapshot.keys);
    }
    if let Some(why) = &recovered.passed_over {
        let _ = writeln!(text, "  passed over a snapshot: {why}");
        text.push_str("  the one before and the log made up for it: nothing is missing\n");
    }
    if let Some(tail) = &recovered.dropped {
        let _ = writeln!(
            text,
            "  dropped an unfinished write of {} bytes at offset {} of {}: nothing shows that it had been synced; \
             under --durability always it was not acknowledged, unless it was the last before the end and is \
             damaged",
            tail.bytes,
            tail.offset,
            tail.file.display()
        );
    }
    text
}
