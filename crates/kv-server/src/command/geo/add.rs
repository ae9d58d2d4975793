//! `GEOADD key [NX | XX] [CH] longitude latitude member [...]`: keeps places.

use smallvec::SmallVec;

use super::cell;
use super::position::Position;
use crate::command::prelude::*;
use crate::command::zset::{Addition, Condition};

pub(super) const GEOADD: CommandSpec = CommandSpec {
    name: "GEOADD",
    group: Group::Geo,
    summary: "Puts members of a sorted set at places on earth and returns how many are new; a missing key counts \
              as an empty sorted set.",
    syntax: "GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    complexity: "O(M*log(N)) in the number of members given and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::NONE,
    run: Run::Write(geoadd),
};

fn geoadd(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let mut condition = Condition::default();
    let mut counts_changes = false;
    loop {
        if args.eat(b"NX") {
            condition.only_new = true;
        } else if args.eat(b"XX") {
            condition.only_old = true;
        } else if args.eat(b"CH") {
            counts_changes = true;
        } else {
            break;
        }
    }
    let both = condition.only_new && condition.only_old;
    if both || args.len() == 0 || !args.len().is_multiple_of(3) {
        return Err(CommandError::SYNTAX);
    }
    let mut members = SmallVec::with_capacity(args.len() / 3);
    while args.len() > 0 {
        members.push((cell::score(Position::eat(&mut args)?), args.bytes()?));
    }
    let addition = Addition {
        condition,
        increments: false,
        members,
    };
    let outcome = addition.run(txn, key)?;
    let changed = if counts_changes { outcome.changed } else { 0 };
    reply.int((outcome.added + changed) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_place_is_a_score() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"),
            ":2|"
        );
        assert_eq!(shell.run("ZSCORE g Palermo"), "$16|3479099956230698|");
        assert_eq!(shell.run("GEOADD g XX CH 15 37 Catania 15 37 x"), ":1|");
        assert_eq!(
            shell.run("GEOADD g 181 85.1 x"),
            "-ERR invalid longitude,latitude pair 181.000000,85.100000|"
        );
    }
}
