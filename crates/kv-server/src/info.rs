//! What `INFO` tells, section by section, in Redis' form and with Redis' names where they have a meaning here:
//! a line `# Section`, then lines `name:value`.

mod keysizes;

use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use kv_core::Db;
use kv_wal::{DurableStore, SnapshotStatus};

use crate::command::spec::CommandSpec;
use crate::config::{kept, size};
use crate::engine::{LogView, ServerCx};
use crate::meter::{self, Metered};
use crate::pubsub::Topic;
use crate::script::Figures;
use crate::server::{OWN_BYTES, Server};

/// The version of Redis whose behaviour clients may expect: they ask for it by this name. It is the newest without
/// modules: to a client, 8 and above means that JSON, search and vector sets are there too.
pub(crate) const REDIS_VERSION: &str = "7.4.0";

/// A part of what `INFO` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Server,
    Clients,
    Memory,
    Persistence,
    Stats,
    Replication,
    Cpu,
    CommandStats,
    ErrorStats,
    LatencyStats,
    Cluster,
    Keyspace,
    KeySizes,
}

impl Section {
    /// Every section, in the order in which they are shown.
    pub(crate) const ALL: [Self; 13] = [
        Self::Server,
        Self::Clients,
        Self::Memory,
        Self::Persistence,
        Self::Stats,
        Self::Replication,
        Self::Cpu,
        Self::CommandStats,
        Self::ErrorStats,
        Self::LatencyStats,
        Self::Cluster,
        Self::Keyspace,
        Self::KeySizes,
    ];

    /// Whether it is shown when nothing is said.
    pub(crate) const fn is_default(self) -> bool {
        !matches!(self, Self::CommandStats | Self::LatencyStats) && !self.looks_at_every_key()
    }

    /// Whether it takes so long that it is shown only when it is named.
    pub(crate) const fn looks_at_every_key(self) -> bool {
        matches!(self, Self::KeySizes)
    }

    /// The head of the section.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Clients => "Clients",
            Self::Memory => "Memory",
            Self::Persistence => "Persistence",
            Self::Stats => "Stats",
            Self::Replication => "Replication",
            Self::Cpu => "CPU",
            Self::CommandStats => "Commandstats",
            Self::ErrorStats => "Errorstats",
            Self::LatencyStats => "Latencystats",
            Self::Cluster => "Cluster",
            Self::Keyspace => "Keyspace",
            Self::KeySizes => "Keysizes",
        }
    }
}

/// The text of `sections`.
pub(crate) fn text(cx: &ServerCx<'_>, sections: &[Section]) -> String {
    let written: Vec<String> = sections
        .iter()
        .map(|&section| {
            let mut lines = Lines(format!("# {}\r\n", section.name()));
            match section {
                Section::Server => server(cx, &mut lines),
                Section::Clients => clients(cx.server, &mut lines),
                Section::Memory => memory(cx, &mut lines),
                Section::Persistence => persistence(cx, &mut lines),
                Section::Stats => stats(cx, &mut lines),
                Section::Replication => replication(cx.server, &mut lines),
                Section::Cpu => cpu(&mut lines),
                Section::CommandStats => command_stats(cx.server, &mut lines),
                Section::ErrorStats => error_stats(cx.server, &mut lines),
                Section::LatencyStats => latency_stats(cx.server, &mut lines),
                Section::Cluster => lines.add("cluster_enabled", 0),
                Section::Keyspace => keyspace(cx, &mut lines),
                Section::KeySizes => keysizes::add(cx, &mut lines),
            }
            lines.0
        })
        .collect();
    written.join("\r\n")
}

/// The lines of one section.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
    }
}

fn server(cx: &ServerCx<'_>, lines: &mut Lines) {
    let server = cx.server;
    let system = rustix::system::uname();
    lines.add("redis_version", REDIS_VERSION);
    lines.add("redis_git_sha1", env!("KV_COMMIT"));
    lines.add("kv_version", env!("CARGO_PKG_VERSION"));
    lines.add("kv_git_sha1", env!("KV_COMMIT"));
    lines.add("redis_mode", "standalone");
    lines.add(
        "os",
        format_args!(
            "{} {} {}",
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy(),
            system.machine().to_string_lossy()
        ),
    );
    lines.add("arch_bits", usize::BITS);
    lines.add("process_id", std::process::id());
    lines.add("run_id", &server.run_id);
    lines.add("tcp_port", server.port());
    lines.add("server_time_usec", cx.now.0.saturating_mul(1000));
    lines.add("uptime_in_seconds", server.uptime_s());
    lines.add("uptime_in_days", server.uptime_s() / 86_400);
    lines.add("io_threads", server.config.thread_count());
    lines.add(
        "availability_zone",
        server.settings.kept.text("availability-zone"),
    );
    lines.add("config_file", "");
}

fn clients(server: &Server, lines: &mut Lines) {
    lines.add("connected_clients", server.clients.len());
    lines.add("cluster_connections", 0);
    lines.add("maxclients", server.settings.clients_max.get());
    let all = server.clients.all();
    let subscribers = all.iter().filter(|client| client.is_subscriber());
    let [tracking, ..] = server.tracking.counts();
    lines.add("blocked_clients", server.blocked.count());
    let (keys, lasting) = server.blocked.keys();
    lines.add("total_blocking_keys", keys);
    lines.add("total_blocking_keys_on_nokey", lasting);
    lines.add("tracking_clients", tracking);
    lines.add("pubsub_clients", subscribers.count());
    let (reason, actions, left_ms) = match server.pause.status() {
        None => ("none", "none", 0),
        Some((true, left)) => ("client_pause", "write", left.as_millis()),
        Some((false, left)) => ("client_pause", "all", left.as_millis()),
    };
    lines.add("paused_reason", reason);
    lines.add("paused_actions", actions);
    lines.add("paused_timeout_milliseconds", left_ms);
}

fn memory(cx: &ServerCx<'_>, lines: &mut Lines) {
    let data = cx.memory_used() as u64;
    let used = data + OWN_BYTES as u64;
    let resident = resident_bytes().unwrap_or(0);
    lines.add("used_memory", used);
    lines.add("used_memory_human", size::human(used));
    lines.add("used_memory_rss", resident);
    lines.add("used_memory_rss_human", size::human(resident));
    lines.add("used_memory_dataset", data);
    let figures = &cx.server.scripts.figures;
    let scripts = Figures::read(&figures.memory_bytes);
    let functions = Figures::read(&figures.function_memory_bytes);
    let sources = Figures::read(&figures.source_bytes);
    let libraries = Figures::read(&figures.library_bytes);
    lines.add("used_memory_vm_eval", scripts);
    lines.add("used_memory_lua", scripts);
    lines.add("used_memory_lua_human", size::human(scripts));
    lines.add("used_memory_scripts_eval", sources);
    lines.add("number_of_cached_scripts", Figures::read(&figures.cached));
    lines.add("number_of_functions", Figures::read(&figures.functions));
    lines.add("number_of_libraries", Figures::read(&figures.libraries));
    lines.add("used_memory_vm_functions", functions);
    let both = scripts + functions;
    lines.add("used_memory_vm_total", both);
    lines.add("used_memory_vm_total_human", size::human(both));
    lines.add("used_memory_functions", libraries);
    let both = sources + libraries;
    lines.add("used_memory_scripts", both);
    lines.add("used_memory_scripts_human", size::human(both));
    let limit = cx.server.settings.memory_max.get();
    lines.add("maxmemory", limit);
    lines.add("maxmemory_human", size::human(limit));
    lines.add("maxmemory_policy", cx.server.policy_name());
    lines.add("mem_not_counted_for_evict", 0);
    let is_pending = cx.server.engine.garbage_bytes() > 0;
    lines.add("lazyfree_pending_objects", u8::from(is_pending));
    lines.add("mem_allocator", "mimalloc");
}

/// Bytes of the process that are in physical memory, as the kernel counts them.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}

fn persistence(cx: &ServerCx<'_>, lines: &mut Lines) {
    let server = cx.server;
    lines.add("loading", 0);
    lines.add("async_loading", 0);
    let snapshots = server.engine.durable().map(DurableStore::snapshot_status);
    snapshot_lines(cx, &snapshots.unwrap_or_default(), lines);
    let log = server.engine.log();
    lines.add("aof_enabled", u8::from(log.is_some()));
    lines.add("durability", server.engine.promised());
    match log {
        None => lines.add("aof_last_write_status", "ok"),
        Some(log) => log_lines(server, &log, lines),
    }
}

/// When the last snapshot was made, in seconds since 1970; when the server was started, if there is none.
pub(crate) fn last_save_s(cx: &ServerCx<'_>) -> i64 {
    let status = cx
        .server
        .engine
        .durable()
        .map(DurableStore::snapshot_status);
    saved_s(cx, &status.unwrap_or_default())
}

fn saved_s(cx: &ServerCx<'_>, status: &SnapshotStatus) -> i64 {
    let started_s = || cx.now.0 / 1000 - cx.server.uptime_s().cast_signed();
    let newest = status.newest.filter(|newest| newest.made.0 > 0);
    newest.map_or_else(started_s, |newest| newest.made.0 / 1000)
}

/// A snapshot is both of what Redis tells apart: a dump, and a rewritten log.
fn snapshot_lines(cx: &ServerCx<'_>, status: &SnapshotStatus, lines: &mut Lines) {
    let running = u8::from(status.running.is_some());
    let outcome = if status.last_error.is_some() {
        "err"
    } else {
        "ok"
    };
    let seconds = |time: Option<Duration>| time.map_or(-1, |time| time.as_secs().cast_signed());
    let (took_s, elapsed_s) = (
        seconds(status.last_took),
        seconds(status.running.map(|running| running.elapsed)),
    );
    let under_way = status.running.unwrap_or_default();
    // There is no fork, so nothing is copied on write.
    lines.add("current_cow_peak", 0);
    lines.add("current_cow_size", 0);
    lines.add("current_cow_size_age", 0);
    let percent = under_way.keys_done as f64 * 100.0 / under_way.keys_total.max(1) as f64;
    lines.add("current_fork_perc", format_args!("{percent:.2}"));
    lines.add("current_save_keys_processed", under_way.keys_done);
    lines.add("current_save_keys_total", under_way.keys_total);
    lines.add("rdb_changes_since_last_save", status.effects_since);
    lines.add("rdb_bgsave_in_progress", running);
    lines.add("rdb_last_save_time", saved_s(cx, status));
    lines.add("rdb_last_bgsave_status", outcome);
    lines.add("rdb_last_bgsave_time_sec", took_s);
    lines.add("rdb_current_bgsave_time_sec", elapsed_s);
    lines.add("rdb_saves", status.done);
    lines.add("rdb_last_cow_size", 0);
    // Expired keys are loaded as well, and removed by the sweep, which logs it.
    lines.add("rdb_last_load_keys_expired", 0);
    lines.add("rdb_last_load_keys_loaded", loaded_keys(cx));
    lines.add("module_fork_in_progress", 0);
    lines.add("module_fork_last_cow_size", 0);
    lines.add("aof_rewrite_in_progress", running);
    lines.add("aof_rewrite_scheduled", u8::from(status.scheduled));
    lines.add("aof_last_rewrite_time_sec", took_s);
    lines.add("aof_current_rewrite_time_sec", elapsed_s);
    lines.add("aof_last_bgrewrite_status", outcome);
    lines.add("aof_rewrites", status.done);
    lines.add("aof_last_cow_size", 0);
    lines.add(
        "aof_base_size",
        status.newest.map_or(0, |newest| newest.bytes),
    );
    lines.add("log_bytes_since_snapshot", status.log_bytes_since);
    lines.add("snapshot_failures", status.failed);
    lines.add("snapshot_keys_done", under_way.keys_done);
    lines.add("snapshot_keys_total", under_way.keys_total);
    lines.add("snapshot_bytes", under_way.bytes);
    let newest = status.newest.unwrap_or_default();
    lines.add("snapshot_last_lsn", newest.lsn);
    lines.add("snapshot_last_keys", newest.keys);
    lines.add("snapshot_last_usec", newest.took.as_micros());
}

/// Keys of the snapshot that the server began with.
fn loaded_keys(cx: &ServerCx<'_>) -> u64 {
    let recovered = cx.server.engine.durable().map(DurableStore::recovered);
    let snapshot = recovered.and_then(|recovered| recovered.snapshot);
    snapshot.map_or(0, |snapshot| snapshot.keys)
}

fn log_lines(server: &Server, log: &LogView<'_>, lines: &mut Lines) {
    let stats = &log.stats;
    let healthy = !log.gate.has_failed() && !stats.disk_full;
    lines.add("aof_last_write_status", if healthy { "ok" } else { "err" });
    lines.add("aof_current_size", stats.log_bytes);
    lines.add("aof_pending_rewrite", 0);
    lines.add("aof_buffer_length", stats.backlog_bytes);
    let is_pending = log.gate.durable() < log.gate.written();
    lines.add("aof_pending_bio_fsync", u8::from(is_pending));
    // Replies wait for a late sync; none is passed over.
    lines.add("aof_delayed_fsync", 0);
    lines.add("log_format", server.config.wal_format.word());
    lines.add("log_policy", log.durability);
    lines.add("log_segment", stats.segment);
    lines.add("log_written_lsn", log.gate.written());
    lines.add("log_durable_lsn", log.gate.durable());
    lines.add("log_effects", stats.effects);
    lines.add("log_bytes", stats.bytes);
    lines.add("log_batches", stats.batches);
    lines.add("log_syncs", stats.syncs);
    let per_sync = |count: u64| count as f64 / stats.syncs.max(1) as f64;
    lines.add(
        "log_effects_per_sync",
        format_args!("{:.2}", per_sync(stats.effects)),
    );
    lines.add("log_last_sync_usec", stats.last_sync_micros);
    lines.add("log_backlog_bytes", stats.backlog_bytes);
    lines.add("log_disk_full", u8::from(stats.disk_full));
    let recovered = log.recovered;
    lines.add("recovered_effects", recovered.effects);
    lines.add("recovered_bytes", recovered.bytes);
    lines.add("recovered_clean", u8::from(recovered.clean));
    lines.add("recovered_usec", recovered.took.as_micros());
    let dropped = recovered.dropped.as_ref().map_or(0, |tail| tail.bytes);
    lines.add("recovered_dropped_bytes", dropped);
}

fn stats(cx: &ServerCx<'_>, lines: &mut Lines) {
    let server = cx.server;
    let totals = server.stats.totals();
    let store = cx.stats();
    lines.add(
        "total_connections_received",
        server.stats.connections.load(Ordering::Relaxed),
    );
    lines.add("total_commands_processed", totals.commands);
    lines.add(
        "instantaneous_ops_per_sec",
        server.stats.commands_per_second(),
    );
    lines.add("total_net_input_bytes", totals.input_bytes);
    lines.add("total_net_output_bytes", totals.output_bytes);
    lines.add(
        "rejected_connections",
        server.stats.rejected.load(Ordering::Relaxed),
    );
    lines.add("total_error_replies", totals.errors);
    lines.add("expired_keys", store.expired);
    // `MIGRATE` sends nothing anywhere.
    lines.add("migrate_cached_sockets", 0);
    lines.add("expired_fields", store.expired_fields);
    lines.add("evicted_keys", store.evicted);
    lines.add(
        "evicted_clients",
        server.stats.evicted_clients.load(Ordering::Relaxed),
    );
    lines.add("keyspace_hits", store.hits);
    lines.add("keyspace_misses", store.misses);
    let pubsub = &server.pubsub;
    lines.add("pubsub_channels", pubsub.channel_count(Topic::Channel));
    lines.add("pubsub_patterns", pubsub.pattern_count());
    lines.add(
        "pubsubshard_channels",
        pubsub.channel_count(Topic::ShardChannel),
    );
    let [_, keys, items, prefixes] = server.tracking.counts();
    lines.add("tracking_total_keys", keys);
    lines.add("tracking_total_items", items);
    lines.add("tracking_total_prefixes", prefixes);
}

/// There is one server: it has no replicas, and is nobody's.
fn replication(server: &Server, lines: &mut Lines) {
    lines.add("role", "master");
    lines.add("connected_slaves", 0);
    lines.add("master_failover_state", "no-failover");
    lines.add("master_replid", &server.run_id);
    lines.add("master_repl_offset", 0);
}

fn cpu(lines: &mut Lines) {
    let [user, system] = cpu_seconds().unwrap_or_default();
    lines.add("used_cpu_sys", format_args!("{system:.6}"));
    lines.add("used_cpu_user", format_args!("{user:.6}"));
    let active = user + system;
    lines.add("used_active_time_main_thread", format_args!("{active:.6}"));
    lines.add("used_cpu_sys_children", "0.000000");
    lines.add("used_cpu_user_children", "0.000000");
}

/// Seconds of processor that the process has used, as the kernel counts them: its own code's, and its own.
fn cpu_seconds() -> Option<[f64; 2]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before the last bracket may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    let mut next = || Some(fields.next()?.parse::<f64>().ok()? / per_second);
    Some([next()?, next()?])
}

fn command_stats(server: &Server, lines: &mut Lines) {
    for (spec, sum) in sums(server) {
        let micros = sum.nanos / 1000;
        let per_call = sum.nanos as f64 / 1000.0 / sum.calls.max(1) as f64;
        lines.add(
            &format!("cmdstat_{}", spec.name.to_ascii_lowercase()),
            format_args!(
                "calls={},usec={micros},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}",
                sum.calls, sum.rejected, sum.failed
            ),
        );
    }
}

fn error_stats(server: &Server, lines: &mut Lines) {
    for (code, count) in server.stats.error_codes.all() {
        lines.add(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

fn latency_stats(server: &Server, lines: &mut Lines) {
    let percents = kept::latency_percentiles(&server.settings.kept);
    for (spec, sum) in sums(server) {
        if sum.calls == 0 {
            continue;
        }
        let shown: Vec<String> = percents
            .iter()
            .map(|percent| format!("p{percent}={}.000", sum.percentile(*percent)))
            .collect();
        lines.add(
            &format!(
                "latency_percentiles_usec_{}",
                spec.name.to_ascii_lowercase()
            ),
            shown.join(","),
        );
    }
}

fn sums(server: &Server) -> Vec<(&'static CommandSpec, Metered)> {
    let workers = server.stats.workers().iter();
    meter::sums(workers.map(|worker| &worker.meters))
}

fn keyspace(cx: &ServerCx<'_>, lines: &mut Lines) {
    for db in (0..cx.server.engine.databases()).map(Db) {
        let held = cx.keyspace(db);
        if held.keys > 0 {
            let mean_ttl_ms = held.mean_ttl_ms.unwrap_or(0);
            let (keys, expiring, fields) = (held.keys, held.expiring, held.with_expiring_fields);
            // The last two are Redis' name and Valkey's for the same.
            lines.add(
                &format!("db{db}"),
                format_args!(
                    "keys={keys},expires={expiring},avg_ttl={mean_ttl_ms},subexpiry={fields},\
                     keys_with_volatile_items={fields}"
                ),
            );
        }
    }
}
