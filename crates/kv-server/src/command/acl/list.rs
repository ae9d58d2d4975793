//! `ACL LIST | USERS | WHOAMI | CAT | GENPASS`: what there is.

use super::{ACL_FLAGS, OPEN_FLAGS};
use crate::command::category::Category;
use crate::command::prelude::*;
use crate::command::table;
use crate::engine::ServerCx;
use crate::session::SessionCx;

pub(super) const LIST: CommandSpec = CommandSpec {
    name: "ACL|LIST",
    group: Group::Server,
    summary: "Returns a line for each user, with all that it may do.",
    syntax: "ACL LIST",
    complexity: "O(N) where N is the number of users",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Server(list),
};

pub(super) const USERS: CommandSpec = CommandSpec {
    name: "ACL|USERS",
    group: Group::Server,
    summary: "Returns the names of all users.",
    syntax: "ACL USERS",
    complexity: "O(N) where N is the number of users",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Server(users),
};

pub(super) const WHOAMI: CommandSpec = CommandSpec {
    name: "ACL|WHOAMI",
    group: Group::Server,
    summary: "Returns the name of the user whose connection this is.",
    syntax: "ACL WHOAMI",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: OPEN_FLAGS,
    run: Run::Session(whoami),
};

pub(super) const CAT: CommandSpec = CommandSpec {
    name: "ACL|CAT",
    group: Group::Server,
    summary: "Returns the categories of commands, or the commands of one.",
    syntax: "ACL CAT [category]",
    complexity: "O(N) where N is the number of commands",
    since: "0.2.0",
    compat: Compat::Differs("The commands are those of this server."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: OPEN_FLAGS,
    run: Run::Pure(cat),
};

pub(super) const GENPASS: CommandSpec = CommandSpec {
    name: "ACL|GENPASS",
    group: Group::Server,
    summary: "Returns a password that nobody can guess, in hexadecimal digits.",
    syntax: "ACL GENPASS [bits]",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: OPEN_FLAGS,
    run: Run::Pure(genpass),
};

fn list(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let users = cx.server.acl.all();
    reply.array(users.len());
    users.iter().for_each(|user| reply.bulk(&user.line()));
    Ok(())
}

fn users(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let users = cx.server.acl.all();
    reply.array(users.len());
    users.iter().for_each(|user| reply.bulk(&user.name));
    Ok(())
}

fn whoami(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    match cx.state.login.user(&cx.server.acl) {
        Some(user) => reply.bulk(&user.name),
        None => reply.null(),
    }
    Ok(())
}

fn cat(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.peek().is_none() {
        reply.array(Category::ALL.len());
        for category in Category::ALL {
            reply.bulk(category.name().as_bytes());
        }
        return Ok(());
    }
    let name = args.bytes()?;
    args.finish()?;
    let mut all = Category::ALL.into_iter();
    let category = all
        .find(|category| name.eq_ignore_ascii_case(category.name().as_bytes()))
        .ok_or_else(|| {
            let name = name.escape_ascii();
            CommandError::err(format!("Unknown category '{name}'"))
        })?;
    let commands =
        table::commands().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands()));
    let names: Vec<String> = commands
        .filter(|spec| category.holds(spec))
        .map(|spec| spec.name.to_ascii_lowercase())
        .collect();
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name.as_bytes()));
    Ok(())
}

/// Most bits of a password.
const BITS_MAX: i64 = 4096;

fn genpass(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let bits = match args.peek() {
        Some(_) => args.int()?,
        None => 256,
    };
    args.finish()?;
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(CommandError::err(
            "ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        ));
    }
    let digits = usize::try_from(bits).unwrap_or(0).div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    fill(&mut bytes)?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    reply.bulk(text.as_bytes());
    Ok(())
}

/// Fills `bytes` with what the operating system keeps for secrets.
fn fill(bytes: &mut [u8]) -> Outcome {
    let mut filled = 0;
    while filled < bytes.len() {
        let flags = rustix::rand::GetRandomFlags::empty();
        let more = rustix::rand::getrandom(&mut bytes[filled..], flags)
            .map_err(|_| CommandError::err("the operating system has no random numbers"))?;
        filled += more;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn passwords_have_as_many_digits_as_was_asked() {
        let shell = Shell::new();
        for (request, digits) in [("ACL GENPASS", 64), ("ACL GENPASS 5", 2)] {
            let reply = shell.run(request);
            assert!(reply.starts_with(&format!("${digits}|")), "{reply}");
        }
        assert_ne!(shell.run("ACL GENPASS"), shell.run("ACL GENPASS"));
        assert!(shell.run("ACL GENPASS 0").starts_with("-ERR ACL GENPASS"));
        assert!(shell.run("ACL CAT scripting").contains("|eval|"));
    }
}
