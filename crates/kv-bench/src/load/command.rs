//! `kv-bench load`: one load on a server that is already running.

use std::io::Write as _;
use std::net::ToSocketAddrs as _;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use super::{KeyRange, LoadOutcome, LoadSpec, Pace, Stop, run as run_load};
use crate::args::LoadArgs;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::usage::Usage;

/// The percentiles that are told, with their names.
const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
];

/// Runs the load that `args` ask for and prints what it found.
///
/// # Errors
///
/// When the server cannot be reached or breaks a connection, a value was read that was never written, or the run is
/// interrupted.
pub fn run(args: &LoadArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let spec = spec(args)?;
    let whole = match spec.stop {
        Stop::After(long) => spec.warmup + long,
        Stop::Requests(_) => Duration::ZERO,
    };
    let progress = Progress::new(whole);
    progress.begin(&format!("load on {}", args.target), whole);
    let outcome = run_load(&spec, interrupt, &progress)?;
    drop(progress);
    let memory = args.server_pid.map(Usage::of).transpose()?;
    let text = if args.json {
        format!("{:#}\n", as_json(&outcome, memory))
    } else {
        as_text(&outcome, memory)
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("cannot print")?;
    match outcome.first_wrong_value {
        Some(wrong) => bail!("{} wrong values, first: {wrong}", outcome.wrong_values),
        None => Ok(()),
    }
}

fn spec(args: &LoadArgs) -> anyhow::Result<LoadSpec> {
    let target = args
        .target
        .to_socket_addrs()
        .with_context(|| format!("'{}' is no host:port", args.target))?
        .next()
        .with_context(|| format!("'{}' has no address", args.target))?;
    Ok(LoadSpec {
        target,
        mix: args.mix.clone(),
        keys: KeyRange {
            prefix: *b"key:",
            count: args.keys,
            distribution: args.key_distribution,
        },
        value_bytes: args.value_bytes.clone(),
        verify: args.verify,
        ttl_s: args.ttl,
        connections: args.connections as usize,
        pipeline: args.pipeline as usize,
        pace: match args.rate {
            None => Pace::Closed,
            Some(per_second) => Pace::Open { per_second },
        },
        warmup: Duration::from_secs(args.warmup),
        stop: match args.requests {
            None => Stop::After(Duration::from_secs(args.seconds)),
            Some(requests) => Stop::Requests(requests),
        },
        threads: args.threads as usize,
        cores: Vec::new(),
        window: None,
        server_pid: args.server_pid,
        seed: args.seed,
    })
}

fn as_text(outcome: &LoadOutcome, memory: Option<Usage>) -> String {
    let mut lines = vec![format!(
        "requests     {} in {:.2} s, {:.0} per second",
        outcome.replies,
        outcome.measured.as_secs_f64(),
        outcome.per_second()
    )];
    let percentiles: Vec<String> = PERCENTILES
        .iter()
        .map(|(name, percent)| format!("{name} {:.1}", outcome.latency_us(*percent)))
        .collect();
    lines.push(format!(
        "latency us   {}  max {:.1}",
        percentiles.join("  "),
        outcome.latency_max_us()
    ));
    if let Some(cpu_us) = outcome.server_cpu_us() {
        lines.push(format!("server CPU   {cpu_us:.2} us per request"));
    }
    if let Some(usage) = memory {
        lines.push(format!(
            "server RSS   {:.1} MiB",
            usage.resident_bytes as f64 / f64::from(1 << 20)
        ));
    }
    if let Some(wrong) = &outcome.first_wrong_value {
        lines.push(format!(
            "WRONG VALUES {}, first: {wrong}",
            outcome.wrong_values
        ));
    }
    if let Some(error) = &outcome.first_error {
        lines.push(format!("errors       {}, first: {error}", outcome.errors));
    }
    if outcome.unanswered > 0 {
        lines.push(format!("unanswered   {}", outcome.unanswered));
    }
    if outcome.missed > 0 {
        lines.push(format!(
            "never sent   {}: the server does not keep up with this rate, latencies are too low",
            outcome.missed
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn as_json(outcome: &LoadOutcome, memory: Option<Usage>) -> serde_json::Value {
    let mut latency_us: serde_json::Map<_, _> = PERCENTILES
        .iter()
        .map(|(name, percent)| ((*name).to_owned(), outcome.latency_us(*percent).into()))
        .collect();
    latency_us.insert("max".to_owned(), outcome.latency_max_us().into());
    json!({
        "requests": outcome.replies,
        "seconds": outcome.measured.as_secs_f64(),
        "requests_per_second": outcome.per_second(),
        "latency_us": latency_us,
        "server_cpu_us_per_request": outcome.server_cpu_us(),
        "server_resident_bytes": memory.map(|usage| usage.resident_bytes),
        "wrong_values": outcome.wrong_values,
        "first_wrong_value": outcome.first_wrong_value,
        "errors": outcome.errors,
        "first_error": outcome.first_error,
        "unanswered": outcome.unanswered,
        "never_sent": outcome.missed,
    })
}
