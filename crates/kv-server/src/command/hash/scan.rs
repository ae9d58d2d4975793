//! `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`: all fields, some at a time.

use crate::command::prelude::*;
use crate::command::scan_options::{self, ScanOptions};

pub(super) const HSCAN: CommandSpec = CommandSpec {
    name: "HSCAN",
    group: Group::Hash,
    summary: "Returns some of the fields of a hash with their values, and where to go on.",
    syntax: "HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    complexity: "O(N) in the count; O(N) in the number of fields for all calls together",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(hscan),
};

/// The options are read only where there is a hash, as in Redis.
fn hscan(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let cursor = scan_options::cursor(&mut args)?;
    let Some(hash) = view.hash(key)? else {
        scan_options::empty(reply);
        return Ok(());
    };
    let options = ScanOptions::parse(args)?;
    let mut shown = Vec::new();
    let next = hash.scan(cursor, options.count, |field, value| {
        if options.shows(field) {
            shown.push((field, value));
        }
    });
    let each = if options.names_only { 1 } else { 2 };
    scan_options::head(next, shown.len() * each, reply);
    for (field, value) in shown {
        reply.bulk(field);
        if !options.names_only {
            reply.bulk(value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn fields_with_and_without_values() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        assert_eq!(shell.run("HSCAN h 0"), "*2|$1|0|*4|$1|a|$1|1|$1|b|$1|2|");
        assert_eq!(shell.run("HSCAN h 0 NOVALUES MATCH b"), "*2|$1|0|*1|$1|b|");
        assert_eq!(shell.run("HSCAN none 0 FOO"), "*2|$1|0|*0|");
    }
}
