//! The first line of a script, `#!lua flags=no-writes,...`, or of a library of functions, `#!lua name=...`: what it
//! says of itself.

use crate::command::error::CommandError;

/// What a script or a function may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    /// Whether it has said anything at all; functions always have.
    is_told: bool,
    /// A bit for each of [`FLAGS`].
    flags: u8,
}

/// The flags that there are. The last three have no meaning here: there are no replicas and no cluster.
const FLAGS: [&str; 5] = [
    NO_WRITES,
    ALLOW_OOM,
    "allow-stale",
    "no-cluster",
    "allow-cross-slot-keys",
];

const NO_WRITES: &str = "no-writes";
const ALLOW_OOM: &str = "allow-oom";

impl Declared {
    /// A script or function that has said something, but no flag yet.
    pub(super) fn told() -> Self {
        Self {
            is_told: true,
            flags: 0,
        }
    }

    /// Adds a flag; whether there is such a one.
    pub(super) fn add(&mut self, flag: &[u8]) -> bool {
        let place = FLAGS.iter().position(|known| known.as_bytes() == flag);
        if let Some(place) = place {
            self.flags |= 1 << place;
        }
        place.is_some()
    }

    /// Its flags.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        let all = FLAGS.iter().enumerate();
        all.filter(move |(place, _)| self.flags & 1 << place != 0)
            .map(|(_, flag)| *flag)
    }

    /// Whether it has said anything at all.
    pub(super) fn is_told(self) -> bool {
        self.is_told
    }

    /// Whether it does not write.
    pub(super) fn no_writes(self) -> bool {
        self.flags().any(|flag| flag == NO_WRITES)
    }

    /// Whether it runs where memory is full.
    pub(super) fn allows_oom(self) -> bool {
        self.flags().any(|flag| flag == ALLOW_OOM)
    }
}

/// What `source` says of itself, and its program: line ends before it count for it.
///
/// # Errors
///
/// The first line is one, but wrong.
pub(super) fn split(source: &[u8]) -> Result<(Declared, &[u8]), CommandError> {
    if !source.starts_with(b"#!") {
        return Ok((Declared::default(), source));
    }
    let invalid = || CommandError::err("Invalid script shebang");
    let end = source
        .iter()
        .position(|&byte| byte == b'\n')
        .ok_or_else(invalid)?;
    let (line, program) = source.split_at(end);
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    let engine = engine.strip_prefix(b"#!").unwrap_or_default();
    if !engine.eq_ignore_ascii_case(b"lua") {
        let engine = String::from_utf8_lossy(engine);
        let error = format!("Could not find scripting engine '{engine}'");
        return Err(CommandError::err(error));
    }
    let mut declared = Declared::told();
    for word in words {
        let Some(flags) = word.strip_prefix(b"flags=") else {
            return Err(CommandError::about("Unknown lua shebang option:", word));
        };
        if flags.is_empty() {
            continue;
        }
        for flag in flags.split(|&byte| byte == b',') {
            if !declared.add(flag) {
                return Err(CommandError::about(
                    "Unexpected flag in script shebang:",
                    flag,
                ));
            }
        }
    }
    Ok((declared, program))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> Result<(bool, String), String> {
        match split(source.as_bytes()) {
            Ok((declared, program)) => {
                let program = String::from_utf8_lossy(program).into_owned();
                Ok((declared.no_writes(), program))
            }
            Err(error) => Err(error.message.into_owned()),
        }
    }

    #[test]
    fn a_first_line_says_what_a_script_does() {
        assert_eq!(of("return 1"), Ok((false, "return 1".to_owned())));
        assert_eq!(of("#!lua\nx"), Ok((false, "\nx".to_owned())));
        assert_eq!(
            of("#!lua flags=allow-oom,no-writes\nx"),
            Ok((true, "\nx".to_owned()))
        );
        for (source, error) in [
            ("#!lua", "Invalid script shebang"),
            ("#!py\n", "Could not find scripting engine 'py'"),
            ("#!lua a=b\n", "Unknown lua shebang option: a=b"),
            ("#!lua flags=x\n", "Unexpected flag in script shebang: x"),
        ] {
            assert_eq!(of(source), Err(error.to_owned()));
        }
    }
}
