//! `SSCAN key cursor [MATCH pattern] [COUNT count]`: all members, some at a time.

use crate::command::prelude::*;
use crate::command::scan_options::{self, ScanOptions};

pub(super) const SSCAN: CommandSpec = CommandSpec {
    name: "SSCAN",
    group: Group::Set,
    summary: "Returns some of the members of a set, and where to go on.",
    syntax: "SSCAN key cursor [MATCH pattern] [COUNT count]",
    complexity: "O(N) in the count; O(N) in the number of members for all calls together",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(sscan),
};

/// The options are read only where there is a set, as in Redis.
fn sscan(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let cursor = scan_options::cursor(&mut args)?;
    let Some(set) = view.set(key)? else {
        scan_options::empty(reply);
        return Ok(());
    };
    let options = ScanOptions::parse(args)?;
    let mut shown = Vec::new();
    let next = set.scan(cursor, options.count, |member| {
        if options.shows(member) {
            shown.push(member);
        }
    });
    scan_options::head(next, shown.len(), reply);
    shown.into_iter().for_each(|member| reply.bulk(member));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn all_members_are_shown_in_some_calls() {
        let shell = Shell::new();
        for member in 100..400 {
            shell.run(&format!("SADD s {member}"));
        }
        let mut cursor = String::from("0");
        let mut shown = Vec::new();
        loop {
            let reply = shell.run(&format!("SSCAN s {cursor} COUNT 7"));
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
