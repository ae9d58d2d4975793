//! Counts the errors of scripts, each once: where it happened.
//!
//! Invariant: an error of a request that ends the script, or that the script returns, is not counted again as the
//! error of the script.
//! Invariant: nothing is counted of a script before its end: one that gives itself up runs again.

use std::collections::BTreeMap;

use crate::meter::ErrorCodes;

/// What is to be written down of the errors of scripts that a connection runs.
#[derive(Debug, Default)]
pub(crate) struct ScriptErrors {
    /// Errors that no reply to the connection shows.
    pub(crate) hidden: u64,
    present: Present,
    /// Whether the reply of the last script is an error.
    is_answer: bool,
}

/// The errors of the script that runs.
#[derive(Debug, Default)]
struct Present {
    hidden: u64,
    /// The last error of a request.
    last: Vec<u8>,
    codes: BTreeMap<String, u64>,
}

impl ScriptErrors {
    /// A script begins.
    pub(super) fn begin(&mut self) {
        self.present = Present::default();
        self.is_answer = false;
    }

    /// A request of the script was answered with the error `text`.
    pub(super) fn met(&mut self, text: &[u8]) {
        self.present.count(text);
        self.present.hidden += 1;
        self.present.last = text.to_vec();
    }

    /// The script is answered with the error `text`.
    pub(super) fn answered(&mut self, text: &[u8]) {
        self.is_answer = true;
        let present = &mut self.present;
        match !present.last.is_empty() && text.starts_with(&present.last) {
            true => present.hidden = present.hidden.saturating_sub(1),
            false => present.count(text),
        }
    }

    /// The script has ended.
    pub(super) fn end(&mut self, codes: &ErrorCodes) {
        let present = std::mem::take(&mut self.present);
        self.hidden += present.hidden;
        for (code, count) in present.codes {
            codes.add_many(&code, count);
        }
    }

    /// Whether the script that has just ended was answered with an error.
    pub(crate) fn take_answer(&mut self) -> bool {
        std::mem::take(&mut self.is_answer)
    }
}

impl Present {
    fn count(&mut self, text: &[u8]) {
        *self.codes.entry(code(text)).or_default() += 1;
    }
}

/// The first word of an error.
fn code(text: &[u8]) -> String {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let word = text
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_ends_the_script_is_counted_once() {
        let (mut errors, codes) = (ScriptErrors::default(), ErrorCodes::default());
        errors.begin();
        errors.met(b"ERR given up");
        errors.begin();
        errors.met(b"WRONGTYPE no");
        errors.met(b"ERR no");
        errors.answered(b"ERR no script: f");
        errors.end(&codes);
        assert!(errors.take_answer() && !errors.take_answer());
        assert_eq!(errors.hidden, 1);
        errors.begin();
        errors.answered(b"-MINE x");
        errors.end(&codes);
        let all = codes.all();
        let told: Vec<(&str, u64)> = all.iter().map(|(code, count)| (&**code, *count)).collect();
        assert_eq!(told, [("ERR", 1), ("MINE", 1), ("WRONGTYPE", 1)]);
    }
}
