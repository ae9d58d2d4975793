//! `BACKUP name`: a copy of the database in a directory `name` below `--backup-dir`, made beside traffic.

use kv_wal::fs::RealFs;
use kv_wal::{Target, copy};
use tokio::sync::oneshot;

use crate::command::prelude::*;
use crate::session::SessionCx;
use crate::session::later::Later;

/// Longest name of a backup, in bytes.
const NAME_BYTES_MAX: usize = 128;

pub(super) const BACKUP: CommandSpec = CommandSpec {
    name: "BACKUP",
    group: Group::Server,
    summary: "Copies the database into a new directory below the one that the server was started with, and verifies it.",
    syntax: "BACKUP name",
    complexity: "O(N) where N is the size of the log; other connections go on meanwhile.",
    since: "0.1.0",
    compat: Compat::Differs("Redis has no such command."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: BACKUP_FLAGS,
    run: Run::Session(backup),
};

const BACKUP_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_MULTI)
    .union(Flags::NO_SCRIPT);

fn backup(cx: &mut SessionCx<'_>, mut args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    let name = name(args.bytes()?)?;
    let config = &cx.server.config;
    let Some(backup_dir) = &config.backup_dir else {
        return Err(CommandError::err(
            "there is no directory for backups: start the server with --backup-dir",
        ));
    };
    let (from, into) = (config.dir.clone(), backup_dir.join(name));
    let (tell, told) = oneshot::channel();
    let begun = std::thread::Builder::new()
        .name("backup".to_owned())
        .spawn(move || {
            let copied = copy(&from, &into, Target::End, &RealFs);
            match &copied {
                Ok(copied) => {
                    tracing::info!(dir = %into.display(), last_lsn = copied.last_lsn.0, "made a backup");
                }
                Err(error) => {
                    tracing::warn!(dir = %into.display(), %error, "could not make a backup");
                }
            }
            // The client may have gone; the backup is there all the same.
            let _ = tell.send(copied.map_err(|error| error.to_string()));
        });
    begun.map_err(|error| CommandError::err(format!("cannot start a thread: {error}")))?;
    cx.state.later = Some(Later::Backup(told));
    Ok(())
}

/// A name that cannot lead out of the directory.
fn name(word: &[u8]) -> Result<&str, CommandError> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    std::str::from_utf8(word)
        .ok()
        .filter(|name| name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| is_plain(&byte)))
        .filter(|name| !name.starts_with('.') && !name.is_empty())
        .ok_or_else(|| {
            CommandError::err(
                "the name of a backup is made of letters, digits, '-', '_' and '.', and begins with no '.'",
            )
        })
}
