//! The knobs of a running server: one row for each, which `CONFIG GET`, `CONFIG SET` and `docs/config.md` read.
//!
//! Names are Redis' where Redis has the knob. What would let a client write files elsewhere is fixed.

mod change;

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::Relaxed;

use kv_wal::SnapshotRule;

use self::change::{
    bytes, change_rule, number, packed, rule, set_bind, set_clients_memory, set_durability,
    set_maxclients, set_output_limit, set_port, yes_or_no,
};
use super::{Durability, size};
use crate::engine::evict::{policy_names, policy_number};
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
        doc: "What replies wait for unless their connection chose otherwise: `durability`, but for a server without \
              a log, where it is `no`.",
        default: "always",
        get: |server| match server.engine.promised() {
            "off" => "no".to_owned(),
            policy => policy.to_owned(),
        },
        set: Some(|server, text| match server.engine.gate() {
            None if text.trim().eq_ignore_ascii_case("no") => Ok(Box::new(|_| ())),
            _ => set_durability(server, text),
        }),
    },
    Knob {
        name: "appendonly",
        doc: "Whether there is a log: `no` with `--durability off`. It cannot be switched while the server runs: with \
              one, `no` is taken and the log goes on.",
        default: "yes",
        get: |server| yes_or_no(server.config.durability != Durability::Off),
        set: Some(
            |server, text| match text.trim().to_ascii_lowercase().as_str() {
                "yes" if server.config.durability == Durability::Off => {
                    Err("the log is switched on by `--durability` only".to_owned())
                }
                "yes" | "no" => Ok(Box::new(|_| ())),
                _ => Err("argument must be 'yes' or 'no'".to_owned()),
            },
        ),
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
            let addresses: Vec<String> = addresses
                .iter()
                .map(|address| address.ip().to_string())
                .collect();
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
        get: |server| server.settings.request_bytes_max.get().to_string(),
        set: Some(|_, text| bytes(text, REQUEST_BYTES, |settings| &settings.request_bytes_max)),
    },
    Knob {
        name: "daemonize",
        doc: "Whether the server leaves its terminal by itself: it does not.",
        default: "no",
        get: |_| "no".to_owned(),
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
        doc: "When a write counts as done, unless its connection chose otherwise: `always`, `everysec`, `no` or `off` \
              (`--durability`). What cannot be switched is the log: to `off`, from `off`, and from a start with `no` \
              to `everysec`.",
        default: "always",
        get: |server| server.engine.promised().to_owned(),
        set: Some(set_durability),
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
        name: "hll-sparse-max-bytes",
        doc: "Bytes up to which a HyperLogLog is kept as runs of equal registers.",
        default: "3000",
        get: |server| {
            let limits = server.engine.limits();
            limits.hll_sparse_bytes.load(Relaxed).to_string()
        },
        set: Some(|_, text| packed(text, |limits| &limits.hll_sparse_bytes)),
    },
    Knob {
        name: "io-threads",
        doc: "Threads that serve connections (`--threads`).",
        default: "one for each core but one",
        get: |server| server.config.thread_count().to_string(),
        set: None,
    },
    Knob {
        name: "lfu-decay-time",
        doc: "Minutes after which a count of uses of a key becomes less by one; 0 is never.",
        default: "1",
        get: |server| server.settings.lfu_decay_minutes.get().to_string(),
        set: Some(|_, text| {
            let change = number(text, 0..=LFU_MAX, |settings| &settings.lfu_decay_minutes)?;
            Ok(Box::new(move |server| {
                change(server);
                server.remember_uses();
            }))
        }),
    },
    Knob {
        name: "lfu-log-factor",
        doc: "How slowly counts of uses of keys grow.",
        default: "10",
        get: |server| server.settings.lfu_log_factor.get().to_string(),
        set: Some(|_, text| {
            let change = number(text, 0..=LFU_MAX, |settings| &settings.lfu_log_factor)?;
            Ok(Box::new(move |server| {
                change(server);
                server.remember_uses();
            }))
        }),
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
              add to it are refused, or keys are removed to make room (`maxmemory-policy`); 0 is no limit.",
        default: "0",
        get: |server| server.settings.memory_max.get().to_string(),
        set: Some(|_, text| {
            let bytes = size::parse(text).ok_or("argument must be a memory value")?;
            Ok(Box::new(move |server| {
                server.settings.memory_max.set(bytes);
                server.count_memory();
            }))
        }),
    },
    Knob {
        name: "maxmemory-clients",
        doc: "Bytes that all connections together may take, or a share of `maxmemory` such as `5%`; 0 is no limit. \
              Once a second, those that take most are closed until the rest is within it.",
        default: "0",
        get: |server| match server.settings.clients_percent_max.get() {
            0 => server.settings.clients_bytes_max.get().to_string(),
            percent => format!("{percent}%"),
        },
        set: Some(set_clients_memory),
    },
    Knob {
        name: "maxmemory-policy",
        doc: "What is removed to make room: nothing (`noeviction`), or of a few keys (`allkeys-`), of which those without \
              an expiry are spared (`volatile-`), the one that was not used for longest (`lru`), is used least (`lfu`), \
              expires soonest (`ttl`), or any (`random`).",
        default: "noeviction",
        get: |server| server.policy_name().to_owned(),
        set: Some(|_, text| {
            let number = policy_number(text.trim()).ok_or_else(|| {
                let names = policy_names();
                format!("argument(s) must be one of the following: {names}")
            })?;
            Ok(Box::new(move |server| {
                server.settings.policy.set(number);
                server.remember_uses();
            }))
        }),
    },
    Knob {
        name: "maxmemory-samples",
        doc: "How many keys are looked at to find one to remove.",
        default: "5",
        get: |server| server.settings.memory_samples.get().to_string(),
        set: Some(|_, text| number(text, 1..=64, |settings| &settings.memory_samples)),
    },
    Knob {
        name: "min-replicas-to-write",
        doc: "How many replicas there must be for a write to run. There are none: with 1 or more, writes are refused.",
        default: "0",
        get: |server| server.settings.replicas_min.get().to_string(),
        set: Some(|_, text| number(text, 0..=REPLICAS_MAX, |settings| &settings.replicas_min)),
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
        doc: "The port that the server listens on (`--port`). A change ends no connection.",
        default: "6379",
        get: |server| server.port().to_string(),
        set: Some(set_port),
    },
    Knob {
        name: "proto-max-bulk-len",
        doc: "Bytes that one string of a request may have.",
        default: "536870912",
        get: |server| server.settings.bulk_bytes_max.get().to_string(),
        set: Some(|_, text| bytes(text, BULK_BYTES, |settings| &settings.bulk_bytes_max)),
    },
    Knob {
        name: "replicaof",
        doc: "Whose replica the server is: nobody's.",
        default: "",
        get: |_| String::new(),
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
        name: "requirepass",
        doc: "The password of the user called default; empty is none. It is not shown, for only its hash is kept.",
        default: "",
        get: |_| String::new(),
        set: Some(|_, text| {
            let password = text.to_owned();
            Ok(Box::new(move |server| {
                server.acl.set_default_password(password.as_bytes())
            }))
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

/// Most replicas that a knob takes.
const REPLICAS_MAX: u64 = i32::MAX as u64;

/// Smallest and largest limit on a request, in bytes.
const REQUEST_BYTES: RangeInclusive<u64> = 1 << 20..=kv_proto::REQUEST_BYTES_MAX as u64;

/// Smallest and largest limit on a string of a request, in bytes.
const BULK_BYTES: RangeInclusive<u64> = 1 << 20..=kv_proto::BULK_BYTES_MAX as u64;

/// Largest number that steers counts of uses.
const LFU_MAX: u64 = i32::MAX as u64;

/// Most percent that a knob takes.
const PERCENT_MAX: u32 = 2_147_483_647;

/// The most keys that can be remembered for clients.
const KEYS_MAX: u64 = i64::MAX as u64;

/// Longest time that a knob takes, in seconds.
const SECONDS_MAX: u64 = 2_147_483_647;

/// Longest time between probes that the kernel takes, in seconds.
const KEEPALIVE_S_MAX: u64 = 32_767;

#[cfg(test)]
mod tests;
