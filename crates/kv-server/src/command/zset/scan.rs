//! `ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]`: all members, some at a time.

use crate::command::prelude::*;
use crate::command::scan_options::{self, ScanOptions};

pub(super) const ZSCAN: CommandSpec = CommandSpec {
    name: "ZSCAN",
    group: Group::SortedSet,
    summary: "Returns some of the members of a sorted set and their scores, and where to go on.",
    syntax: "ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
    complexity: "O(N) in the count; O(N) in the number of members for all calls together",
    since: "0.1.0",
    compat: Compat::Differs("NOSCORES is Valkey's; Redis has no such option."),
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(zscan),
};

/// The options are read only where there is a sorted set, as in Redis.
fn zscan(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let cursor = scan_options::cursor(&mut args)?;
    let Some(zset) = view.zset(key)? else {
        scan_options::empty(reply);
        return Ok(());
    };
    let options = ScanOptions::parse(args)?;
    let mut shown = Vec::new();
    let next = zset.scan(cursor, options.count, |member, score| {
        if options.shows(member) {
            shown.push((member, score));
        }
    });
    let each = if options.names_only { 1 } else { 2 };
    scan_options::head(next, shown.len() * each, reply);
    for (member, score) in shown {
        reply.bulk(member);
        if !options.names_only {
            reply.bulk_double(score);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn all_members_are_shown_in_some_calls() {
        let shell = Shell::new();
        for member in 100..400 {
            shell.run(&format!("ZADD z {} {member}", member % 9));
        }
        let mut cursor = String::from("0");
        let mut shown = Vec::new();
        loop {
            let reply = shell.run(&format!("ZSCAN z {cursor} COUNT 7 NOSCORES"));
            let words: Vec<&str> = reply.split('|').collect();
            cursor = words[2].to_owned();
            let members = words[3..]
                .iter()
                .filter_map(|word| word.parse::<u32>().ok());
            shown.extend(members.filter(|member| *member >= 100));
            if cursor == "0" {
                break;
            }
        }
        shown.sort_unstable();
        assert!(shown.into_iter().eq(100..400));
    }
}
