//! The one status line of a long run, on standard error; nothing where that is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A status line that is overwritten in place.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A line that begins empty.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {prefix}{wide_msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// A line that is never shown.
    #[must_use]
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// Says what the following steps belong to, such as "P1 kv-server, round 2 of 3". Where there is no
    /// terminal, this is printed as a line of its own.
    pub fn begin(&self, what: &str) {
        if self.bar.is_hidden() {
            eprintln!("{what}");
        }
        self.bar.set_prefix(format!("{what}: "));
        self.step("starting");
    }

    /// Shows what is going on now.
    pub fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.tick();
    }

    /// Shows how far a timed load is.
    pub fn load(&self, passed: Duration, whole: Duration, replies: u64) {
        self.step(&format!(
            "{:.0} of {:.0} s, {replies} replies",
            passed.as_secs_f64(),
            whole.as_secs_f64()
        ));
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
