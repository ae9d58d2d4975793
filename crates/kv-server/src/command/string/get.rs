//! `GET key`: returns the string at `key`.

use super::show;
use crate::command::prelude::*;

pub(super) const GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::String,
    summary: "Returns the string at a key.",
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
    fn get_shows_what_is_there() {
        let shell = Shell::new();
        assert_eq!(shell.run("GET k"), "$-1|");
        assert_eq!(
            shell.run("get"),
            "-ERR wrong number of arguments for 'get' command|"
        );
    }
}
