//! The report as one page that needs nothing else: no script, no font, no file beside it. Light or dark as the reader's
//! system is.
//!
//! It owns the order of the page; the plots are drawn by `bars` and `lines`, the looks stand in `page.css`.

mod axis;
mod bars;
mod lines;
mod svg;

use std::fmt::Write as _;

use super::number::{date, short, told};
use super::{Report, ScenarioReport, Verdict};
use crate::scenario::{Better, Plot};
use svg::escaped;

const STYLE: &str = include_str!("page.css");

/// The whole page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page =
        String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = write!(
        page,
        "<title>kv: comparison of {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        date(report.measured_at_unix_s)
    );
    page.push_str(&head(report));
    page.push_str(&aims(report));
    for scenario in &report.scenarios {
        page.push_str(&section(scenario));
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn head(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = String::from("<h1>kv against its peers</h1>\n");
    if report.is_short_look {
        text.push_str(
            "<p class=\"warning\">A short look: one round, short loads, fewer keys. Its figures are not for telling.</p>\n",
        );
    }
    let _ = writeln!(
        text,
        "<p>{} &middot; <code>{}</code><br>{} cores of {} &middot; {} GiB of memory &middot; Linux {}<br>{} Curves are those of the last round.</p>",
        date(report.measured_at_unix_s),
        escaped(&report.command),
        machine.cores,
        escaped(&machine.cpu),
        machine.memory_bytes >> 30,
        escaped(&machine.kernel),
        escaped(&report.settings)
    );
    text.push_str("<details open><summary>Versions</summary><table>\n");
    for (name, version) in &report.versions {
        let _ = writeln!(
            text,
            "<tr><th>{}</th><td>{}</td></tr>",
            escaped(name),
            escaped(version)
        );
    }
    text.push_str("</table></details>\n");
    if !report.notes.is_empty() {
        text.push_str("<details open><summary>Not measured</summary><ul>\n");
        for note in &report.notes {
            let _ = writeln!(text, "<li>{}</li>", escaped(note));
        }
        text.push_str("</ul></details>\n");
    }
    text
}

/// Every aim with its figure, and how many are met.
fn aims(report: &Report) -> String {
    let verdicts = || {
        report
            .scenarios
            .iter()
            .flat_map(|scenario| &scenario.verdicts)
    };
    let count = |met: Option<bool>| verdicts().filter(|verdict| verdict.met == met).count();
    let mut text = format!(
        "<h2>Aims: {} met, {} missed, {} not measured</h2>\n<div class=\"wide\"><table class=\"aims\">\n\
         <tr><th></th><th>figure</th><th class=\"n\">kv</th><th>against</th><th class=\"n\">theirs</th>\
         <th class=\"n\">ratio wanted</th><th class=\"n\">found</th><th></th></tr>\n",
        count(Some(true)),
        count(Some(false)),
        count(None)
    );
    for scenario in &report.scenarios {
        for (place, verdict) in scenario.verdicts.iter().enumerate() {
            let id = if place == 0 { scenario.id } else { "" };
            text.push_str(&aim_row(id, scenario.id, verdict));
        }
    }
    text.push_str("</table></div>\n");
    text
}

fn aim_row(shown_id: &str, id: &str, verdict: &Verdict) -> String {
    let number = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| told(verdict.figure, value))
    };
    let ratio = verdict
        .ratio
        .map_or_else(|| "-".to_owned(), |ratio| format!("{} x", short(ratio)));
    let class = match verdict.met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "absent",
    };
    format!(
        "<tr><td><a href=\"#{id}\">{shown_id}</a></td><td>{}</td><td class=\"n\">{}</td><td>{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{ratio}</td>\
         <td><span class=\"{class}\">{}</span></td></tr>\n",
        escaped(verdict.figure),
        number(verdict.ours),
        escaped(&verdict.against),
        number(verdict.theirs),
        escaped(&verdict.aim),
        verdict.told()
    )
}

fn section(scenario: &ScenarioReport) -> String {
    let mut text = format!(
        "<section id=\"{0}\">\n<h2>{0}: {1}</h2>\n<p>{2}</p>\n",
        escaped(scenario.id),
        escaped(scenario.title),
        escaped(scenario.how)
    );
    text.push_str(&legend(scenario));
    for plot in scenario.plots {
        match *plot {
            Plot::Bars { figures, better } => {
                let hint = match better {
                    Better::More => "More is better.",
                    Better::Less => "Less is better.",
                };
                let _ = writeln!(text, "<p class=\"hint\">{hint}</p>\n<div class=\"panels\">");
                for figure in figures {
                    if let Some(row) = scenario.row(figure) {
                        text.push_str(&bars::panel(row, &scenario.entrants));
                    }
                }
                text.push_str("</div>\n");
            }
            Plot::Points { title, x, points } => {
                text.push_str(&lines::points(scenario, title, x, points));
            }
            Plot::Percentiles { title, line } => {
                text.push_str(&lines::percentiles(scenario, title, line));
            }
            Plot::Time { title, line } => text.push_str(&lines::time(scenario, title, line)),
        }
    }
    text.push_str(&table(scenario));
    text.push_str("</section>\n");
    text
}

/// Which colour is whose.
fn legend(scenario: &ScenarioReport) -> String {
    let mut text = String::from("<p class=\"legend\">");
    for (place, entrant) in scenario.entrants.iter().enumerate() {
        let _ = write!(
            text,
            "<span><i class=\"swatch e{place}\"></i>{}</span> ",
            escaped(entrant)
        );
    }
    text.push_str("</p>\n");
    text
}

/// All figures of a scenario, for those who want to know exactly.
fn table(scenario: &ScenarioReport) -> String {
    let mut text = String::from(
        "<details><summary>All figures (medians of the rounds)</summary><div class=\"wide\"><table>\n<tr><th></th>",
    );
    for entrant in &scenario.entrants {
        let _ = write!(text, "<th class=\"n\">{}</th>", escaped(entrant));
    }
    text.push_str("</tr>\n");
    for row in &scenario.rows {
        let _ = write!(text, "<tr><td>{}</td>", escaped(row.figure));
        for median in &row.medians {
            let shown = median.map_or_else(|| "-".to_owned(), short);
            let _ = write!(text, "<td class=\"n\">{shown}</td>");
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table></div></details>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Machine;
    use crate::report::tests::{SCENARIO, samples};

    fn page() -> String {
        html(&Report {
            measured_at_unix_s: 1_795_305_600,
            machine: Machine::this(),
            versions: [("kv-server".to_owned(), "1 & only".to_owned())].into(),
            command: "cargo xtask bench".to_owned(),
            settings: "By hand.".to_owned(),
            is_short_look: false,
            scenarios: vec![samples().report(&SCENARIO, std::time::Duration::ZERO)],
            notes: vec!["<nothing>".to_owned()],
        })
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = page();
        for outside in [
            "<script", "<link", "<img", "url(", "@import", "http:", "https:",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_element_that_begins_ends() {
        let page = page();
        for element in [
            "html", "head", "body", "style", "section", "table", "tr", "td", "th", "details",
            "svg", "text", "g", "span", "p", "div", "title",
        ] {
            let begun = page.matches(&format!("<{element}>")).count()
                + page.matches(&format!("<{element} ")).count();
            let ended = page.matches(&format!("</{element}>")).count();
            assert_eq!(begun, ended, "{element}");
        }
    }

    #[test]
    fn aims_are_told_with_their_figures_and_plots_are_drawn() {
        let page = page();
        assert!(page.contains("Aims: 3 met, 3 missed, 0 not measured"));
        assert!(page.contains("2026-11-22"));
        assert!(page.contains("1 &amp; only") && page.contains("&lt;nothing&gt;"));
        assert!(page.contains("delays &lt;all&gt;"));
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(page.contains("snapshot"));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }
}
