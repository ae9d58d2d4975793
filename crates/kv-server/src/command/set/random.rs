//! `SPOP key [count]`, `SRANDMEMBER key [count]`: members by chance.

use crate::command::prelude::*;
use crate::command::sample::Sample;

pub(super) const SPOP: CommandSpec = CommandSpec {
    name: "SPOP",
    group: Group::Set,
    summary: "Removes and returns members of a set that are chosen by chance.",
    syntax: "SPOP key [count]",
    complexity: "O(N) in the number of members returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(spop),
};

pub(super) const SRANDMEMBER: CommandSpec = CommandSpec {
    name: "SRANDMEMBER",
    group: Group::Set,
    summary: "Returns members of a set that are chosen by chance; so many, some perhaps more than once, if the \
              count is negative.",
    syntax: "SRANDMEMBER key [count]",
    complexity: "O(N) in the number of members returned",
    since: "0.1.0",
    compat: Compat::Differs("A count below -2147483648 is out of range."),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(srandmember),
};

fn spop(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() == 0 {
        return pop_one(txn, key, reply);
    }
    if args.len() > 1 {
        return Err(CommandError::SYNTAX);
    }
    let count = args.amount()?;
    let mut random = txn.random();
    let Some(set) = txn.set(key)? else {
        reply.set(0);
        return Ok(());
    };
    let all = count >= set.len();
    let drawn = Sample::Distinct(count).draw(set.len(), &mut random)?;
    reply.set(drawn.len());
    // What is popped is copied: it is needed to say what goes.
    let mut popped: Vec<Box<[u8]>> = Vec::new();
    for member in drawn.filter_map(|index| set.at(index)) {
        reply.bulk(member);
        if !all {
            popped.push(member.into());
        }
    }
    if all {
        txn.delete(key);
    } else {
        let popped: Vec<&[u8]> = popped.iter().map(|member| &**member).collect();
        txn.set_remove(key, &popped)?;
    }
    if count > 0 {
        event::announce_removal(txn, key, event::SPOP);
    }
    Ok(())
}

fn pop_one(txn: &mut Txn<'_>, key: &[u8], reply: &mut Reply<'_>) -> Outcome {
    let mut random = txn.random();
    let set = txn.set(key)?;
    let Some(member) = set.and_then(|set| set.at(random.below(set.len()))) else {
        reply.null();
        return Ok(());
    };
    let member: Box<[u8]> = member.into();
    txn.set_remove(key, &[&member])?;
    event::announce_removal(txn, key, event::SPOP);
    reply.bulk(&member);
    Ok(())
}

fn srandmember(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() > 1 {
        return Err(CommandError::SYNTAX);
    }
    let sample = match args.len() {
        0 => None,
        _ => Some(Sample::eat(&mut args)?),
    };
    let mut random = view.random();
    match (view.set(key)?, sample) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
        (Some(set), None) => match set.at(random.below(set.len())) {
            Some(member) => reply.bulk(member),
            None => reply.null(),
        },
        (Some(set), Some(sample)) => {
            let drawn = sample.draw(set.len(), &mut random)?;
            reply.array(drawn.len());
            for member in drawn.filter_map(|index| set.at(index)) {
                reply.bulk(member);
                if reply.buffer().is_over_limit() {
                    break;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn every_member_goes_once() {
        let shell = Shell::new();
        for member in 100..400 {
            shell.run(&format!("SADD s {member}"));
        }
        let mut popped = Vec::new();
        for count in ["", " 1", " 98", " 100", " 1000"] {
            let reply = shell.run(&format!("SPOP s{count}"));
            let members = reply.split('|').filter_map(|word| word.parse::<u32>().ok());
            popped.extend(members.filter(|member| *member >= 100));
        }
        popped.sort_unstable();
        assert!(popped.into_iter().eq(100..400));
        assert_eq!(shell.run("EXISTS s"), ":0|");
    }

    #[test]
    fn looking_takes_nothing_away() {
        let shell = Shell::new();
        shell.run("SADD s a b c");
        assert!(shell.run("SRANDMEMBER s").starts_with("$1|"));
        assert!(shell.run("SRANDMEMBER s 2").starts_with("*2|"));
        assert!(shell.run("SRANDMEMBER s 9").starts_with("*3|"));
        assert!(shell.run("SRANDMEMBER s -9").starts_with("*9|"));
        assert_eq!(
            shell.run("SRANDMEMBER s -9223372036854775807"),
            "-ERR value is out of range|"
        );
        assert_eq!(shell.run("SRANDMEMBER none -9223372036854775807"), "*0|");
        assert_eq!(shell.run("SCARD s"), ":3|");
    }
}
