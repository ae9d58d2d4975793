//! From a configuration to a running server, and from there to the end.
//!
//! The main thread accepts connections, hears signals and works in the background; serving threads do the
//! rest. Nothing is changed on disk before the port is the server's own.

use std::io;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use kv_core::{MemoryOptions, MemoryStore};
use kv_wal::{DurableOptions, DurableStore, Encoding, OpenError, SnapshotRule};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::config::settings::Settings;
use crate::config::{Config, Durability, LogLevel, Repair, WalFormat};
use crate::engine::expire::expire;
use crate::engine::{Backend, Engine};
use crate::exit::{Exit, Failure};
use crate::greeting::{self, Loading};
use crate::server::Server;
use crate::shutdown::{Shutdown, Signals, drain};
use crate::upkeep;
use crate::worker;
use crate::{listener, rebind};

/// Open files that are not client connections.
const FILES_RESERVED: u64 = 32;

/// Runs a server until it is told to stop.
///
/// # Errors
///
/// What kept it from starting, from going on or from ending in order.
pub fn run(mut config: Config) -> Result<(), Failure> {
    check_exposure(&config)?;
    check_upkeep(&config)?;
    start_log(config.log_level);
    let settings = Settings::new(u64::from(config.maxclients), connections_possible(&config));
    let bound = listener::bind(&config.bind, config.port)?;
    prepare(&mut config)?;
    let shutdown = Arc::new(Shutdown::new());
    let engine = open(&config, &shutdown)?;
    let addresses = bound.addresses().to_vec();
    let server = Arc::new(Server::new(config, settings, engine, shutdown, addresses));
    if server.engine.has_libraries() {
        server.scripts.way.settle(&server);
    }
    server.observe_store();
    let workers = (0..server.config.thread_count())
        .map(|number| worker::spawn(Arc::clone(&server), number))
        .collect::<Result<Vec<_>, _>>()?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the main thread: {error}")))?;
    let exit = runtime.block_on(async {
        let signals = Signals::listen()?;
        let listeners = bound.listen()?;
        greeting::print(&server);
        serve(&server, listeners, workers, signals).await
    })?;
    drop(runtime);
    finish(server, exit)
}

/// Without passwords, a port that other machines reach needs an explicit word.
fn check_exposure(config: &Config) -> Result<(), Failure> {
    let exposed = config.bind.iter().find(|address| !address.is_loopback());
    match exposed {
        Some(address) if !config.unprotected => Err(Failure::usage(format!(
            "refusing to listen on {address}: other machines could reach it and there is no password; \
             use --bind 127.0.0.1, or add --unprotected if everybody who can reach it may do everything"
        ))),
        _ => Ok(()),
    }
}

/// Without a log there is nothing to repair, recover or back up.
fn check_upkeep(config: &Config) -> Result<(), Failure> {
    let asked = [
        ("--repair", config.repair.is_some()),
        ("--recover-to", config.recover_to.is_some()),
        ("--backup-dir", config.backup_dir.is_some()),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((option, _)) if config.durability == Durability::Off => Err(Failure::usage(format!(
            "{option} has no meaning with --durability off: there is no log"
        ))),
        _ => Ok(()),
    }
}

/// Does to the data directory what was asked to be done before it is opened.
fn prepare(config: &mut Config) -> Result<(), Failure> {
    match config.repair {
        Some(Repair::Truncate) if config.dir.exists() => upkeep::repair(&config.dir)?,
        _ => {}
    }
    if let (Some(to), Some(into)) = (config.recover_to, config.into.take()) {
        upkeep::recover(&config.dir, to, &into)?;
        config.dir = into;
    }
    Ok(())
}

fn start_log(level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    // Fails when a program that runs the server as a library has its own: then that one stays.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_target(false)
        // It would say so on the same standard error, and panic when that fails too.
        .log_internal_errors(false)
        .try_init();
}

/// How many connections the limit on open files leaves room for, after raising it as far as is needed and
/// allowed.
fn connections_possible(config: &Config) -> u64 {
    let wanted = u64::from(config.maxclients) + FILES_RESERVED;
    let limit = getrlimit(Resource::Nofile);
    let mut files = limit.current.unwrap_or(u64::MAX);
    if files < wanted {
        let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
        let new = Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, new).is_ok() {
            files = raised;
        }
    }
    let possible = files.saturating_sub(FILES_RESERVED).max(1);
    if possible < u64::from(config.maxclients) {
        tracing::warn!(
            maxclients = possible,
            "fewer connections than asked for: the limit on open files is {files}"
        );
    }
    possible
}

fn open(config: &Config, shutdown: &Arc<Shutdown>) -> Result<Engine, Failure> {
    let memory = MemoryOptions {
        databases: config.databases.get(),
        ..MemoryOptions::default()
    };
    let durability = match config.durability {
        Durability::Off => return Ok(Engine::new(Backend::Memory(MemoryStore::new(memory)))),
        Durability::Always => kv_wal::Durability::Always,
        Durability::Everysec => kv_wal::Durability::EverySec,
        Durability::No => kv_wal::Durability::No,
    };
    let loading = Loading::new();
    let shutdown = Arc::clone(shutdown);
    let options = DurableOptions {
        durability,
        encoding: match config.wal_format {
            WalFormat::Binary => Encoding::Binary,
            WalFormat::Json => Encoding::Json,
        },
        segment_bytes: config.segment_size,
        snapshots: SnapshotRule {
            log_bytes_min: config.snapshot_after,
            ..SnapshotRule::default()
        },
        snapshot_bytes_per_second: config.snapshot_rate,
        memory,
        on_progress: Some(loading.listener()),
        on_failure: Some(Arc::new(move |failure| {
            tracing::error!(%failure, "the log failed: the outcome of unanswered writes is unknown");
            shutdown.ask(Exit::LogFailed);
        })),
        ..DurableOptions::default()
    };
    let opened = DurableStore::open(&config.dir, options);
    loading.finish();
    opened
        .map(|store| Engine::new(Backend::Durable(store)))
        .map_err(|error| cannot_open(config, &error))
}

fn cannot_open(config: &Config, error: &OpenError) -> Failure {
    match error {
        OpenError::Locked { .. } => Failure::new(format!(
            "{error}; stop that server or choose another directory with --dir"
        )),
        OpenError::Damaged { .. } => Failure {
            exit: Exit::Damaged,
            message: format!(
                "{error}; nothing was changed: restore {dir} from a backup, move it away to start empty, or \
                 add --repair=truncate to keep what comes before the damage and lose the rest",
                dir = config.dir.display()
            ),
        },
        OpenError::TooFewDatabases { found, .. } => Failure::new(format!(
            "{error}; start with --databases {} or more",
            u32::from(found.0) + 1
        )),
        OpenError::Unsupported { .. } => Failure::new(format!(
            "{error}; start it with the version of kv-server that wrote it, or a newer one"
        )),
        _ => Failure::new(format!(
            "{error}; nothing was changed: {dir} and what is in it must be its owner's to read and write, \
             see: ls -la {dir}",
            dir = config.dir.display()
        )),
    }
}

/// Serves until somebody asks for the end, then lets the sessions finish. How the program ends.
async fn serve(
    server: &Arc<Server>,
    listeners: Vec<TcpListener>,
    workers: Vec<worker::Handle>,
    mut signals: Signals,
) -> Result<Exit, Failure> {
    let (connections, threads): (Vec<UnboundedSender<StdStream>>, Vec<_>) = workers
        .into_iter()
        .map(|worker| (worker.connections, worker.thread))
        .unzip();
    let mut tasks = JoinSet::new();
    tasks.spawn(rebind::accept(Arc::clone(server), listeners, connections));
    tasks.spawn(expire(Arc::clone(server)));
    tasks.spawn(keep_time(Arc::clone(server)));

    tokio::select! {
        () = server.shutdown.asked() => {}
        signal = signals.next() => {
            tracing::info!(signal, "stopping");
            server.shutdown.ask(Exit::Stopped);
        }
    }
    // The listeners and the ways to the serving threads are dropped here.
    tasks.shutdown().await;
    tokio::select! {
        () = drain(server, &threads) => {}
        signal = signals.next() => return server.shutdown.cut_short(signal),
    }
    Ok(server.shutdown.exit().unwrap_or(Exit::Stopped))
}

/// Moves the server's coarse clock and ends connections whose time is up.
async fn keep_time(server: Arc<Server>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last_s = 0;
    loop {
        ticks.tick().await;
        server.tick();
        server.count_memory();
        let is_paused = server.settings.clockwork.get() == 0;
        if !is_paused && server.uptime_s() != last_s {
            last_s = server.uptime_s();
            server.stats.sample_rate();
            server.clients.close_overdue(last_s, &server.settings);
            if let Some(bytes_max) = server.settings.clients_bytes_max() {
                let closed = server.clients.close_largest(bytes_max);
                server.stats.evicted_clients.fetch_add(closed, Relaxed);
            }
        }
    }
}

/// Ends the log and says how it all ended.
fn finish(server: Arc<Server>, exit: Exit) -> Result<(), Failure> {
    if exit == Exit::LogFailed {
        return Err(log_failed());
    }
    let Ok(server) = Arc::try_unwrap(server) else {
        return Err(Failure::new(
            "stopped with connections that did not end: the log has no mark of a clean shutdown",
        ));
    };
    if let Err(failure) = server.engine.close() {
        tracing::error!(%failure, "the log could not be ended in order");
        return Err(log_failed());
    }
    tracing::info!("stopped");
    match exit {
        Exit::Stopped => Ok(()),
        exit => Err(Failure {
            exit,
            message: "stopped because of the error above".to_owned(),
        }),
    }
}

fn log_failed() -> Failure {
    Failure {
        exit: Exit::LogFailed,
        message: "the log could not be made durable: the outcome of writes that were not answered is unknown; \
                  look at the disk, then start again"
            .to_owned(),
    }
}
