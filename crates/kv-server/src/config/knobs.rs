//! The knobs of a running server: one row for each, which `CONFIG GET`, `CONFIG SET` and `docs/config.md` read.
//!
//! Names are Redis' where Redis has the knob. What would let a client write files elsewhere is fixed.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kv_core::ValueLimits;
use kv_wal::{DurableStore, SnapshotRule};

use super::settings::{Setting, Settings};
use super::{Durability, size};
use crate::notify::NotifyFlags;
use crate::server::Server;

/// A limit on the time of scripts is no larger, in milliseconds.
const BUSY_REPLY_MS_MAX: u64 = i64::MAX as u64;

/// A change that has been checked and is still to be made.
pub(crate) type Change = Box<dyn FnOnce(&Server)>;

/// Checks a new value and says what to do, or what is wrong with it.
type Set = fn(&Server, &str) -> Result<Change, String>;

/// One knob.
pub(crate) struct Knob {
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    pub(crate) doc: &'static str,
    /// What it is when nothing else was said.
    pub(crate) default: &'static str,
    pub(crate) get: fn(&Server) -> String,
    /// `None`: it is fixed when the server starts.
    pub(crate) set: Option<Set>,
}

/// Every knob, sorted by name.
pub(crate) const KNOBS: &[Knob] = &[
    Knob {
        name: "appendfsync",
        doc: "When the log is flushed to stable storage: `always`, `everysec` or `no` (`--durability`).",
        default: "always",
        get: |server| match server.config.durability {
            Durability::Off => "no".to_owned(),
            durability => durability.word().to_owned(),
        },
        set: None,
    },
    Knob {
        name: "appendonly",
        doc: "Whether there is a log: `no` with `--durability off`.",
        default: "yes",
        get: |server| yes_or_no(server.config.durability != Durability::Off),
        set: Some(|server, text| {
            let is_on = yes_or_no(server.config.durability != Durability::Off);
            if text.trim().eq_ignore_ascii_case(&is_on) {
                return Ok(Box::new(|_| ()));
            }
            Err("the log is switched on and off by `--durability` only".to_owned())
        }),
    },
    Knob {
        name: "auto-aof-rewrite-min-size",
        doc: "Bytes of log, at least, after which a snapshot is made by itself; 0 is never \
              (`--snapshot-after`).",
        default: "67108864",
        get: |server| rule(server).log_bytes_min.to_string(),
        set: Some(|_, text| {
            let log_bytes_min = size::parse(text).ok_or("argument must be a memory value")?;
            Ok(change_rule(move |rule| SnapshotRule {
                log_bytes_min,
                ..rule
            }))
        }),
    },
    Knob {
        name: "auto-aof-rewrite-percentage",
        doc: "Bytes of log, as a share of the last snapshot's size, after which a snapshot is made by itself; \
              0 is never.",
        default: "100",
        get: |server| rule(server).log_percent.to_string(),
        set: Some(|_, text| match text.trim().parse() {
            Ok(log_percent) if log_percent <= PERCENT_MAX => {
                Ok(change_rule(move |rule| SnapshotRule {
                    log_percent,
                    ..rule
                }))
            }
            _ => Err(format!(
                "argument must be between 0 and {PERCENT_MAX} inclusive"
            )),
        }),
    },
    Knob {
        name: "bind",
        doc: "The addresses that the server listens on (`--bind`). A change ends no connection.",
        default: "127.0.0.1",
        get: |server| {
            let addresses = server.rebind.addresses();
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            addresses.join(" ")
        },
        set: Some(set_bind),
    },
    Knob {
        name: "busy-reply-threshold",
        doc: "Milliseconds that a script may run before other clients are answered `BUSY`; 0 is for ever.",
        default: "5000",
        get: |server| server.settings.busy_reply_threshold_ms.get().to_string(),
        set: Some(|_, text| {
            number(text, 0..=BUSY_REPLY_MS_MAX, |settings| {
                &settings.busy_reply_threshold_ms
            })
        }),
    },
    Knob {
        name: "client-output-buffer-limit",
        doc: "Bytes that may wait for a client at all, bytes that may wait for some time, and that time in \
              seconds: of replies (`normal`), and of messages and invalidations (`pubsub`). A client over a limit \
              is disconnected; 0 is no limit. What is said of `replica` is taken and means nothing.",
        default: "normal 1073741824 67108864 60 pubsub 33554432 8388608 60",
        get: |server| {
            let settings = &server.settings;
            format!(
                "normal {} {} {} pubsub {} {} {}",
                settings.output_hard_bytes.get(),
                settings.output_soft_bytes.get(),
                settings.output_soft_s.get(),
                settings.pubsub_hard_bytes.get(),
                settings.pubsub_soft_bytes.get(),
                settings.pubsub_soft_s.get()
            )
        },
        set: Some(set_output_limit),
    },
    Knob {
        name: "client-query-buffer-limit",
        doc: "Bytes that one request may have.",
        default: "1073741824",
        get: |_| kv_proto::REQUEST_BYTES_MAX.to_string(),
        set: None,
    },
    Knob {
        name: "databases",
        doc: "How many logical databases there are (`--databases`).",
        default: "16",
        get: |server| server.config.databases.to_string(),
        set: None,
    },
    Knob {
        name: "dir",
        doc: "The directory of the data (`--dir`).",
        default: "./kv-data",
        get: |server| server.config.dir.display().to_string(),
        set: None,
    },
    Knob {
        name: "durability",
        doc: "When a write counts as done: `always`, `everysec`, `no` or `off` (`--durability`).",
        default: "always",
        get: |server| server.config.durability.word().to_owned(),
        set: None,
    },
    Knob {
        name: "hash-max-listpack-entries",
        doc: "Fields that a packed hash may have.",
        default: "512",
        get: |server| {
            server
                .engine
                .limits()
                .hash_entries
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.hash_entries)),
    },
    Knob {
        name: "hash-max-listpack-value",
        doc: "Bytes that a field or value of a packed hash may have.",
        default: "64",
        get: |server| {
            server
                .engine
                .limits()
                .hash_value_bytes
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.hash_value_bytes)),
    },
    Knob {
        name: "io-threads",
        doc: "Threads that serve connections (`--threads`).",
        default: "one for each core",
        get: |server| server.config.thread_count().to_string(),
        set: None,
    },
    Knob {
        name: "list-max-listpack-size",
        doc: "Elements that a packed list may have; -1 to -5 stand for 4, 8, 16, 32 or 64 KiB.",
        default: "-2",
        get: |server| server.engine.limits().list_size.load(Relaxed).to_string(),
        set: Some(|_, text| match text.trim().parse::<i32>() {
            Ok(size) => Ok(Box::new(move |server| {
                let limits = server.engine.limits();
                limits.list_size.store(size.into(), Relaxed);
            })),
            Err(_) => Err("argument couldn't be parsed into an integer".to_owned()),
        }),
    },
    Knob {
        name: "lua-time-limit",
        doc: "The older name of `busy-reply-threshold`.",
        default: "5000",
        get: |server| server.settings.busy_reply_threshold_ms.get().to_string(),
        set: Some(|_, text| {
            number(text, 0..=BUSY_REPLY_MS_MAX, |settings| {
                &settings.busy_reply_threshold_ms
            })
        }),
    },
    Knob {
        name: "maxclients",
        doc: "Most client connections at a time (`--maxclients`), as far as the limit on open files allows.",
        default: "10000",
        get: |server| server.settings.clients_max.get().to_string(),
        set: Some(set_maxclients),
    },
    Knob {
        name: "maxmemory",
        doc: "Bytes that the data may take, a megabyte for the server itself included, before commands that would \
              add to it are refused; 0 is no limit. What is taken is measured ten times a second.",
        default: "0",
        get: |server| server.settings.memory_max.get().to_string(),
        set: Some(|_, text| {
            let bytes = size::parse(text).ok_or("argument must be a memory value")?;
            Ok(Box::new(move |server| {
                server.settings.memory_max.set(bytes);
                server.look_at_memory();
            }))
        }),
    },
    Knob {
        name: "maxmemory-policy",
        doc: "What is removed to make room: nothing (`noeviction`).",
        default: "noeviction",
        get: |_| "noeviction".to_owned(),
        set: Some(|_, text| match text.trim() {
            "noeviction" => Ok(Box::new(|_| ())),
            _ => Err("only noeviction is accepted: no key is removed to make room".to_owned()),
        }),
    },
    Knob {
        name: "notify-keyspace-events",
        doc: "Which events of keys are published, and where: letters, see docs/commands.md; empty is none.",
        default: "",
        get: |server| NotifyFlags::from_bits(server.settings.notify_flags.get()).to_string(),
        set: Some(|_, text| {
            let flags = NotifyFlags::parse(text)
                .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
            Ok(Box::new(move |server| server.notify(flags)))
        }),
    },
    Knob {
        name: "port",
        doc: "The port that the server listens on (`--port`).",
        default: "6379",
        get: |server| server.port().to_string(),
        set: None,
    },
    Knob {
        name: "proto-max-bulk-len",
        doc: "Bytes that one string may have.",
        default: "536870912",
        get: |_| kv_proto::BULK_BYTES_MAX.to_string(),
        set: None,
    },
    Knob {
        name: "request-timeout",
        doc: "Seconds after which a client that has sent half a request is disconnected; 0 is never.",
        default: "30",
        get: |server| server.settings.request_timeout_s.get().to_string(),
        set: Some(|_, text| {
            number(text, 0..=SECONDS_MAX, |settings| {
                &settings.request_timeout_s
            })
        }),
    },
    Knob {
        name: "save",
        doc: "When Redis would make snapshots by itself. Always empty: see `auto-aof-rewrite-min-size`.",
        default: "",
        get: |_| String::new(),
        set: Some(|_, text| match text.trim() {
            "" => Ok(Box::new(|_| ())),
            _ => Err("only the empty value is accepted: the log has every change".to_owned()),
        }),
    },
    Knob {
        name: "set-max-intset-entries",
        doc: "Members that a packed set of integers may have.",
        default: "512",
        get: |server| {
            server
                .engine
                .limits()
                .intset_entries
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.intset_entries)),
    },
    Knob {
        name: "set-max-listpack-entries",
        doc: "Members that a packed set may have if not all are integers.",
        default: "128",
        get: |server| server.engine.limits().set_entries.load(Relaxed).to_string(),
        set: Some(|_, text| packed(text, |limits| &limits.set_entries)),
    },
    Knob {
        name: "set-max-listpack-value",
        doc: "Bytes that a member of a packed set may have.",
        default: "64",
        get: |server| {
            server
                .engine
                .limits()
                .set_value_bytes
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.set_value_bytes)),
    },
    Knob {
        name: "stream-node-max-bytes",
        doc: "Bytes that a block of a stream may have; 0: no limit.",
        default: "4096",
        get: |server| {
            server
                .engine
                .limits()
                .stream_node_bytes
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.stream_node_bytes)),
    },
    Knob {
        name: "stream-node-max-entries",
        doc: "Entries that a block of a stream may have; 0: no limit.",
        default: "100",
        get: |server| {
            server
                .engine
                .limits()
                .stream_node_entries
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.stream_node_entries)),
    },
    Knob {
        name: "tcp-keepalive",
        doc: "Seconds between the probes of connections opened from now on; 0 is none.",
        default: "300",
        get: |server| server.settings.keepalive_s.get().to_string(),
        set: Some(|_, text| number(text, 0..=KEEPALIVE_S_MAX, |settings| &settings.keepalive_s)),
    },
    Knob {
        name: "timeout",
        doc: "Seconds after which a connection that asks nothing is closed; 0 is never.",
        default: "0",
        get: |server| server.settings.idle_timeout_s.get().to_string(),
        set: Some(|_, text| number(text, 0..=SECONDS_MAX, |settings| &settings.idle_timeout_s)),
    },
    Knob {
        name: "tracking-table-max-keys",
        doc: "How many keys are remembered for clients that hear of changes of what they read; 0 is no limit.",
        default: "1000000",
        get: |server| server.settings.tracked_keys_max.get().to_string(),
        set: Some(|_, text| {
            let change = number(text, 0..=KEYS_MAX, |settings| &settings.tracked_keys_max)?;
            Ok(Box::new(move |server| {
                change(server);
                server.forget_tracked_keys();
            }))
        }),
    },
    Knob {
        name: "wal-format",
        doc: "How the log spells its records: `binary` or `json` (`--wal-format`).",
        default: "binary",
        get: |server| server.config.wal_format.word().to_owned(),
        set: None,
    },
    Knob {
        name: "wal-segment-size",
        doc: "Bytes of one file of the log (`--segment-size`).",
        default: "67108864",
        get: |server| server.config.segment_size.to_string(),
        set: None,
    },
    Knob {
        name: "zset-max-listpack-entries",
        doc: "Members that a packed sorted set may have.",
        default: "128",
        get: |server| {
            server
                .engine
                .limits()
                .zset_entries
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.zset_entries)),
    },
    Knob {
        name: "zset-max-listpack-value",
        doc: "Bytes that a member of a packed sorted set may have.",
        default: "64",
        get: |server| {
            server
                .engine
                .limits()
                .zset_value_bytes
                .load(Relaxed)
                .to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.zset_value_bytes)),
    },
];

/// Most percent that a knob takes.
const PERCENT_MAX: u32 = 2_147_483_647;

/// The most keys that can be remembered for clients.
const KEYS_MAX: u64 = i64::MAX as u64;

/// Longest time that a knob takes, in seconds.
const SECONDS_MAX: u64 = 2_147_483_647;

/// Longest time between probes that the kernel takes, in seconds.
const KEEPALIVE_S_MAX: u64 = 32_767;

/// When a snapshot is made by itself.
fn rule(server: &Server) -> SnapshotRule {
    let store = server.engine.durable();
    store.map_or_else(SnapshotRule::default, DurableStore::snapshot_rule)
}

fn change_rule(change: impl FnOnce(SnapshotRule) -> SnapshotRule + 'static) -> Change {
    Box::new(|server| {
        if let Some(store) = server.engine.durable() {
            store.set_snapshot_rule(change(store.snapshot_rule()));
        }
    })
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Addresses to listen on. Without passwords none that other machines reach may be added.
fn set_bind(server: &Server, text: &str) -> Result<Change, String> {
    let words = text.split_ascii_whitespace();
    let addresses: Result<Vec<IpAddr>, _> = words.map(str::parse).collect();
    let mut addresses =
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
    let new = server.rebind.prepare(&addresses, server.port())?;
    Ok(Box::new(move |server| server.rebind.change(addresses, new)))
}

fn set_maxclients(server: &Server, text: &str) -> Result<Change, String> {
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
fn number(
    text: &str,
    range: std::ops::RangeInclusive<u64>,
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
fn packed(text: &str, which: fn(&ValueLimits) -> &AtomicUsize) -> Result<Change, String> {
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
fn set_output_limit(_: &Server, text: &str) -> Result<Change, String> {
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

fn output_limits(words: &[&str]) -> Result<OutputLimits, String> {
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

#[cfg(test)]
mod tests;
