//! The report as Markdown with padded columns, which is also what the terminal shows.

use std::fmt::Write as _;

use super::number::{self, short};
use super::{Report, ScenarioReport, Verdict};

/// The whole report.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Comparison\n\n");
    let machine = &report.machine;
    push(
        &mut text,
        format_args!(
            "`{}`, {}.\n{} cores of {}, {} MiB of memory, Linux {}.\n{}\n\n",
            report.command,
            number::date(report.measured_at_unix_s),
            machine.cores,
            machine.cpu,
            machine.memory_bytes >> 20,
            machine.kernel,
            report.settings
        ),
    );
    for (server, version) in &report.versions {
        push(&mut text, format_args!("- {server}: {version}\n"));
    }
    for scenario in &report.scenarios {
        text.push('\n');
        text.push_str(&section(scenario));
    }
    text.push_str("\n## All aims\n\n");
    text.push_str(&table(&all_aims(report)));
    if !report.notes.is_empty() {
        text.push_str("\n## Not measured\n\n");
        for note in &report.notes {
            push(&mut text, format_args!("- {}\n", note.replace('\n', " ")));
        }
    }
    text
}

/// One scenario: its figures, then its aims.
#[must_use]
fn section(scenario: &ScenarioReport) -> String {
    let mut text = format!(
        "## {}: {}\n\n{}\n\n",
        scenario.id, scenario.title, scenario.how
    );
    let mut figures = vec![vec!["median of rounds".to_owned()]];
    figures[0].extend(
        scenario
            .entrants
            .iter()
            .map(|entrant| (*entrant).to_owned()),
    );
    for row in &scenario.rows {
        let mut cells = vec![row.figure.to_owned()];
        let shown = |median: &Option<f64>| median.map_or_else(|| "-".to_owned(), short);
        cells.extend(row.medians.iter().map(shown));
        figures.push(cells);
    }
    text.push_str(&table(&figures));
    if scenario.verdicts.is_empty() {
        return text;
    }
    text.push('\n');
    let mut aims = vec![
        ["aim", "against", "wanted", "found", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    aims.extend(scenario.verdicts.iter().map(aim));
    text.push_str(&table(&aims));
    text
}

/// The columns of a table of aims after the name of the scenario.
fn aim(verdict: &Verdict) -> Vec<String> {
    vec![
        verdict.figure.to_owned(),
        verdict.against.clone(),
        verdict.aim.clone(),
        verdict
            .ratio
            .map_or_else(|| "-".to_owned(), |ratio| format!("{} x", short(ratio))),
        verdict.told().to_owned(),
    ]
}

/// Every aim of the report, for the last look.
fn all_aims(report: &Report) -> Vec<Vec<String>> {
    let head = ["", "aim", "against", "wanted", "found", ""].map(str::to_owned);
    let aims = report.scenarios.iter().flat_map(|scenario| {
        scenario.verdicts.iter().map(|verdict| {
            let mut row = vec![scenario.id.to_owned()];
            row.extend(aim(verdict));
            row
        })
    });
    std::iter::once(head.to_vec()).chain(aims).collect()
}

/// A Markdown table; the first row is its head, columns after the first are aligned to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(2)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == 0 {
                push(&mut text, format_args!("| {cell:<width$} "));
            } else {
                push(&mut text, format_args!("| {cell:>width$} "));
            }
        }
        text.push_str("|\n");
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                let end = if column == 0 { "-" } else { ":" };
                push(&mut text, format_args!("|{}{end}", "-".repeat(width + 1)));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{SCENARIO, samples};

    #[test]
    fn a_section_shows_medians_and_aims() {
        let text = section(&samples().report(&SCENARIO, std::time::Duration::ZERO));
        let wanted = "\
## T1: a test

By hand.

| median of rounds | kv-server | redis-server | valkey-server |
|------------------|----------:|-------------:|--------------:|
| SET/s            |       540 |          270 |           180 |
| p99 us           |      30.0 |         90.0 |          60.0 |
| SET/s, durable   |       486 |            - |             - |

| aim            |       against |    wanted |  found |        |
|----------------|--------------:|----------:|-------:|-------:|
| SET/s          |  redis-server |  >= 1.5 x | 2.00 x |    met |
| p99 us         | valkey-server |  <= 0.2 x | 0.50 x | missed |
| SET/s          |  redis-server |    >= 5 x | 2.00 x | missed |
| SET/s, durable |         SET/s | >= 0.85 x | 0.90 x |    met |
| SET/s          | valkey-server |    >= 3 x | 3.00 x |    met |
| SET/s          |       a paper |   >= 20 x | 5.40 x | missed |
";
        assert_eq!(text, wanted);
    }
}
