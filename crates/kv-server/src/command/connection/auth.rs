//! `AUTH [username] password`: logs in, where there is somebody to log in as.
//!
//! There are no passwords: the one user, `default`, may do everything and is let in with any password, as
//! in a Redis without one.

use crate::command::prelude::*;

pub(super) const AUTH: CommandSpec = CommandSpec {
    name: "AUTH",
    group: Group::Connection,
    summary: "Logs in; the user called default needs no password.",
    syntax: "AUTH [username] password",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("There is one user, default, and no way to give it a password."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: AUTH_FLAGS,
    run: Run::Pure(auth),
};

const AUTH_FLAGS: Flags = Flags::FAST
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

fn auth(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() == 1 {
        return Err(CommandError::err(
            "AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        ));
    }
    log_in(args.bytes()?, args.bytes()?)?;
    args.finish()?;
    reply.ok();
    Ok(())
}

/// Logs `user` in.
///
/// # Errors
///
/// There is no such user.
pub(super) fn log_in(user: &[u8], _password: &[u8]) -> Result<(), CommandError> {
    if user == b"default" {
        Ok(())
    } else {
        Err(CommandError {
            code: "WRONGPASS",
            message: "invalid username-password pair or user is disabled.".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn only_the_default_user_is_there() {
        let shell = Shell::new();
        assert_eq!(shell.run("AUTH default x"), "+OK|");
        assert!(
            shell
                .run("AUTH x")
                .starts_with("-ERR AUTH <password> called")
        );
        assert!(shell.run("AUTH alice x").starts_with("-WRONGPASS "));
        assert_eq!(shell.run("AUTH default x y"), "-ERR syntax error|");
    }
}
