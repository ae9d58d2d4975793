//! `DIGEST key`: a short number that stands for the string at `key`.

use xxhash_rust::xxh3::xxh3_64;

use crate::command::prelude::*;

pub(super) const DIGEST: CommandSpec = CommandSpec {
    name: "DIGEST",
    group: Group::String,
    summary: "Returns the digest of the string at a key, as the options IFDEQ and IFDNE take it.",
    syntax: "DIGEST key",
    complexity: "O(N) in the length of the string",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(digest),
};

fn digest(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match view.string(key)? {
        Some(string) => {
            let digest = xxh3_64(string.as_bytes(&mut itoa::Buffer::new()));
            reply.bulk(format!("{digest:016x}").as_bytes());
        }
        None => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_digest_is_that_of_redis() {
        let shell = Shell::new();
        shell.run_words(&[b"SET", b"k", b"Hello world"]);
        assert_eq!(shell.run("DIGEST k"), "$16|b6acb9d84a38ff74|");
        assert_eq!(shell.run("DIGEST none"), "$-1|");
    }
}
