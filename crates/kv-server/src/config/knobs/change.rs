//! What a new value of a setting must be, and how it takes effect.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kv_core::ValueLimits;
use kv_wal::{DurableStore, SnapshotRule};

use super::super::settings::{Setting, Settings};
use super::super::size;
use super::Change;
use crate::server::Server;

/// When a snapshot is made by itself.
pub(super) fn rule(server: &Server) -> SnapshotRule {
    let store = server.engine.durable();
    store.map_or_else(SnapshotRule::default, DurableStore::snapshot_rule)
}

pub(super) fn change_rule(change: impl FnOnce(SnapshotRule) -> SnapshotRule + 'static) -> Change {
    Box::new(|server| {
        if let Some(store) = server.engine.durable() {
            store.set_snapshot_rule(change(store.snapshot_rule()));
        }
    })
}

pub(super) fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Addresses to listen on. Without passwords none that other machines reach may be added.
pub(super) fn set_bind(server: &Server, text: &str) -> Result<Change, String> {
    let words = text.split_ascii_whitespace();
    let addresses: Result<Vec<IpAddr>, _> = words.map(str::parse).collect();
    let mut addresses: Vec<IpAddr> =
        addresses.map_err(|_| "Failed to bind to specified addresses: not addresses".to_owned())?;
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err("an address is needed".to_owned());
    }
    if !server.config.unprotected && !addresses.iter().all(IpAddr::is_loopback) {
        return Err(
            "other machines could reach it and there is no password (`--unprotected`)".to_owned(),
        );
    }
    let (known, port) = (server.rebind.addresses(), server.port());
    let address = |ip: IpAddr| {
        let known = known.iter().find(|address| address.ip() == ip);
        known.copied().unwrap_or(SocketAddr::new(ip, port))
    };
    let addresses = addresses.into_iter().map(address).collect();
    listen(server, addresses)
}

/// The port of all addresses.
pub(super) fn set_port(server: &Server, text: &str) -> Result<Change, String> {
    let port = match text.trim().parse::<i64>() {
        Err(_) => return Err("argument couldn't be parsed into an integer".to_owned()),
        Ok(port) => u16::try_from(port)
            .map_err(|_| "argument must be between 0 and 65535 inclusive".to_owned())?,
    };
    if port == server.port() {
        return Ok(Box::new(|_| ()));
    }
    if port == 0 {
        return Err("a port is needed".to_owned());
    }
    let mut addresses = server.rebind.addresses();
    for address in &mut addresses {
        address.set_port(port);
    }
    listen(server, addresses)
        .map_err(|why| format!("Unable to listen on this port. Check server logs. ({why})"))
}

/// What replies wait for.
pub(super) fn set_durability(server: &Server, text: &str) -> Result<Change, String> {
    const EXPECTED: &str = "argument(s) must be one of the following: always, everysec, no";
    let word = text.trim().to_ascii_lowercase();
    if word == server.engine.promised() {
        return Ok(Box::new(|_| ()));
    }
    let policy = word.parse().map_err(|_| EXPECTED.to_owned())?;
    server.engine.can_promise(policy)?;
    Ok(Box::new(move |server| server.engine.change_promise(policy)))
}

/// Listens on `addresses`, and on no others.
pub(super) fn listen(server: &Server, addresses: Vec<SocketAddr>) -> Result<Change, String> {
    let new = server.rebind.prepare(&addresses)?;
    Ok(Box::new(move |server| server.rebind.change(addresses, new)))
}

/// A number of bytes, or a share of the data's.
pub(super) fn set_clients_memory(_: &Server, text: &str) -> Result<Change, String> {
    const EXPECTED: &str = "argument must be a memory or percent value";
    let (bytes, percent) = match text.trim().strip_suffix('%') {
        None => (size::parse(text).ok_or(EXPECTED)?, 0),
        Some(percent) => match percent.parse::<u64>() {
            Err(_) => return Err(EXPECTED.to_owned()),
            Ok(percent @ 0..=100) => (0, percent),
            Ok(_) => return Err("percentage argument must be less or equal to 100".to_owned()),
        },
    };
    Ok(Box::new(move |server| {
        server.settings.clients_bytes_max.set(bytes);
        server.settings.clients_percent_max.set(percent);
    }))
}

/// A change of the setting `which` to the number of bytes in `text`.
pub(super) fn bytes(
    text: &str,
    range: RangeInclusive<u64>,
    which: fn(&Settings) -> &Setting,
) -> Result<Change, String> {
    let bytes = size::parse(text).ok_or("argument must be a memory value")?;
    if !range.contains(&bytes) {
        let (least, most) = (range.start(), range.end());
        return Err(format!(
            "argument must be between {least} and {most} inclusive"
        ));
    }
    Ok(Box::new(move |server| which(&server.settings).set(bytes)))
}

pub(super) fn set_maxclients(server: &Server, text: &str) -> Result<Change, String> {
    let change = number(text, 1..=u64::from(u32::MAX), |settings| {
        &settings.clients_max
    })?;
    let possible = server.settings.clients_possible;
    match text.trim().parse::<u64>() {
        Ok(wanted) if wanted > possible => Err(format!(
            "the limit on open files leaves room for {possible} clients"
        )),
        _ => Ok(change),
    }
}

/// A change of the setting `which` to the number in `text`.
pub(super) fn number(
    text: &str,
    range: RangeInclusive<u64>,
    which: fn(&Settings) -> &Setting,
) -> Result<Change, String> {
    let value: i64 = text
        .trim()
        .parse()
        .map_err(|_| "argument couldn't be parsed into an integer")?;
    match u64::try_from(value) {
        Ok(value) if range.contains(&value) => {
            Ok(Box::new(move |server| which(&server.settings).set(value)))
        }
        _ => Err(format!(
            "argument must be between {} and {} inclusive",
            range.start(),
            range.end()
        )),
    }
}

/// The limits of one class of clients: bytes at all, bytes for some time, that time in seconds.
type OutputLimits = [u64; 3];

/// Checks a limit of packed collections.
pub(super) fn packed(
    text: &str,
    which: fn(&ValueLimits) -> &AtomicUsize,
) -> Result<Change, String> {
    let value: i64 = text
        .trim()
        .parse()
        .map_err(|_| "argument couldn't be parsed into an integer")?;
    let value = usize::try_from(value)
        .map_err(|_| format!("argument must be between 0 and {} inclusive", i64::MAX))?;
    Ok(Box::new(move |server| {
        which(server.engine.limits()).store(value, Relaxed);
    }))
}

/// Groups of four words: a class of clients and its three limits.
pub(super) fn set_output_limit(_: &Server, text: &str) -> Result<Change, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let (mut normal, mut pubsub) = (None, None);
    for group in words.chunks_exact(4) {
        let limits = output_limits(&group[1..]);
        match group[0].to_ascii_lowercase().as_str() {
            "normal" => normal = Some(limits?),
            "pubsub" => pubsub = Some(limits?),
            "replica" | "slave" => drop(limits?),
            _ => {
                return Err(
                    "Invalid client class specified in buffer limit configuration.".to_owned(),
                );
            }
        }
    }
    Ok(Box::new(move |server| {
        let settings = &server.settings;
        if let Some([hard, soft, seconds]) = normal {
            settings.output_hard_bytes.set(hard);
            settings.output_soft_bytes.set(soft);
            settings.output_soft_s.set(seconds);
        }
        if let Some([hard, soft, seconds]) = pubsub {
            settings.pubsub_hard_bytes.set(hard);
            settings.pubsub_soft_bytes.set(soft);
            settings.pubsub_soft_s.set(seconds);
        }
    }))
}

pub(super) fn output_limits(words: &[&str]) -> Result<OutputLimits, String> {
    let limits = match words {
        [hard, soft, seconds] => [size::parse(hard), size::parse(soft), seconds.parse().ok()],
        _ => [None; 3],
    };
    match limits {
        [Some(hard), Some(soft), Some(seconds)] => Ok([hard, soft, seconds]),
        _ => Err(
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned(),
        ),
    }
}
