//! The cursor and the options of `SSCAN`, `HSCAN` and their like.

use kv_proto::Reply;

use super::args::Args;
use super::error::CommandError;
use super::glob;

/// Elements that are looked at in one call when nothing else is asked for.
const COUNT_DEFAULT: usize = 10;

/// Takes the cursor; leading blanks and a plus sign do no harm.
///
/// # Errors
///
/// The next word is no number of 64 bits, or has a minus sign.
pub(crate) fn cursor(args: &mut Args<'_>) -> Result<u64, CommandError> {
    let digits = args.bytes()?.trim_ascii_start();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let number = std::str::from_utf8(digits).ok();
    number
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|number| number.parse().ok())
        .ok_or(CommandError::CURSOR)
}

/// What is to be shown of what a scan comes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanOptions<'r> {
    /// About how many elements to look at.
    pub(crate) count: usize,
    /// Whether the values of fields, or the scores of members, are left out.
    pub(crate) names_only: bool,
    pattern: Option<&'r [u8]>,
}

impl<'r> ScanOptions<'r> {
    /// Reads all words that are left. The last of each option counts.
    ///
    /// # Errors
    ///
    /// They are no options.
    pub(crate) fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let mut options = Self {
            count: COUNT_DEFAULT,
            names_only: false,
            pattern: None,
        };
        while args.len() > 0 {
            if args.eat(b"NOVALUES") {
                if args.spec().name != "HSCAN" {
                    return Err(CommandError::err(
                        "NOVALUES option can only be used in HSCAN",
                    ));
                }
                options.names_only = true;
            } else if args.eat(b"NOSCORES") {
                if args.spec().name != "ZSCAN" {
                    return Err(CommandError::err(
                        "NOSCORES option can only be used in ZSCAN",
                    ));
                }
                options.names_only = true;
            } else if args.eat(b"COUNT") {
                let count = args.int()?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                options.count = count.ok_or(CommandError::SYNTAX)?;
            } else if args.eat(b"MATCH") {
                options.pattern = Some(args.bytes()?);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether an element of this name is to be shown.
    pub(crate) fn shows(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches_exactly(pattern, name))
    }
}

/// Answers where to go on and announces `count` elements.
pub(crate) fn head(next: u64, count: usize, reply: &mut Reply<'_>) {
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    reply.array(count);
}

/// Answers that there is nothing to scan.
pub(crate) fn empty(reply: &mut Reply<'_>) {
    head(0, 0, reply);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;
    use crate::command::testing::with_request;

    fn read(line: &str) -> Result<u64, CommandError> {
        let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
        with_request(&words, |request| {
            let mut args = Args::new(table::find(request)?, request);
            args.key()?;
            let cursor = cursor(&mut args)?;
            ScanOptions::parse(args)?;
            Ok(cursor)
        })
    }

    #[test]
    fn a_cursor_is_any_number_of_64_bits() {
        assert_eq!(read("HSCAN k 18446744073709551615 NOVALUES"), Ok(u64::MAX));
        assert_eq!(read("HSCAN k +017"), Ok(17));
        for cursor in ["-1", "+", "++1", "x", "", "18446744073709551616"] {
            assert_eq!(
                read(&format!("HSCAN k {cursor}")),
                Err(CommandError::CURSOR)
            );
        }
    }

    #[test]
    fn options_that_are_none() {
        for options in ["COUNT 0", "COUNT -1", "COUNT", "MATCH", "FOO", "TYPE hash"] {
            let outcome = read(&format!("HSCAN k 0 {options}"));
            assert_eq!(outcome, Err(CommandError::SYNTAX), "{options}");
        }
    }
}
