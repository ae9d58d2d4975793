//! `CLIENT TRACKING`, `CACHING`, `GETREDIR`, `TRACKINGINFO`: a connection that keeps values hears of their changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::CLIENT_FLAGS;
use crate::command::prelude::*;
use crate::session::SessionCx;
use crate::tracking::{Remember, Tracker};

pub(super) const TRACKING: CommandSpec = CommandSpec {
    name: "CLIENT|TRACKING",
    group: Group::Connection,
    summary: "Chooses whether and how the connection hears that keys it may have cached change.",
    syntax: "CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] \
             [OPTIN] [OPTOUT] [NOLOOP]",
    complexity: "O(N) where N is the number of prefixes",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(tracking),
};

pub(super) const CACHING: CommandSpec = CommandSpec {
    name: "CLIENT|CACHING",
    group: Group::Connection,
    summary: "Says whether the keys of the next command are remembered.",
    syntax: "CLIENT CACHING <YES | NO>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(caching),
};

pub(super) const GETREDIR: CommandSpec = CommandSpec {
    name: "CLIENT|GETREDIR",
    group: Group::Connection,
    summary: "Returns the number of the connection that is told of changes in the place of this one.",
    syntax: "CLIENT GETREDIR",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(getredir),
};

pub(super) const TRACKINGINFO: CommandSpec = CommandSpec {
    name: "CLIENT|TRACKINGINFO",
    group: Group::Connection,
    summary: "Tells how the connection hears of changes.",
    syntax: "CLIENT TRACKINGINFO",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(trackinginfo),
};

/// What the words ask for.
#[derive(Default)]
struct Wishes {
    on: bool,
    redirect: Option<u64>,
    prefixes: Vec<Bytes>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
}

fn tracking(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let wishes = Wishes::parse(cx, args)?;
    if wishes.on {
        let prefixes = wishes.check(cx.state.tracker.as_deref())?;
        cx.track(Tracker {
            client: Arc::clone(&cx.state.client),
            redirect: wishes.redirect,
            remember: match (wishes.opt_in, wishes.opt_out) {
                (true, _) => Remember::OptIn,
                (_, true) => Remember::OptOut,
                _ => Remember::Always,
            },
            prefixes,
            no_loop: wishes.no_loop,
            is_broken: AtomicBool::new(false),
        });
    } else {
        cx.untrack();
    }
    reply.ok();
    Ok(())
}

impl Wishes {
    fn parse(cx: &SessionCx<'_>, mut args: Args<'_>) -> Result<Self, CommandError> {
        let mut wishes = Self::default();
        let state = args.bytes()?;
        while args.peek().is_some() {
            if args.len() >= 2 && args.eat(b"REDIRECT") {
                let id = args.int()?;
                if wishes.redirect.is_some() {
                    return Err(CommandError::err(
                        "A client can only redirect to a single other client",
                    ));
                }
                wishes.redirect = Some(other(cx, id)?);
            } else if args.len() >= 2 && args.eat(b"PREFIX") {
                wishes.prefixes.push(Bytes::copy_from_slice(args.bytes()?));
            } else if args.eat(b"BCAST") {
                wishes.broadcast = true;
            } else if args.eat(b"OPTIN") {
                wishes.opt_in = true;
            } else if args.eat(b"OPTOUT") {
                wishes.opt_out = true;
            } else if args.eat(b"NOLOOP") {
                wishes.no_loop = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        wishes.on = state.eq_ignore_ascii_case(b"ON");
        match wishes.on || state.eq_ignore_ascii_case(b"OFF") {
            true => Ok(wishes),
            false => Err(CommandError::SYNTAX),
        }
    }

    /// Whether they fit one another and what the connection said `before`. The prefixes of broadcasting mode,
    /// those it has already included.
    fn check(&self, before: Option<&Tracker>) -> Result<Option<BTreeSet<Bytes>>, CommandError> {
        if !self.prefixes.is_empty() && !self.broadcast {
            return Err(CommandError::err(
                "PREFIX option requires BCAST mode to be enabled",
            ));
        }
        let switches = |before: &Tracker| before.prefixes.is_some() != self.broadcast;
        if before.is_some_and(switches) {
            return Err(no_switch("BCAST mode on/off"));
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(CommandError::err(
                "OPTIN and OPTOUT are not compatible with BCAST",
            ));
        }
        if self.opt_in && self.opt_out {
            return Err(CommandError::err(
                "You can't specify both OPTIN mode and OPTOUT mode",
            ));
        }
        let remember = before.map_or(Remember::Always, |before| before.remember);
        if self.opt_in && remember == Remember::OptOut
            || self.opt_out && remember == Remember::OptIn
        {
            return Err(no_switch("OPTIN/OPTOUT mode"));
        }
        if !self.broadcast {
            return Ok(None);
        }
        let mut prefixes = before
            .and_then(|before| before.prefixes.clone())
            .unwrap_or_default();
        self.check_overlaps(&prefixes)?;
        prefixes.extend(self.prefixes.iter().cloned());
        if prefixes.is_empty() {
            prefixes.insert(Bytes::new());
        }
        Ok(Some(prefixes))
    }

    /// No change is to be told twice.
    fn check_overlaps(&self, existing: &BTreeSet<Bytes>) -> Result<(), CommandError> {
        for (index, prefix) in self.prefixes.iter().enumerate() {
            let overlaps =
                |other: &&Bytes| other.starts_with(prefix) || prefix.starts_with(other.as_ref());
            if let Some(other) = existing.iter().find(overlaps) {
                return Err(overlap(prefix, "an existing prefix", other));
            }
            if let Some(other) = self.prefixes[index + 1..].iter().find(overlaps) {
                return Err(overlap(prefix, "another provided prefix", other));
            }
        }
        Ok(())
    }
}

/// The connection with the number `id`.
fn other(cx: &SessionCx<'_>, id: i64) -> Result<u64, CommandError> {
    let id = u64::try_from(id).ok();
    id.filter(|&id| cx.server.clients.find(id).is_some())
        .ok_or_else(|| CommandError::err("The client ID you want redirect to does not exist"))
}

fn no_switch(what: &str) -> CommandError {
    CommandError::err(format!(
        "You can't switch {what} before disabling tracking for this client, and then re-enabling it with a \
         different mode."
    ))
}

fn overlap(prefix: &[u8], which: &str, other: &[u8]) -> CommandError {
    let (prefix, other) = (
        String::from_utf8_lossy(prefix),
        String::from_utf8_lossy(other),
    );
    CommandError::err(format!(
        "Prefix '{prefix}' overlaps with {which} '{other}'. Prefixes for a single client must not overlap."
    ))
}

fn caching(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let Some(tracker) = &cx.state.tracker else {
        return Err(CommandError::err(
            "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
             enabled",
        ));
    };
    let (yes, mode, word, name) = if args.eat(b"YES") {
        (true, Remember::OptIn, "YES", "OPTIN")
    } else if args.eat(b"NO") {
        (false, Remember::OptOut, "NO", "OPTOUT")
    } else {
        return Err(CommandError::SYNTAX);
    };
    if tracker.remember != mode {
        return Err(CommandError::err(format!(
            "CLIENT CACHING {word} is only valid when tracking is enabled in {name} mode."
        )));
    }
    cx.state.caching = Some(yes);
    reply.ok();
    Ok(())
}

fn getredir(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.int(redirect(cx.state.tracker.as_deref()));
    Ok(())
}

/// The number that stands for what `tracker` redirects to.
pub(super) fn redirect(tracker: Option<&Tracker>) -> i64 {
    tracker.map_or(-1, |tracker| {
        let id = tracker.redirect.unwrap_or(0);
        i64::try_from(id).unwrap_or(i64::MAX)
    })
}

fn trackinginfo(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let tracker = cx.state.tracker.as_deref();
    reply.map(3);
    reply.bulk(b"flags");
    let flags = match tracker {
        None => vec!["off"],
        Some(tracker) => flags(tracker, cx.state.caching),
    };
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.int(redirect(tracker));
    reply.bulk(b"prefixes");
    let prefixes: Vec<&Bytes> = tracker
        .and_then(|tracker| tracker.prefixes.as_ref())
        .into_iter()
        .flatten()
        .collect();
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

fn flags(tracker: &Tracker, caching: Option<bool>) -> Vec<&'static str> {
    let all = [
        ("on", true),
        ("bcast", tracker.prefixes.is_some()),
        ("optin", tracker.remember == Remember::OptIn),
        ("caching-yes", caching == Some(true)),
        ("optout", tracker.remember == Remember::OptOut),
        ("caching-no", caching == Some(false)),
        ("noloop", tracker.no_loop),
        ("broken_redirect", tracker.is_broken.load(Ordering::Relaxed)),
    ];
    all.into_iter()
        .filter_map(|(word, holds)| holds.then_some(word))
        .collect()
}
