//! `MIGRATE`: would move keys to another server.

use kv_proto::RequestRef;

use crate::command::prelude::*;

pub(super) const MIGRATE: CommandSpec = CommandSpec {
    name: "MIGRATE",
    group: Group::Keys,
    summary: "Would move keys to another server; here it only tells whether there are any.",
    syntax: "MIGRATE host port <key | \"\"> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username \
             password] [KEYS key [key ...]]",
    complexity: "O(N) in the number of keys",
    since: "0.2.0",
    compat: Compat::Differs(
        "This server opens no connections: where there is something to move, the answer is an error. DUMP here and \
         RESTORE there do the same.",
    ),
    arity: Arity::at_least(6),
    keys: Keys::Found {
        place: first_key,
        access: Access::READ,
    },
    flags: Flags::NONE,
    run: Run::Read(migrate),
};

/// The key that stands alone, unless it is the empty word, which says that there are several.
fn first_key(request: RequestRef<'_>) -> Option<usize> {
    request.get(3).filter(|key| !key.is_empty()).map(|_| 3)
}

fn migrate(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (_host, _port, key) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let (_db, _timeout) = (args.int()?, args.int()?);
    let mut several = false;
    while args.peek().is_some() && !several {
        if args.eat(b"KEYS") {
            several = true;
        } else if args.len() >= 3 && args.eat(b"AUTH2") {
            let (_user, _password) = (args.bytes()?, args.bytes()?);
        } else if args.len() >= 2 && args.eat(b"AUTH") {
            args.bytes()?;
        } else if !args.eat(b"COPY") && !args.eat(b"REPLACE") {
            return Err(CommandError::SYNTAX);
        }
    }
    if several && !key.is_empty() {
        return Err(CommandError::err(
            "When using MIGRATE KEYS option, the key argument must be set to the empty string",
        ));
    }
    if several || (!key.is_empty() && view.exists(key)) {
        return Err(CommandError::err(
            "this server does not move keys to others: use DUMP and RESTORE",
        ));
    }
    reply.simple("NOKEY");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn what_is_not_there_cannot_be_moved() {
        let shell = Shell::new();
        shell.run("SET k v");
        assert_eq!(shell.run("MIGRATE h 1 none 0 10 AUTH2 u p COPY"), "+NOKEY|");
        assert!(
            shell
                .run("MIGRATE h 1 k 0 10")
                .starts_with("-ERR this server")
        );
        assert!(
            shell
                .run("MIGRATE h 1 k 0 10 KEYS a")
                .starts_with("-ERR When using")
        );
        assert_eq!(
            shell.run("MIGRATE h 1 none 0 10 nosuch"),
            "-ERR syntax error|"
        );
    }
}
