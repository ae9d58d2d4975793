//! STALLS: how long other clients wait while the server does something large.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail, ensure};

use crate::load::{self, KeyDistribution, KeyRange, LoadSpec, Mix, Operation, Pace, Stop};
use crate::progress::Progress;
use crate::scenario::{Aim, Better, Bound, Figures, Line, Measure, Plot, Rival, Scenario, Trial};
use crate::server::{Durability, Server, ask, tell};

/// Keys that expire at the same moment.
const EXPIRING: u64 = 1_000_000;

/// How fast one client sets them, a second: tried in turn, on a slow machine the later ones.
const EXPIRING_PER_SECOND: [u64; 3] = [150_000, 50_000, 10_000];

/// Members of the set that is deleted.
const MEMBERS: u64 = 10_000_000;

/// Members that one SADD brings.
const MEMBERS_AT_ONCE: u64 = 500;

/// Keys that those who wait read.
const READ_KEYS: u64 = 10_000;

/// How often somebody asks.
const GETS_PER_SECOND: f64 = 2_000.0;

/// What is written while the tables grow and the log goes from file to file.
const GROWTH_PER_SECOND: f64 = 100_000.0;

/// How long those who wait have asked before it happens.
const LEAD: Duration = Duration::from_millis(300);

/// How long a thread that looks whether the machine stands still sleeps each time.
const NAP: Duration = Duration::from_micros(500);

/// One point of the plot.
const WINDOW: Duration = Duration::from_millis(20);

/// How long an answer may take: a set of ten million members may go within one command.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

const OVER_TIME: &str = "longest wait over time";

/// The most that anybody may wait, in milliseconds.
const LIMIT_MS: f64 = 2.0;

/// Something large that happens while others ask.
struct Happening {
    /// What it is, on the plot.
    name: &'static str,
    /// The longest wait of a GET meanwhile.
    longest: &'static str,
    /// How late a thread of the generator was meanwhile that does nothing but sleep.
    sleeper: &'static str,
    /// What must be there first.
    prepare: fn(&Trial<'_>, &Server) -> anyhow::Result<()>,
    /// Makes it happen.
    happen: fn(&Trial<'_>, &Server) -> anyhow::Result<()>,
}

const HAPPENINGS: [Happening; 6] = [
    Happening {
        name: "nothing",
        longest: "GET max ms, nothing else",
        sleeper: "sleeper ms, nothing else",
        prepare: |_, _| Ok(()),
        happen: |_, _| Ok(()),
    },
    Happening {
        name: "growth",
        longest: "GET max ms, 100 k new keys/s",
        sleeper: "sleeper ms, 100 k new keys/s",
        prepare: |_, _| Ok(()),
        happen: grow,
    },
    Happening {
        name: "expiry",
        longest: "GET max ms, 1 M keys expire",
        sleeper: "sleeper ms, 1 M keys expire",
        prepare: set_to_expire_together,
        happen: |_, _| Ok(()),
    },
    Happening {
        name: "BGSAVE",
        longest: "GET max ms, BGSAVE",
        sleeper: "sleeper ms, BGSAVE",
        prepare: fill_a_set,
        happen: |_, server| command(server, &["BGSAVE"]),
    },
    Happening {
        name: "DEL",
        longest: "GET max ms, DEL of 10 M members",
        sleeper: "sleeper ms, DEL of 10 M members",
        prepare: |_, _| Ok(()),
        happen: |_, server| command(server, &["DEL", "members"]),
    },
    Happening {
        name: "FLUSHALL",
        longest: "GET max ms, FLUSHALL ASYNC",
        sleeper: "sleeper ms, FLUSHALL ASYNC",
        prepare: |trial, server| fill(trial, server, *b"many", EXPIRING),
        happen: |_, server| command(server, &["FLUSHALL", "ASYNC"]),
    },
];

const fn aim(happening: usize) -> Aim {
    Aim {
        figure: HAPPENINGS[happening].longest,
        rival: Rival::Told("the limit", LIMIT_MS),
        bound: Bound::AtMost(1.0),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "STALLS",
    title: "the longest wait beside something large",
    how: "2,000 GET/s in an open loop on 20 connections of a durable server, while 100,000 new keys a second come on \
          others (tables grow, the log goes from file to file), a million keys expire at one moment, a BGSAVE \
          begins, a set of 10 M members is deleted, a million keys are flushed; the longest GET, and beside it how \
          late a thread that only sleeps was at the same time: so long the machine itself stood still.",
    figures: &[
        HAPPENINGS[0].longest,
        HAPPENINGS[1].longest,
        HAPPENINGS[2].longest,
        HAPPENINGS[3].longest,
        HAPPENINGS[4].longest,
        HAPPENINGS[5].longest,
        HAPPENINGS[0].sleeper,
        HAPPENINGS[1].sleeper,
        HAPPENINGS[2].sleeper,
        HAPPENINGS[3].sleeper,
        HAPPENINGS[4].sleeper,
        HAPPENINGS[5].sleeper,
    ],
    aims: &[aim(1), aim(2), aim(3), aim(4), aim(5)],
    plots: &[
        Plot::Time {
            title: "longest wait of a GET over time, us",
            line: OVER_TIME,
        },
        Plot::Bars {
            figures: &[
                HAPPENINGS[1].longest,
                HAPPENINGS[2].longest,
                HAPPENINGS[3].longest,
                HAPPENINGS[4].longest,
                HAPPENINGS[5].longest,
            ],
            better: Better::Less,
        },
    ],
    rounds_max: 1,
    expect: |scale| {
        let members = Duration::from_secs(scale.fewer(MEMBERS) / 1_000_000);
        let keys = scale.fill(2 * EXPIRING);
        let expiring = scale.fewer(EXPIRING) * 1_000 / EXPIRING_PER_SECOND[0];
        // Each happening is watched for as long as a load lasts.
        scale.measure * 6 + members + keys + Duration::from_millis(expiring)
    },
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start_plain(Durability::Always)?;
    let server = &running.server;
    fill(trial, server, *b"read", READ_KEYS)?;
    let mut figures = Figures::new();
    let mut line = Line {
        name: OVER_TIME,
        points: Vec::new(),
        spans: Vec::new(),
    };
    let mut begin_s = 0.0;
    for happening in &HAPPENINGS {
        trial.progress.step(happening.name);
        (happening.prepare)(trial, server)?;
        // FLUSHALL takes what others read: an answer without a value is as quick.
        let asking = LoadSpec {
            mix: Mix::only(Operation::Get),
            keys: keys(*b"read", READ_KEYS),
            connections: 20,
            pipeline: 1_000,
            pace: Pace::Open {
                per_second: GETS_PER_SECOND,
            },
            warmup: Duration::ZERO,
            window: Some(WINDOW),
            ..trial.spec(server)
        };
        let done = AtomicBool::new(false);
        let (asked, late) = std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| most_late(&done));
            let asks = scope
                .spawn(|| load::run(&asking, trial.interrupt, &Progress::hidden())?.believed());
            std::thread::sleep(LEAD);
            let happened = (happening.happen)(trial, server);
            let asked = asks.join().map_err(|_| anyhow!("a generator panicked"))?;
            done.store(true, Ordering::Relaxed);
            let late = sleeper
                .join()
                .map_err(|_| anyhow!("the sleeper panicked"))?;
            happened.with_context(|| happening.name)?;
            anyhow::Ok((asked?, late))
        })?;
        figures.push(happening.longest, asked.latency_max_us() / 1e3);
        figures.push(happening.sleeper, late.as_secs_f64() * 1e3);
        let points = asked.over_time_us(100.0).into_iter();
        line.points
            .extend(points.map(|(second, us)| (begin_s + second, us)));
        let end_s = begin_s + asked.measured.as_secs_f64();
        line.spans
            .push((begin_s + LEAD.as_secs_f64(), end_s, happening.name));
        begin_s = end_s;
    }
    figures.lines.push(line);
    Ok(figures)
}

/// Naps until `done`; the most that a nap was too long.
fn most_late(done: &AtomicBool) -> Duration {
    let mut most = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        std::thread::sleep(NAP);
        most = most.max(began.elapsed().saturating_sub(NAP));
    }
    most
}

fn keys(prefix: [u8; 4], count: u64) -> KeyRange {
    KeyRange {
        prefix,
        count,
        ..LoadSpec::new(([127, 0, 0, 1], 0).into()).keys
    }
}

fn fill(trial: &Trial<'_>, server: &Server, prefix: [u8; 4], count: u64) -> anyhow::Result<()> {
    trial.fill(&LoadSpec {
        keys: keys(prefix, trial.keys(count)),
        ..trial.spec(server)
    })
}

/// Says something that is answered with something other than an error.
fn command(server: &Server, words: &[&str]) -> anyhow::Result<()> {
    let answer = ask(server.address(), words, ANSWER_TIMEOUT)?;
    ensure!(
        !answer.starts_with('-'),
        "it answers {words:?} with '{answer}'"
    );
    Ok(())
}

/// Writes new keys for as long as others ask.
fn grow(trial: &Trial<'_>, server: &Server) -> anyhow::Result<()> {
    let spec = LoadSpec {
        keys: KeyRange {
            distribution: KeyDistribution::Sequential,
            ..keys(*b"grow", 100_000_000)
        },
        connections: 8,
        pipeline: 1_000,
        pace: Pace::Open {
            per_second: GROWTH_PER_SECOND,
        },
        warmup: Duration::ZERO,
        stop: Stop::After(trial.scale.measure.saturating_sub(LEAD)),
        ..trial.spec(server)
    };
    trial.load(&spec)?;
    Ok(())
}

/// Sets keys that all expire at one moment, and waits until just before it.
fn set_to_expire_together(trial: &Trial<'_>, server: &Server) -> anyhow::Result<()> {
    let count = trial.keys(EXPIRING);
    for per_second in EXPIRING_PER_SECOND {
        let began = Instant::now();
        let time = Duration::from_secs(1) + Duration::from_millis(count * 1_000 / per_second);
        let moment = SystemTime::now().duration_since(UNIX_EPOCH)? + time + LEAD;
        let moment_ms = moment.as_millis().to_string();
        let sets = (0..count).map(|key| {
            let words = ["SET", &format!("expiring:{key}"), "x", "PXAT", &moment_ms];
            words.map(str::to_owned).to_vec()
        });
        tell(server.address(), sets, ANSWER_TIMEOUT)?;
        if let Some(left) = time.checked_sub(began.elapsed()) {
            std::thread::sleep(left);
            return Ok(());
        }
    }
    bail!("the first keys expired before the last was set")
}

/// Adds the members of the set that is deleted later.
fn fill_a_set(trial: &Trial<'_>, server: &Server) -> anyhow::Result<()> {
    let commands = trial.keys(MEMBERS) / MEMBERS_AT_ONCE;
    let adds = (0..commands).map(|command| {
        let mut words = vec!["SADD".to_owned(), "members".to_owned()];
        let first = command * MEMBERS_AT_ONCE;
        words.extend((first..first + MEMBERS_AT_ONCE).map(|member| format!("member:{member}")));
        words
    });
    Ok(tell(server.address(), adds, ANSWER_TIMEOUT)?)
}
