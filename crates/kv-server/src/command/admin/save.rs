//! `SAVE`, `BGSAVE`, `BGREWRITEAOF` and `LASTSAVE`: snapshots, after which the log before them can go.
//!
//! A snapshot is made by a thread of its own. `BGREWRITEAOF` is `BGSAVE` by another name: a snapshot is what
//! makes the log short.

use tokio::sync::oneshot;

use crate::command::prelude::*;
use crate::engine::ServerCx;
use crate::server::Server;
use crate::session::SessionCx;
use crate::session::later::Later;
use crate::session::save::Saving;

pub(super) const BGREWRITEAOF: CommandSpec = CommandSpec {
    name: "BGREWRITEAOF",
    group: Group::Server,
    summary: "Makes a snapshot in the background, so that the log before it can be removed.",
    syntax: "BGREWRITEAOF",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "It is the same as BGSAVE; the log before the last snapshot but one is removed after it. The server \
         must have a data directory.",
    ),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: BACKGROUND_FLAGS,
    run: Run::Server(bgrewriteaof),
};

pub(super) const BGSAVE: CommandSpec = CommandSpec {
    name: "BGSAVE",
    group: Group::Server,
    summary: "Makes a snapshot of the whole database in the background.",
    syntax: "BGSAVE [SCHEDULE]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "The snapshot has a format of its own. With SCHEDULE, while one is being made, another one is made \
         after it. The server must have a data directory.",
    ),
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: BACKGROUND_FLAGS,
    run: Run::Server(bgsave),
};

pub(super) const LASTSAVE: CommandSpec = CommandSpec {
    name: "LASTSAVE",
    group: Group::Server,
    summary: "Returns when the last snapshot was made, in seconds since 1970.",
    syntax: "LASTSAVE",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::ADMIN
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST),
    run: Run::Server(lastsave),
};

pub(super) const SAVE: CommandSpec = CommandSpec {
    name: "SAVE",
    group: Group::Server,
    summary: "Makes a snapshot of the whole database and answers when it is done.",
    syntax: "SAVE",
    complexity: "O(N) where N is the number of keys of all databases",
    since: "0.1.0",
    compat: Compat::Differs(
        "Only this connection waits; all others go on. The server must have a data directory.",
    ),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::ADMIN.union(Flags::NO_MULTI).union(Flags::NO_SCRIPT),
    run: Run::Session(save),
};

const BACKGROUND_FLAGS: Flags = Flags::ADMIN.union(Flags::NO_SCRIPT);

const IN_PROGRESS: &str = "Background save already in progress";

fn bgsave(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let schedule = args.eat(b"SCHEDULE");
    args.finish()?;
    let store = durable(cx.server)?;
    if store.snapshot_in_background().is_ok() {
        reply.simple("Background saving started");
        return Ok(());
    }
    if !schedule || store.snapshot_then(true, |_| ()).is_err() {
        return Err(CommandError::err(IN_PROGRESS));
    }
    reply.simple("Background saving scheduled");
    Ok(())
}

fn bgrewriteaof(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    if durable(cx.server)?.snapshot_in_background().is_err() {
        return Err(CommandError::err(
            "Background append only file rewriting already in progress",
        ));
    }
    reply.simple("Background append only file rewriting started");
    Ok(())
}

fn lastsave(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    reply.int(crate::info::last_save_s(cx));
    Ok(())
}

/// Answers nothing yet: the session does when the snapshot is done.
fn save(cx: &mut SessionCx<'_>, args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    cx.state.later = Some(Later::Snapshot(begin(cx.server, false)?));
    Ok(())
}

/// Begins a snapshot that a session waits for; `then_stop`: to stop the server when it is done, and then after
/// one that is under way.
pub(super) fn begin(server: &Server, then_stop: bool) -> Result<Saving, CommandError> {
    let (tell, outcome) = oneshot::channel();
    let begun = durable(server)?.snapshot_then(then_stop, move |outcome| {
        // A session that has ended does not want to know.
        let _ = tell.send(outcome.clone().map(drop));
    });
    begun.map_err(|_| CommandError::err(IN_PROGRESS))?;
    Ok(Saving { outcome, then_stop })
}

fn durable(server: &Server) -> Result<&kv_wal::DurableStore, CommandError> {
    server.engine.durable().ok_or_else(|| {
        CommandError::err("nothing can be saved: the server keeps its data in memory only")
    })
}
