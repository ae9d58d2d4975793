//! Makes a sequence that shows a difference as short as it can be and still show one.

use anyhow::Result;

use super::play::{Difference, Pair};
use crate::sequences::draw::Sequence;

/// Sequences that are tried before the shortest so far is taken.
const TRIES_MAX: usize = 3000;

/// A sequence and how it differs.
pub(crate) struct Shown {
    pub(crate) sequence: Sequence,
    pub(crate) difference: Difference,
}

/// Leaves out requests, then words, as long as a difference is left.
///
/// # Errors
///
/// A server does not answer any more.
pub(crate) fn shrink(pair: &mut Pair<'_>, shown: Shown) -> Result<Shown> {
    let mut shrink = Shrink {
        pair,
        shown,
        tries: 0,
    };
    shrink.cut_behind()?;
    shrink.requests()?;
    shrink.words()?;
    shrink.requests()?;
    Ok(shrink.shown)
}

struct Shrink<'p, 't> {
    pair: &'p mut Pair<'t>,
    shown: Shown,
    tries: usize,
}

impl Shrink<'_, '_> {
    /// Plays a candidate and keeps it when it shows a difference.
    fn holds(&mut self, sequence: Sequence) -> Result<bool> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return Ok(false);
        }
        let found = self.pair.play(&sequence)?;
        Ok(match found {
            Some(difference) => {
                self.shown = Shown {
                    sequence,
                    difference,
                };
                true
            }
            None => false,
        })
    }

    /// What comes after the difference has no part in it.
    fn cut_behind(&mut self) -> Result<bool> {
        let mut sequence = self.shown.sequence.clone();
        sequence.requests.truncate(self.shown.difference.at + 1);
        self.holds(sequence)
    }

    /// Leaves out runs of requests, long ones first.
    fn requests(&mut self) -> Result<()> {
        let mut run = (self.shown.sequence.requests.len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < self.shown.sequence.requests.len() {
                let mut sequence = self.shown.sequence.clone();
                let end = (at + run).min(sequence.requests.len());
                sequence.requests.drain(at..end);
                if !self.holds(sequence)? {
                    at += run;
                }
            }
            if run == 1 {
                return Ok(());
            }
            run /= 2;
        }
    }

    /// Leaves out words of each request, long runs first, and cuts long words.
    fn words(&mut self) -> Result<()> {
        let mut at = self.shown.sequence.requests.len();
        while at > 0 {
            at -= 1;
            let mut run = self.word_count(at) / 2;
            while run > 0 {
                let mut word = 1;
                while word < self.word_count(at) {
                    if !self.without_words(at, word, run)? {
                        word += run;
                    }
                }
                run /= 2;
            }
            for word in 1..self.word_count(at) {
                self.with_short_word(at, word)?;
            }
        }
        Ok(())
    }

    fn word_count(&self, at: usize) -> usize {
        self.shown
            .sequence
            .requests
            .get(at)
            .map_or(0, |request| request.words.len())
    }

    fn without_words(&mut self, at: usize, word: usize, run: usize) -> Result<bool> {
        let mut sequence = self.shown.sequence.clone();
        let words = &mut sequence.requests[at].words;
        let end = (word + run).min(words.len());
        words.drain(word..end);
        self.holds(sequence)
    }

    fn with_short_word(&mut self, at: usize, word: usize) -> Result<()> {
        while self
            .shown
            .sequence
            .requests
            .get(at)
            .is_some_and(|one| one.words.get(word).is_some_and(|word| word.len() > 4))
        {
            let mut sequence = self.shown.sequence.clone();
            let bytes = &mut sequence.requests[at].words[word];
            bytes.truncate(bytes.len() / 2);
            if !self.holds(sequence)? {
                break;
            }
        }
        Ok(())
    }
}
