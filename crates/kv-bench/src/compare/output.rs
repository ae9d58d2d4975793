//! Where a report goes: three files, and the terminal.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::report::{Report, html, markdown};

/// The names of the report's files in the output folder.
const JSON: &str = "compare.json";
const MARKDOWN: &str = "compare.md";
const HTML: &str = "report.html";

/// Writes `report` to the folder `out` and prints it.
///
/// # Errors
///
/// When a file cannot be written.
pub(super) fn write(out: &Path, report: &Report) -> anyhow::Result<()> {
    let text = markdown(report);
    let json = serde_json::to_string_pretty(report)?;
    for (name, content) in [(MARKDOWN, &text), (JSON, &json), (HTML, &html(report))] {
        let path = out.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut terminal = std::io::stdout().lock();
    writeln!(terminal, "{text}")?;
    for name in [HTML, JSON, MARKDOWN] {
        writeln!(terminal, "written to {}", out.join(name).display())?;
    }
    Ok(())
}
