//! A difference as a script that can be run, with what to type to see it again.

use super::shrink::Shown;
use crate::script_runner::reply::quote;
use crate::script_runner::words::split;

/// The text of a `.kvt` script: the peer's replies are the expected ones, ours stand beside them as a comment.
pub(crate) fn script(shown: &Shown, head: &str, peer: &str) -> String {
    let mut text = format!("# {head}\n");
    if shown.sequence.protocol == 3 {
        text.push_str("\n@resp3\n");
    }
    let difference = &shown.difference;
    text.push('\n');
    let sent = shown.sequence.sent();
    for ((_, words), reply) in sent
        .iter()
        .zip(&difference.replies)
        .take_while(|((at, _), _)| *at <= difference.at)
    {
        text.push_str(&format!(
            "> {}
",
            command(words)
        ));
        for line in reply.lines() {
            text.push_str(&format!(
                "{line}
"
            ));
        }
    }
    if difference.at == shown.sequence.requests.len() {
        text.push_str(&format!("# The data differs. {peer}:\n"));
        push_comment(&mut text, &difference.theirs);
    }
    text.push_str("# kv:\n");
    push_comment(&mut text, &difference.ours);
    text
}

fn push_comment(text: &mut String, lines: &[String]) {
    for line in lines {
        text.push_str(&format!("#   {line}\n"));
    }
}

/// The words as one types them, quoted where they need it.
fn command(words: &[Vec<u8>]) -> String {
    let word = |word: &Vec<u8>| {
        let plain = String::from_utf8_lossy(word).into_owned();
        match split(&plain) {
            Ok(parts)
                if parts.len() == 1
                    && parts[0] == *word
                    && plain.is_ascii()
                    && !plain.contains(['"', '\'']) =>
            {
                plain
            }
            _ => quote(word),
        }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_are_read_back_as_they_were() {
    let words: Vec<Vec<u8>> = [
        &b"SET"[..],
        b"",
        b"a b",
        b"\x00\xff\r\n",
        b"'q'",
        b"\"",
        b"plain",
        b"\\x41",
        b"caf\xc3\xa9",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    assert_eq!(split(&command(&words)).unwrap(), words);
}
