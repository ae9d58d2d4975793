//! `--recover-to TIME|LSN --into NEWDIR`: the data as of an earlier moment, in a directory of its own, so that
//! what came later stays.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

use kv_core::{Lsn, UnixMillis};
use kv_wal::fs::RealFs;
use kv_wal::{Target, UpkeepError, copy};

use super::failure;
use crate::exit::Failure;
use crate::tell::tell;
use crate::timestamp;

/// A moment in the life of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverTo {
    /// After the last commit that ends at or before this LSN.
    Lsn(Lsn),
    /// What had been written by then, as far as time marks tell.
    Time(UnixMillis),
}

impl FromStr for RecoverTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected an LSN such as 4711 (see kv-server wal dump) or a time with its zone such as \
             2026-11-22T14:05:00Z"
                .to_owned()
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(lsn) if lsn > 0 => Ok(Self::Lsn(Lsn(lsn))),
                _ => Err(expected()),
            };
        }
        timestamp::parse(text).map(Self::Time).ok_or_else(expected)
    }
}

/// Makes `into` a copy of `from` as of `to`, and tells on standard error what it holds.
///
/// # Errors
///
/// The log does not reach from before that moment to behind it, `into` is not empty, or something cannot be
/// read or written.
pub(crate) fn recover(from: &Path, to: RecoverTo, into: &Path) -> Result<(), Failure> {
    let target = match to {
        RecoverTo::Lsn(lsn) => Target::Lsn(lsn),
        RecoverTo::Time(time) => Target::Time(time),
    };
    let copied = copy(from, into, target, &RealFs).map_err(|error| explained(&error))?;
    tell(format_args!(
        "{}: recovered to LSN {}{}; {} is as it was",
        into.display(),
        copied.last_lsn,
        written_by(copied.last_time),
        from.display()
    ));
    Ok(())
}

fn written_by(time: Option<UnixMillis>) -> String {
    time.map_or_else(String::new, |time| {
        format!(", last time mark {}", timestamp::format(time))
    })
}

fn explained(error: &UpkeepError) -> Failure {
    let mut failure = failure(error);
    match error {
        UpkeepError::TargetPastEnd {
            last_lsn,
            last_time,
        } => {
            failure.message = format!(
                "cannot recover to a moment after the end of the log: its last LSN is {last_lsn}{}; for all of \
                 it use --recover-to {last_lsn}",
                written_by(*last_time)
            );
        }
        UpkeepError::TargetBeforeStart { lsn, time } => {
            failure.message =
                "cannot recover to a moment before the first commit or time mark of the log, or \
                               before the oldest snapshot that is left"
                    .to_owned();
            if let Some(lsn) = lsn {
                let time = time.map_or_else(String::new, |time| {
                    format!(", the earliest time is {}", timestamp::format(time))
                });
                let _ = write!(
                    failure.message,
                    ": the earliest LSN is {lsn}{time}; use --recover-to {lsn}, or a backup that is older"
                );
            }
        }
        _ => {}
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_an_lsn_and_all_else_a_time() {
        assert_eq!("4711".parse(), Ok(RecoverTo::Lsn(Lsn(4711))));
        assert_eq!(
            "1970-01-01T00:00:01Z".parse(),
            Ok(RecoverTo::Time(UnixMillis(1000)))
        );
        for text in [
            "",
            "0",
            "-1",
            "yesterday",
            "2026-11-22T14:05:00",
            "99999999999999999999",
        ] {
            assert!(text.parse::<RecoverTo>().is_err(), "{text}");
        }
    }
}
