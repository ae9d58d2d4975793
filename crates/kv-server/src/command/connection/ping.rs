//! `PING [message]`: shows that the server answers.

use crate::command::prelude::*;

pub(super) const PING: CommandSpec = CommandSpec {
    name: "PING",
    group: Group::Connection,
    summary: "Answers PONG, or the message that it is given.",
    syntax: "PING [message]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: Flags::FAST,
    run: Run::Pure(ping),
};

fn ping(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() > 1 {
        return Err(args.wrong_arity());
    }
    match args.peek() {
        None => reply.simple("PONG"),
        Some(_) => reply.bulk(args.bytes()?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn ping_answers_pong_or_what_it_is_given() {
        let shell = Shell::new();
        assert_eq!(shell.run("PING"), "+PONG|");
        assert_eq!(shell.run("PING x"), "$1|x|");
        assert_eq!(
            shell.run("PING x y"),
            "-ERR wrong number of arguments for 'ping' command|"
        );
    }
}
