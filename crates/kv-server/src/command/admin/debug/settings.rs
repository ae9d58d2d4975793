//! What tests turn and wait for: `DEBUG SET-ACTIVE-EXPIRE`, `DEBUG SLEEP` and others.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kv_core::Db;

use crate::command::glob;
use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const HTSTATS: CommandSpec = CommandSpec {
    name: "DEBUG|HTSTATS",
    group: Group::Server,
    summary: "Tells how large the tables of a database are.",
    syntax: "DEBUG HTSTATS db",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "There are many small tables, whose sizes are added up, and none apart for times to live.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Server(htstats),
};

pub(super) const LOG: CommandSpec = CommandSpec {
    name: "DEBUG|LOG",
    group: Group::Server,
    summary: "Writes a message to the server's own log.",
    syntax: "DEBUG LOG message",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(log),
};

pub(super) const PAUSE_CRON: CommandSpec = CommandSpec {
    name: "DEBUG|PAUSE-CRON",
    group: Group::Server,
    summary: "Stops the work that is done by the clock, or lets it go on: connections over a limit are closed, keys \
              are removed that have expired or to make room.",
    syntax: "DEBUG PAUSE-CRON <0 | 1>",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("As in Valkey; Redis has no such command."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Server(pause_cron),
};

pub(super) const QUICKLIST_PACKED_THRESHOLD: CommandSpec = CommandSpec {
    name: "DEBUG|QUICKLIST-PACKED-THRESHOLD",
    group: Group::Server,
    summary: "Would set from which size an element of a list is kept apart; here none is.",
    syntax: "DEBUG QUICKLIST-PACKED-THRESHOLD bytes",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The number is read and has no meaning."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(quicklist_packed_threshold),
};

pub(super) const SET_ACTIVE_EXPIRE: CommandSpec = CommandSpec {
    name: "DEBUG|SET-ACTIVE-EXPIRE",
    group: Group::Server,
    summary: "Says whether what has expired is removed before anybody asks for it.",
    syntax: "DEBUG SET-ACTIVE-EXPIRE <0 | 1>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Server(set_active_expire),
};

pub(super) const SET_DISABLE_DENY_SCRIPTS: CommandSpec = CommandSpec {
    name: "DEBUG|SET-DISABLE-DENY-SCRIPTS",
    group: Group::Server,
    summary: "Says whether scripts may run DEBUG PROTOCOL and others that answer from their words alone.",
    syntax: "DEBUG SET-DISABLE-DENY-SCRIPTS <0 | 1>",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("All other commands stay as they are."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Server(set_disable_deny_scripts),
};

pub(super) const SLEEP: CommandSpec = CommandSpec {
    name: "DEBUG|SLEEP",
    group: Group::Server,
    summary: "Lets the thread that serves the connection sleep for some seconds.",
    syntax: "DEBUG SLEEP seconds",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "Only the clients that the same thread serves wait, and no more than an hour is slept.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(sleep),
};

pub(super) const STRINGMATCH_LEN: CommandSpec = CommandSpec {
    name: "DEBUG|STRINGMATCH-LEN",
    group: Group::Server,
    summary: "Returns whether so many letters `a` fit a pattern.",
    syntax: "DEBUG STRINGMATCH-LEN length pattern",
    complexity: "O(N*M) where N is the number of letters and M the length of the pattern",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(stringmatch_len),
};

/// The longest sleep: nothing can wake the thread.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

/// Most letters that a pattern is tried on.
const LETTERS_MAX: usize = 1 << 24;

fn htstats(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let db = u16::try_from(args.int()?)
        .ok()
        .filter(|db| *db < cx.server.engine.databases())
        .ok_or_else(|| CommandError::err("Out of range database"))?;
    args.finish()?;
    let held = cx.keyspace(Db(db));
    let text = format!(
        "[Dictionary HT]\nHash table 0 stats (main hash table):\n table size: {}\n number of elements: {}\n",
        held.room, held.keys
    );
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn log(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let message = args.bytes()?;
    args.finish()?;
    tracing::warn!("DEBUG LOG: {}", message.escape_ascii());
    reply.ok();
    Ok(())
}

fn quicklist_packed_threshold(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let text = std::str::from_utf8(args.bytes()?).ok();
    args.finish()?;
    match text.and_then(crate::config::size::parse) {
        Some(bytes) if bytes < 1 << 32 => reply.ok(),
        _ => {
            return Err(CommandError::err(
                "argument must be a memory value bigger than 1 and smaller than 4gb",
            ));
        }
    }
    Ok(())
}

fn set_disable_deny_scripts(
    cx: &ServerCx<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let on = args.int()?;
    let scripts = &cx.server.scripts;
    scripts.admits_pure.store(on != 0, Ordering::Relaxed);
    reply.ok();
    Ok(())
}

fn set_active_expire(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let on = args.int()?;
    args.finish()?;
    cx.server.settings.sweeps.set(u64::from(on != 0));
    reply.ok();
    Ok(())
}

fn pause_cron(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let paused = args.int()?;
    args.finish()?;
    cx.server.settings.clockwork.set(u64::from(paused == 0));
    reply.ok();
    Ok(())
}

fn sleep(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let text = std::str::from_utf8(args.bytes()?).ok();
    args.finish()?;
    let seconds: f64 = text
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| CommandError::err("value is not a valid float"))?;
    let time = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(SLEEP_MAX);
    std::thread::sleep(time.min(SLEEP_MAX));
    reply.ok();
    Ok(())
}

fn stringmatch_len(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (length, pattern) = (args.count()?, args.bytes()?);
    args.finish()?;
    if length > LETTERS_MAX {
        return Err(CommandError::err("value is out of range"));
    }
    let fits = glob::matches_exactly(pattern, &vec![b'a'; length]);
    reply.int(i64::from(fits));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn numbers_are_checked() {
        let shell = Shell::new();
        assert_eq!(shell.run("DEBUG SLEEP 0"), "+OK|");
        assert_eq!(
            shell.run("DEBUG SLEEP x"),
            "-ERR value is not a valid float|"
        );
        assert_eq!(shell.run("DEBUG STRINGMATCH-LEN 9 a*a"), ":1|");
        assert_eq!(shell.run("DEBUG STRINGMATCH-LEN 9 a*b"), ":0|");
        assert_eq!(shell.run("DEBUG QUICKLIST-PACKED-THRESHOLD 100b"), "+OK|");
        assert!(
            shell
                .run("DEBUG QUICKLIST-PACKED-THRESHOLD 4gb")
                .starts_with("-ERR argument must be a memory value")
        );
    }
}
