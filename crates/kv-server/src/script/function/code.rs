//! The code of a library, `#!lua name=...` and a program: what it says of itself.

use kv_proto::{Decoder, Limits, ProtocolMode, RequestArgs};

use crate::command::error::CommandError;

/// The only engine there is.
pub(crate) const ENGINE: &str = "LUA";

/// What stands before the name of a library.
const NAME: &[u8] = b"name=";

/// What is answered to a name that no library, or no function, may have.
pub(super) fn bad_name(of: &str) -> String {
    format!(
        "{of} names can only contain letters, numbers, or underscores(_) and must be at least one character long"
    )
}

/// Whether a library or a function may be called so.
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && name.iter().all(is_part)
}

/// The name that the library `code` gives itself, and its program: the line end before it counts for it.
///
/// # Errors
///
/// It gives itself none, or its first line is wrong.
pub(super) fn split(code: &[u8]) -> Result<(Vec<u8>, &[u8]), CommandError> {
    if !code.starts_with(b"#!") {
        return Err(CommandError::err("Missing library metadata"));
    }
    let invalid = || CommandError::err("Invalid library metadata");
    let end = code.iter().position(|&byte| byte == b'\n');
    let (line, program) = code.split_at(end.ok_or_else(invalid)?);
    let words = words(line).ok_or_else(invalid)?;
    let engine = words.first().map(Vec::as_slice).unwrap_or_default();
    let engine = engine.strip_prefix(b"#!").unwrap_or_default();
    let mut name = None;
    for word in words.iter().skip(1) {
        let (key, given) = word.split_at(word.len().min(NAME.len()));
        if !key.eq_ignore_ascii_case(NAME) {
            return Err(CommandError::about("Invalid metadata value given:", word));
        }
        if name.replace(given).is_some() {
            return Err(CommandError::err(
                "Invalid metadata value, name argument was given multiple times",
            ));
        }
    }
    let name = name.ok_or_else(|| CommandError::err("Library name was not given"))?;
    if !is_name(name) {
        return Err(CommandError::err(bad_name("Library")));
    }
    if !engine.eq_ignore_ascii_case(ENGINE.as_bytes()) {
        let engine = String::from_utf8_lossy(engine);
        return Err(CommandError::err(format!("Engine '{engine}' not found")));
    }
    Ok((name.to_vec(), program))
}

/// The words of a line, which may be quoted as in inline requests; `None` where the quotes are wrong.
fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = [line, b"\r\n"].concat();
    let mut words = RequestArgs::new();
    let mut decoder = Decoder::new(ProtocolMode::Resp, Limits::default());
    decoder.decode(&line, &mut words).ok().flatten()?;
    let words = words.view(&line);
    Some(words.iter().map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Result<(String, String), String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match split(code.as_bytes()) {
            Ok((name, program)) => Ok((text(&name), text(program))),
            Err(error) => Err(error.message.into_owned()),
        }
    }

    #[test]
    fn a_first_line_names_a_library() {
        let lib = Ok(("lib_1".to_owned(), "\nx".to_owned()));
        for code in [
            "#!lua name=lib_1\nx",
            "#!LUA Name=\"lib_1\"\nx",
            "#!lua  name=lib_1 \nx",
        ] {
            assert_eq!(of(code), lib, "{code}");
        }
        for (code, error) in [
            ("return 1", "Missing library metadata"),
            ("#!lua name=a", "Invalid library metadata"),
            ("#!lua name=\"a\n", "Invalid library metadata"),
            ("#!lua\n", "Library name was not given"),
            ("#!lua name=a b=c\n", "Invalid metadata value given: b=c"),
            (
                "#!lua name=a name=b\n",
                "Invalid metadata value, name argument was given multiple times",
            ),
            ("#! name=a\n", "Engine '' not found"),
            ("#!py name=a\n", "Engine 'py' not found"),
            ("#!lua name=a-b\n", &bad_name("Library")),
            ("#!lua name=\n", &bad_name("Library")),
        ] {
            assert_eq!(of(code), Err(error.to_owned()), "{code}");
        }
    }
}
