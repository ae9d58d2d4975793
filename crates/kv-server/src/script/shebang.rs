//! The first line of a script, `#!lua flags=no-writes,...`: what the script says of itself.

use crate::command::error::CommandError;

/// What a script may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    /// Whether it has said anything at all.
    pub(super) has_shebang: bool,
    /// It does not write.
    pub(super) no_writes: bool,
}

/// The flags that a script may have. Only the first has a meaning here: there are no replicas, no memory limit, no
/// cluster.
const FLAGS: [&[u8]; 5] = [
    b"no-writes",
    b"allow-oom",
    b"allow-stale",
    b"no-cluster",
    b"allow-cross-slot-keys",
];

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
    if engine != b"#!lua" {
        return Err(CommandError::about(
            "Unexpected engine in script shebang:",
            engine,
        ));
    }
    let mut declared = Declared {
        has_shebang: true,
        no_writes: false,
    };
    for word in words {
        let Some(flags) = word.strip_prefix(b"flags=") else {
            return Err(CommandError::about("Unknown lua shebang option:", word));
        };
        for flag in flags
            .split(|&byte| byte == b',')
            .filter(|flag| !flag.is_empty())
        {
            if !FLAGS.contains(&flag) {
                return Err(CommandError::about(
                    "Unexpected flag in script shebang:",
                    flag,
                ));
            }
            declared.no_writes |= flag == FLAGS[0];
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
                Ok((declared.no_writes, program))
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
            ("#!py\n", "Unexpected engine in script shebang: #!py"),
            ("#!lua a=b\n", "Unknown lua shebang option: a=b"),
            ("#!lua flags=x\n", "Unexpected flag in script shebang: x"),
        ] {
            assert_eq!(of(source), Err(error.to_owned()));
        }
    }
}
