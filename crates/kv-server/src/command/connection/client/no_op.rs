//! `CLIENT NO-EVICT` and `CLIENT NO-TOUCH`: accepted because clients send them, without effect because there
//! is nothing yet that they could change.

use super::CLIENT_FLAGS;
use crate::command::prelude::*;

pub(super) const NO_EVICT: CommandSpec = CommandSpec {
    name: "CLIENT|NO-EVICT",
    group: Group::Connection,
    summary: "Asks that the connection is not closed to save memory.",
    syntax: "CLIENT NO-EVICT <ON | OFF>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("No connection is ever closed to save memory, so it changes nothing."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Pure(on_or_off),
};

pub(super) const NO_TOUCH: CommandSpec = CommandSpec {
    name: "CLIENT|NO-TOUCH",
    group: Group::Connection,
    summary: "Asks that reads of the connection do not count as uses of keys.",
    syntax: "CLIENT NO-TOUCH <ON | OFF>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("Uses of keys are not counted, so it changes nothing."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Pure(on_or_off),
};

fn on_or_off(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if !args.eat(b"ON") && !args.eat(b"OFF") {
        return Err(CommandError::SYNTAX);
    }
    args.finish()?;
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn on_and_off_are_accepted_and_nothing_else() {
        let shell = Shell::new();
        assert_eq!(shell.run("CLIENT NO-EVICT on"), "+OK|");
        assert_eq!(shell.run("CLIENT NO-TOUCH OFF"), "+OK|");
        assert_eq!(shell.run("CLIENT NO-TOUCH maybe"), "-ERR syntax error|");
    }
}
