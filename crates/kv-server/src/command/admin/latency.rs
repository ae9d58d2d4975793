//! `LATENCY`: when the server took long, and how long commands take.

use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;
use crate::meter;
use crate::meter::latency::Series;

pub(super) const LATENCY: CommandSpec = CommandSpec {
    name: "LATENCY",
    group: Group::Server,
    summary: "Holds the commands about how long things take.",
    syntax: "LATENCY subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Differs(
        "The events are `command` and `fast-command`: nothing else keeps clients waiting.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[DOCTOR, GRAPH, HELP, HISTOGRAM, HISTORY, LATEST, RESET],
    },
};

const LATENCY_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const DOCTOR: CommandSpec = CommandSpec {
    name: "LATENCY|DOCTOR",
    group: Group::Server,
    summary: "Says in words what is known of when the server took long.",
    syntax: "LATENCY DOCTOR",
    complexity: "O(N) where N is the number of moments kept",
    since: "0.1.0",
    compat: Compat::Differs("The text is another one."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(doctor),
};

const GRAPH: CommandSpec = CommandSpec {
    name: "LATENCY|GRAPH",
    group: Group::Server,
    summary: "Draws how long an event took, one bar for each moment.",
    syntax: "LATENCY GRAPH event",
    complexity: "O(N) where N is the number of moments kept",
    since: "0.1.0",
    compat: Compat::Differs("Time runs from the top to the bottom."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(graph),
};

const HELP: CommandSpec = CommandSpec {
    name: "LATENCY|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of LATENCY.",
    syntax: "LATENCY HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const HISTOGRAM: CommandSpec = CommandSpec {
    name: "LATENCY|HISTOGRAM",
    group: Group::Server,
    summary: "Returns how often commands took no longer than 1, 2, 4, ... microseconds.",
    syntax: "LATENCY HISTOGRAM [command ...]",
    complexity: "O(N) where N is the number of commands",
    since: "0.1.0",
    compat: Compat::Differs("Bounds are exact powers of two."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(histogram),
};

const HISTORY: CommandSpec = CommandSpec {
    name: "LATENCY|HISTORY",
    group: Group::Server,
    summary: "Returns when an event took long, and how long.",
    syntax: "LATENCY HISTORY event",
    complexity: "O(N) where N is the number of moments kept",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(history),
};

const LATEST: CommandSpec = CommandSpec {
    name: "LATENCY|LATEST",
    group: Group::Server,
    summary: "Returns of each event when it last took long, how long then and at most, and in all.",
    syntax: "LATENCY LATEST",
    complexity: "O(N) where N is the number of events",
    since: "0.1.0",
    compat: Compat::Differs("As in Valkey the sum and the number of moments stand last."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(latest),
};

const RESET: CommandSpec = CommandSpec {
    name: "LATENCY|RESET",
    group: Group::Server,
    summary: "Forgets what is known of some events, or of all, and returns of how many.",
    syntax: "LATENCY RESET [event ...]",
    complexity: "O(N) where N is the number of moments kept",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: LATENCY_FLAGS,
    run: Run::Server(reset),
};

/// The longest bar of a graph.
const BAR_MAX: u64 = 60;

fn doctor(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    let latency = &cx.server.latency;
    let events = latency.all();
    let mut text = match latency
        .threshold_ms
        .load(std::sync::atomic::Ordering::Relaxed)
    {
        0 => "Nothing is kept: latency-monitor-threshold is 0.\n".to_owned(),
        threshold_ms => format!("What takes {threshold_ms} ms or longer is kept.\n"),
    };
    if events.is_empty() {
        text.push_str("Nothing took long.\n");
    }
    for (event, series) in events {
        let mean_ms = series.sum_ms / series.count.max(1);
        text.push_str(&format!(
            "{event}: {} times, {mean_ms} ms in the mean, {} ms at most. SLOWLOG GET shows requests.\n",
            series.count, series.worst_ms
        ));
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn graph(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let event = args.bytes()?;
    args.finish()?;
    let series = cx.server.latency.of(event).ok_or_else(|| {
        let event = event.escape_ascii();
        CommandError::err(format!("No samples available for event '{event}'"))
    })?;
    reply.verbatim("txt", drawn(event, &series).as_bytes());
    Ok(())
}

fn drawn(event: &[u8], series: &Series) -> String {
    let times = series.samples.iter().map(|(_, millis)| *millis);
    let (high, low) = (times.clone().max(), times.min());
    let (high, low) = (high.unwrap_or(0), low.unwrap_or(0));
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n",
        event.escape_ascii(),
        series.worst_ms
    );
    for (time_s, millis) in &series.samples {
        let length = usize::try_from(millis * BAR_MAX / high.max(1)).unwrap_or(0);
        text.push_str(&format!(
            "{time_s} {:<60} {millis} ms\n",
            "#".repeat(length)
        ));
    }
    text
}

fn histogram(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let names: Vec<&[u8]> = args.rest().collect();
    let workers = cx.server.stats.workers();
    let mut sums = meter::sums(workers.iter().map(|worker| &worker.meters));
    sums.retain(|(spec, sum)| {
        let container = spec.name.split('|').next().unwrap_or_default();
        let is_named = |name: &&[u8]| {
            name.eq_ignore_ascii_case(spec.name.as_bytes())
                || name.eq_ignore_ascii_case(container.as_bytes())
        };
        sum.calls > 0 && (names.is_empty() || names.iter().any(is_named))
    });
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    reply.map(sums.len());
    for (spec, sum) in sums {
        let rows = sum.histogram();
        reply.bulk(spec.name.to_ascii_lowercase().as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.int(integer(sum.calls));
        reply.bulk(b"histogram_usec");
        reply.map(rows.len());
        for (micros, count) in rows {
            reply.int(integer(micros));
            reply.int(integer(count));
        }
    }
    Ok(())
}

fn history(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let series = cx.server.latency.of(args.bytes()?).unwrap_or_default();
    args.finish()?;
    reply.array(series.samples.len());
    for (time_s, millis) in series.samples {
        reply.array(2);
        reply.int(time_s);
        reply.int(i64::try_from(millis).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn latest(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    let events = cx.server.latency.all();
    reply.array(events.len());
    for (event, series) in events {
        let (time_s, millis) = series.samples.back().copied().unwrap_or_default();
        reply.array(6);
        reply.bulk(event.as_bytes());
        reply.int(time_s);
        for number in [millis, series.worst_ms, series.sum_ms, series.count] {
            reply.int(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
    Ok(())
}

fn reset(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let names: Vec<&[u8]> = args.rest().collect();
    super::number(cx.server.latency.reset(&names), reply);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_has_a_bar_for_each_moment() {
        let series = Series {
            samples: [(10, 300), (11, 100)].into(),
            worst_ms: 400,
            sum_ms: 800,
            count: 3,
        };
        let text = drawn(b"command", &series);
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("command - high 300 ms, low 100 ms (all time high 400 ms)")
        );
        assert_eq!(lines.next().unwrap().matches('#').count(), 60);
        assert_eq!(lines.next().unwrap().matches('#').count(), 20);
    }
}
