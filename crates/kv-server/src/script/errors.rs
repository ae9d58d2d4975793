//! Counts the errors of scripts, each once: where it happened.
//!
//! Invariant: an error of a request that ends the script, or that the script returns, is not counted again as the
//! error of the script.

use crate::meter::ErrorCodes;

/// What is to be written down of the errors of scripts that a connection runs.
#[derive(Debug, Default)]
pub(crate) struct ScriptErrors {
    /// Errors that no reply to the connection shows.
    pub(crate) hidden: u64,
    /// The last error of a request of the present script.
    last: Vec<u8>,
    /// Whether the reply of the last script is an error.
    is_answer: bool,
}

impl ScriptErrors {
    /// A script begins.
    pub(super) fn begin(&mut self) {
        self.last.clear();
        self.is_answer = false;
    }

    /// A request of the script was answered with the error `text`.
    pub(super) fn met(&mut self, text: &[u8], codes: &ErrorCodes) {
        codes.add(&code(text));
        self.hidden += 1;
        self.last = text.to_vec();
    }

    /// The script is answered with the error `text`.
    pub(super) fn answered(&mut self, text: &[u8], codes: &ErrorCodes) {
        self.is_answer = true;
        match !self.last.is_empty() && text.starts_with(&self.last) {
            true => self.hidden = self.hidden.saturating_sub(1),
            false => codes.add(&code(text)),
        }
    }

    /// Whether the script that has just ended was answered with an error.
    pub(crate) fn take_answer(&mut self) -> bool {
        std::mem::take(&mut self.is_answer)
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
        errors.met(b"WRONGTYPE no", &codes);
        errors.met(b"ERR no", &codes);
        errors.answered(b"ERR no script: f", &codes);
        assert!(errors.take_answer() && !errors.take_answer());
        assert_eq!(errors.hidden, 1);
        errors.begin();
        errors.answered(b"-MINE x", &codes);
        let all = codes.all();
        let told: Vec<(&str, u64)> = all.iter().map(|(code, count)| (&**code, *count)).collect();
        assert_eq!(told, [("ERR", 1), ("MINE", 1), ("WRONGTYPE", 1)]);
    }
}
