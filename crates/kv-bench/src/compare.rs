//! `kv-bench compare`: runs scenarios over all servers in turn and writes the report.
//!
//! Rounds alternate between servers, and every second round runs them in the opposite order, so that none
//! is always the one that finds the machine warm.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail};

use crate::args::CompareArgs;
use crate::interrupt::{Interrupt, Interrupted};
use crate::progress::Progress;
use crate::report::{Machine, Report, Samples, ScenarioReport, markdown};
use crate::scenario::{Scale, Scenario, TABLE, Trial};
use crate::server::Field;

/// The names of the report's files in the output folder.
const REPORT_JSON: &str = "compare.json";
const REPORT_MARKDOWN: &str = "compare.md";

/// What a comparison has at hand.
struct Comparison<'a> {
    field: Field,
    scale: Scale,
    rounds: u32,
    out: PathBuf,
    interrupt: &'a Interrupt,
    progress: Progress,
}

/// Runs the comparison that `args` ask for, prints the report and writes it down.
///
/// # Errors
///
/// When kv-server is missing, a scenario has an unknown name, the report cannot be written, the run is
/// interrupted, or a scenario failed; in the last case the report of the others is written first.
pub fn run(args: &CompareArgs, interrupt: &Interrupt) -> anyhow::Result<()> {
    if args.list {
        return list();
    }
    let scenarios = select(&args.scenario)?;
    let comparison = Comparison::new(args, interrupt)?;
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    for scenario in scenarios {
        reports.push(comparison.scenario(scenario, &mut failures)?);
    }
    comparison.progress.end();
    let report = comparison.report(reports, &failures);
    comparison.write(&report)?;
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("failed measurements: {}, see the report", failures.len())
    }
}

fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for scenario in TABLE {
        writeln!(out, "{:<4} {}", scenario.id, scenario.title)?;
    }
    Ok(())
}

/// The scenarios with these names in the order of the table; all when there are no names.
fn select(names: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    let same = |scenario: &Scenario, name: &str| scenario.id.eq_ignore_ascii_case(name.trim());
    for name in names {
        if !TABLE.iter().any(|scenario| same(scenario, name)) {
            let known: Vec<_> = TABLE.iter().map(|scenario| scenario.id).collect();
            bail!("no scenario '{name}': there are {}", known.join(", "));
        }
    }
    Ok(TABLE
        .iter()
        .filter(|scenario| names.is_empty() || names.iter().any(|name| same(scenario, name)))
        .collect())
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

impl<'a> Comparison<'a> {
    fn new(args: &CompareArgs, interrupt: &'a Interrupt) -> anyhow::Result<Self> {
        let target = target_dir()?;
        let or = |given: &Option<PathBuf>, usual: &str| {
            given.clone().unwrap_or_else(|| target.join(usual))
        };
        let field = Field::find(
            &or(&args.server, "release/kv-server"),
            &or(&args.peers, "peers/bin"),
        )?;
        for absent in &field.absent {
            eprintln!("{absent}");
        }
        let out = or(&args.out, "bench");
        fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let (seconds, warmup_ms, rounds, keys_divisor) = if args.quick {
            (2, 500, 1, 10)
        } else {
            (10, 2_000, 3, 1)
        };
        Ok(Self {
            field,
            scale: Scale {
                measure: Duration::from_secs(args.seconds.unwrap_or(seconds)),
                warmup: Duration::from_millis(warmup_ms),
                keys_divisor,
            },
            rounds: args.rounds.unwrap_or(rounds),
            out,
            interrupt,
            progress: Progress::new(),
        })
    }

    /// All rounds of one scenario on all servers.
    fn scenario(
        &self,
        scenario: &Scenario,
        failures: &mut Vec<String>,
    ) -> anyhow::Result<ScenarioReport> {
        let mut samples = Samples::new(self.field.entrants.iter().map(|entrant| entrant.kind));
        for round in 1..=self.rounds {
            let mut entrants: Vec<_> = self.field.entrants.iter().collect();
            if round % 2 == 0 {
                entrants.reverse();
            }
            for entrant in entrants {
                let what = format!(
                    "{} {}, round {round} of {}",
                    scenario.id,
                    entrant.kind.name(),
                    self.rounds
                );
                self.progress.begin(&what);
                let trial = Trial {
                    entrant,
                    scale: self.scale,
                    scratch: &self.out,
                    interrupt: self.interrupt,
                    progress: &self.progress,
                };
                match (scenario.measure)(&trial) {
                    Ok(figures) => samples.add(entrant.kind, figures),
                    Err(error) if error.is::<Interrupted>() => return Err(error),
                    Err(error) => failures.push(format!("{what}: {error:#}")),
                }
            }
        }
        Ok(samples.report(scenario))
    }

    fn report(&self, scenarios: Vec<ScenarioReport>, failures: &[String]) -> Report {
        let entrants = self.field.entrants.iter();
        Report {
            measured_at_unix_s: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            machine: Machine::this(),
            servers: entrants
                .map(|entrant| (entrant.kind.name(), entrant.version.clone()))
                .collect(),
            settings: format!(
                "{} rounds, servers in turn, each load measured for {} s after {} ms of warm-up, keys / {}.",
                self.rounds,
                self.scale.measure.as_secs(),
                self.scale.warmup.as_millis(),
                self.scale.keys_divisor
            ),
            scenarios,
            notes: self.field.absent.iter().chain(failures).cloned().collect(),
        }
    }

    fn write(&self, report: &Report) -> anyhow::Result<()> {
        let text = markdown(report);
        let json = serde_json::to_string_pretty(report)?;
        for (name, content) in [(REPORT_MARKDOWN, &text), (REPORT_JSON, &json)] {
            let path = self.out.join(name);
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        write!(
            std::io::stdout().lock(),
            "{text}\nwritten to {}\n",
            self.out.join(REPORT_MARKDOWN).display()
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_selected_by_name_in_the_order_of_the_table() {
        let ids = |names: &[&str]| -> anyhow::Result<Vec<&str>> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(select(&names)?.iter().map(|scenario| scenario.id).collect())
        };
        assert_eq!(ids(&["P4", "p1"]).unwrap(), ["P1", "P4"]);
        assert_eq!(ids(&[]).unwrap().len(), TABLE.len());
        let error = ids(&["P99"]).unwrap_err().to_string();
        assert!(
            error.contains("no scenario 'P99'") && error.contains("P11"),
            "{error}"
        );
    }
}
