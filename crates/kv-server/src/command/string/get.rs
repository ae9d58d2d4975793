//! `GET key`: returns the string at `key`.

use super::show;
use crate::command::prelude::*;

pub(super) const GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::String,
    summary: "Returns the string value of a key.",
    syntax: "GET key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(get),
};

fn get(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    show::string(reply, view.string(key)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn shows_the_bytes_that_were_set() {
        let shell = Shell::new();
        assert_eq!(shell.run("GET k"), "$-1|");
        for value in [
            &b""[..],
            b"v",
            b"17",
            b"-9223372036854775808",
            b"\r\n\0\xff",
        ] {
            shell.run_words(&[b"SET", b"k", value]);
            let mut expected = format!("${}\r\n", value.len()).into_bytes();
            expected.extend_from_slice(value);
            expected.extend_from_slice(b"\r\n");
            assert_eq!(shell.run_words(&[b"GET", b"k"]), expected);
        }
    }

    #[test]
    fn shows_large_values_whole() {
        let shell = Shell::new();
        let value = vec![b'x'; 100_000];
        shell.run_words(&[b"SET", b"k", &value]);
        let reply = shell.run_words(&[b"GET", b"k"]);
        assert!(reply.starts_with(b"$100000\r\nxxx") && reply.ends_with(b"xxx\r\n"));
        assert_eq!(reply.len(), "$100000\r\n\r\n".len() + value.len());
    }
}
