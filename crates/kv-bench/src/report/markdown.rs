//! The report as Markdown with padded columns, which is also what the terminal shows.

use std::fmt::Write as _;

use super::{Report, ScenarioReport};

/// The whole report.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Comparison\n\n");
    let machine = &report.machine;
    push(
        &mut text,
        format_args!(
            "{} cores of {}, {} MiB of memory, Linux {}.\n{}\n\n",
            machine.cores,
            machine.cpu,
            machine.memory_bytes >> 20,
            machine.kernel,
            report.settings
        ),
    );
    for (server, version) in &report.servers {
        push(&mut text, format_args!("- {server}: {version}\n"));
    }
    for scenario in &report.scenarios {
        text.push('\n');
        text.push_str(&section(scenario));
    }
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
    figures[0].extend(scenario.servers.iter().map(|server| (*server).to_owned()));
    for row in &scenario.rows {
        let mut cells = vec![row.figure.to_owned()];
        cells.extend(row.medians.iter().map(|median| figure(*median)));
        figures.push(cells);
    }
    text.push_str(&table(&figures));
    text.push('\n');
    let mut aims = vec![
        ["aim", "against", "wanted", "found", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    for verdict in &scenario.verdicts {
        aims.push(vec![
            verdict.figure.to_owned(),
            verdict.against.clone(),
            verdict.aim.clone(),
            verdict
                .ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} x")),
            match verdict.met {
                Some(true) => "met".to_owned(),
                Some(false) => "missed".to_owned(),
                None => "not measured".to_owned(),
            },
        ]);
    }
    text.push_str(&table(&aims));
    text
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

/// A figure with about three digits that mean something.
fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
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
        let text = section(&samples().report(&SCENARIO));
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
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(figure(Some(123_456.7)), "123457");
        assert_eq!(figure(Some(12.345)), "12.3");
        assert_eq!(figure(Some(0.734)), "0.73");
        assert_eq!(figure(None), "-");
    }
}
