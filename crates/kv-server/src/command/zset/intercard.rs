//! `ZINTERCARD numkeys key [key ...] [LIMIT limit]`: how much several sorted sets have in common.

use super::algebra::{Aggregate, intersection};
use super::combine::sources;
use crate::command::prelude::*;

pub(super) const ZINTERCARD: CommandSpec = CommandSpec {
    name: "ZINTERCARD",
    group: Group::SortedSet,
    summary: "Returns how many members several sorted sets have in common, or that there are at least so many.",
    syntax: "ZINTERCARD numkeys key [key ...] [LIMIT limit]",
    complexity: "O(N*M) in the size of the smallest sorted set and the number of sorted sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::Counted {
        count_at: 1,
        step: 1,
        access: Access::READ,
    },
    flags: Flags::NONE,
    run: Run::Read(zintercard),
};

fn zintercard(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let sources = sources(view, &mut args)?;
    let mut limit = 0;
    while args.len() > 0 {
        if args.len() == 1 || !args.eat(b"LIMIT") {
            return Err(CommandError::SYNTAX);
        }
        limit = args.at_least(0, "LIMIT can't be negative")?;
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let common = intersection(Aggregate::Sum, &sources);
    reply.int(common.take(limit).count() as i64);
    Ok(())
}
