//! `kv-bench compare`: runs scenarios over all servers and embedded engines in turn and writes the report.
//!
//! Rounds alternate between entrants, and every second round runs them in the opposite order, so that none
//! is always the one that finds the machine warm.

mod output;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail};

use crate::args::CompareArgs;
use crate::interrupt::{Interrupt, Interrupted};
use crate::progress::{Progress, told};
use crate::report::{Machine, Report, Samples, ScenarioReport};
use crate::scenario::{EngineTrial, Engines, Figures, Measure, Scale, Scenario, TABLE, Trial};
use crate::server::Field;

/// What a comparison has at hand.
struct Comparison<'a> {
    field: Field,
    engines: Engines,
    scale: Scale,
    rounds: u32,
    out: PathBuf,
    interrupt: &'a Interrupt,
    progress: Progress,
    /// What is missing and why, in the order in which it was found.
    notes: Vec<String>,
    /// How many measurements failed.
    failures: usize,
}

/// Runs the comparison that `args` ask for, prints the report and writes it down.
///
/// # Errors
///
/// When kv-server is missing, no scenario is chosen, the report cannot be written, the run is interrupted, or a
/// measurement failed; in the last case the report of the others is written first.
pub fn run(args: &CompareArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    let scenarios = select(&args.only)?;
    if args.list || args.needs {
        return tell(args, &scenarios);
    }
    let mut comparison = Comparison::new(args, &scenarios, interrupt)?;
    let reports = scenarios
        .iter()
        .map(|scenario| comparison.scenario(scenario))
        .collect::<anyhow::Result<Vec<_>>>()?;
    comparison.progress.end();
    output::write(&comparison.out, &comparison.report(args, reports))?;
    match comparison.failures {
        0 => Ok(()),
        failures => bail!("failed measurements: {failures}, see the report"),
    }
}

/// Prints the scenarios, or what they need to be there.
fn tell(args: &CompareArgs, scenarios: &[&Scenario]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.list {
        for scenario in scenarios {
            writeln!(out, "{:<12} {}", scenario.id, scenario.title)?;
        }
        return Ok(());
    }
    if scenarios.iter().any(|scenario| !scenario.is_in_process()) {
        writeln!(out, "peers")?;
    }
    if scenarios.iter().any(|scenario| scenario.is_in_process()) {
        writeln!(out, "engines")?;
    }
    Ok(())
}

/// The scenarios that one of these patterns selects, in the order of the table; all when there are no patterns.
fn select(patterns: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    for pattern in patterns {
        if !TABLE
            .iter()
            .any(|scenario| scenario.is_selected_by(pattern))
        {
            let known: Vec<_> = TABLE.iter().map(|scenario| scenario.id).collect();
            bail!("no scenario '{pattern}': there are {}", known.join(", "));
        }
    }
    let selected = |scenario: &&Scenario| {
        patterns.is_empty()
            || patterns
                .iter()
                .any(|pattern| scenario.is_selected_by(pattern))
    };
    Ok(TABLE.iter().filter(selected).collect())
}

/// The cargo target folder that this program was built into.
fn target_dir() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    program
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .ok_or_else(|| anyhow!("{} is in no target folder", program.display()))
}

/// How long loads run and how much data there is.
fn scale(args: &CompareArgs) -> Scale {
    let (measure_ms, warmup_ms, divisor, keys_max) = if args.quick {
        (400, 100, 20, 1_000_000)
    } else {
        (4_000, 1_000, 1, 10_000_000)
    };
    Scale {
        measure: args
            .seconds
            .map_or(Duration::from_millis(measure_ms), Duration::from_secs),
        warmup: Duration::from_millis(warmup_ms),
        divisor,
        keys_max,
    }
}

impl<'a> Comparison<'a> {
    fn new(
        args: &CompareArgs,
        scenarios: &[&Scenario],
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let target = target_dir()?;
        let or = |given: &Option<PathBuf>, usual: &str| {
            given.clone().unwrap_or_else(|| target.join(usual))
        };
        let field = Field::find(
            &or(&args.server, "release/kv-server"),
            &or(&args.peers, "peers/bin"),
        )?;
        let engines = Engines::find(&or(&args.engines, "engines/release/kv-bench-engines"));
        let out = or(&args.out, "bench");
        fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let mut comparison = Self {
            field,
            engines,
            scale: scale(args),
            rounds: args.rounds.unwrap_or(if args.quick { 1 } else { 3 }),
            out,
            interrupt,
            progress: Progress::hidden(),
            notes: Vec::new(),
            failures: 0,
        };
        comparison.find_absent(scenarios);
        for absent in &comparison.notes {
            eprintln!("{absent}");
        }
        let whole = scenarios
            .iter()
            .map(|scenario| comparison.expected(scenario));
        let whole = whole.sum();
        eprintln!("{} scenarios, about {}", scenarios.len(), told(whole));
        comparison.progress = Progress::new(whole);
        Ok(comparison)
    }

    /// Notes each entrant of these scenarios that is not there.
    fn find_absent(&mut self, scenarios: &[&Scenario]) {
        if scenarios.iter().any(|scenario| !scenario.is_in_process()) {
            self.notes.extend(self.field.absent.iter().cloned());
        }
        let mut wanted: Vec<&str> = Vec::new();
        for scenario in scenarios {
            if let Measure::Engines(names, _) = scenario.measure {
                wanted.extend(names);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let lacking: Vec<String> = wanted
            .into_iter()
            .filter_map(|engine| self.engines.lacks(engine))
            .collect();
        match &self.engines.absent {
            Some(absent) if !lacking.is_empty() => self.notes.push(absent.clone()),
            _ => self.notes.extend(lacking),
        }
    }

    /// The names of those that take part in a scenario, ours first.
    fn entrants(&self, scenario: &Scenario) -> Vec<&'static str> {
        match scenario.measure {
            Measure::Servers(_) => {
                let entrants = self.field.entrants.iter();
                entrants.map(|entrant| entrant.kind.name()).collect()
            }
            Measure::Engines(names, _) => names
                .iter()
                .copied()
                .filter(|name| self.engines.lacks(name).is_none())
                .collect(),
        }
    }

    fn rounds(&self, scenario: &Scenario) -> u32 {
        self.rounds.min(scenario.rounds_max)
    }

    /// How long all rounds of a scenario on all entrants take, about.
    fn expected(&self, scenario: &Scenario) -> Duration {
        let entrants = u32::try_from(self.entrants(scenario).len()).unwrap_or(u32::MAX);
        (scenario.expect)(&self.scale) * entrants * self.rounds(scenario)
    }

    /// All rounds of one scenario on all entrants.
    fn scenario(&mut self, scenario: &Scenario) -> anyhow::Result<ScenarioReport> {
        let entrants = self.entrants(scenario);
        let mut samples = Samples::new(entrants.iter().copied());
        let rounds = self.rounds(scenario);
        let began = Instant::now();
        for round in 1..=rounds {
            let mut in_turn = entrants.clone();
            if round % 2 == 0 {
                in_turn.reverse();
            }
            for name in in_turn {
                self.interrupt.check()?;
                let what = format!("{} {name}, round {round} of {rounds}", scenario.id);
                self.progress.begin(&what, (scenario.expect)(&self.scale));
                match self.measure(scenario, name) {
                    Ok(figures) => {
                        let notes = figures.notes.iter();
                        self.notes
                            .extend(notes.map(|note| format!("{what}: {note}")));
                        samples.add(name, figures);
                    }
                    Err(error) if error.is::<Interrupted>() => return Err(error),
                    Err(error) => {
                        self.failures += 1;
                        self.notes.push(format!("{what}: {error:#}"));
                    }
                }
            }
        }
        Ok(samples.report(scenario, began.elapsed()))
    }

    /// Measures one entrant once.
    fn measure(&self, scenario: &Scenario, name: &'static str) -> anyhow::Result<Figures> {
        match scenario.measure {
            Measure::Servers(measure) => {
                let mut entrants = self.field.entrants.iter();
                let entrant = entrants
                    .find(|entrant| entrant.kind.name() == name)
                    .with_context(|| format!("{name} does not take part"))?;
                measure(&Trial {
                    entrant,
                    scale: self.scale,
                    scratch: &self.out,
                    interrupt: self.interrupt,
                    progress: &self.progress,
                })
            }
            Measure::Engines(_, measure) => measure(&EngineTrial {
                engine: name,
                figures: scenario.figures,
                scale: self.scale,
                engines: &self.engines,
                scratch: &self.out,
                interrupt: self.interrupt,
                progress: &self.progress,
            }),
        }
    }

    fn report(&self, args: &CompareArgs, scenarios: Vec<ScenarioReport>) -> Report {
        let servers = self.field.entrants.iter();
        let mut versions = self.engines.versions.clone();
        versions.extend(
            servers.map(|entrant| (entrant.kind.name().to_owned(), entrant.version.clone())),
        );
        let measured = |name: &str| {
            scenarios
                .iter()
                .any(|scenario| scenario.entrants.contains(&name))
        };
        versions.retain(|name, _| measured(name));
        Report {
            measured_at_unix_s: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            machine: Machine::this(),
            versions,
            command: command(args),
            settings: format!(
                "Rounds: {} at most; entrants in turn, each load measured for {} s after {} s of warm-up, amounts of \
                 data and operations / {}.",
                self.rounds,
                self.scale.measure.as_secs_f64(),
                self.scale.warmup.as_secs_f64(),
                self.scale.divisor
            ),
            is_short_look: args.quick,
            scenarios,
            notes: self.notes.clone(),
        }
    }
}

/// The command that this comparison is the answer to, as far as it decides what is measured.
fn command(args: &CompareArgs) -> String {
    let mut words = vec!["cargo xtask bench".to_owned()];
    if args.quick {
        words.push("--quick".to_owned());
    }
    if !args.only.is_empty() {
        words.push(format!("--only '{}'", args.only.join(",")));
    }
    words.extend(args.rounds.map(|rounds| format!("--rounds {rounds}")));
    words.extend(args.seconds.map(|seconds| format!("--seconds {seconds}")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_selected_by_pattern_in_the_order_of_the_table() {
        let ids = |patterns: &[&str]| -> anyhow::Result<Vec<&str>> {
            let patterns: Vec<String> = patterns.iter().map(|name| (*name).to_owned()).collect();
            Ok(select(&patterns)?
                .iter()
                .map(|scenario| scenario.id)
                .collect())
        };
        assert_eq!(ids(&["P4", "p1"]).unwrap(), ["P1", "P4"]);
        assert_eq!(ids(&["in process"]).unwrap(), ["P8", "P9", "P12"]);
        assert_eq!(ids(&[]).unwrap().len(), TABLE.len());
        let error = ids(&["P99"]).unwrap_err().to_string();
        assert!(
            error.contains("no scenario 'P99'") && error.contains("P11"),
            "{error}"
        );
    }

    /// What docs/benchmarks.md promises: a look in less than three minutes, a report in less than forty.
    #[test]
    fn the_expected_times_are_within_what_is_promised() {
        let whole = |args: &CompareArgs, rounds: u32| -> Duration {
            let scale = scale(args);
            let time = |scenario: &Scenario| {
                let entrants = match scenario.measure {
                    Measure::Servers(_) => 3,
                    Measure::Engines(names, _) => u32::try_from(names.len()).unwrap(),
                };
                (scenario.expect)(&scale) * entrants * rounds.min(scenario.rounds_max)
            };
            TABLE.iter().map(time).sum()
        };
        let args = |words: &[&str]| {
            use clap::Parser as _;
            let words = std::iter::once("kv-bench").chain(words.iter().copied());
            crate::args::Cli::try_parse_from(words).unwrap().compare
        };
        let (quick, full) = (whole(&args(&["--quick"]), 1), whole(&args(&[]), 3));
        assert!(quick < Duration::from_secs(180), "{quick:?}");
        assert!(full < Duration::from_secs(40 * 60), "{full:?}");
        assert_eq!(
            command(&args(&["--quick", "--only", "P1,P4"])),
            "cargo xtask bench --quick --only 'P1,P4'"
        );
    }
}
