//! `INCRBYFLOAT key increment`: counts in fractions.

use kv_core::{StringRef, StringValue};

use super::decimal::{Decimal, NotDecimal};
use crate::command::expire_time;
use crate::command::prelude::*;

pub(super) const INCRBYFLOAT: CommandSpec = CommandSpec {
    name: "INCRBYFLOAT",
    group: Group::String,
    summary: "Adds a decimal number to the one at a key; a missing key counts as 0.",
    syntax: "INCRBYFLOAT key increment",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "Sums are exact decimals with 17 places behind the point; Redis adds binary numbers of 80 bits, whose \
         rounding can show. Numbers from 1.7e21 on and hexadecimal ones are refused.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST,
    run: Run::Write(incrbyfloat),
};

fn incrbyfloat(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let increment = args.bytes()?;
    args.finish()?;
    let before = txn.string(key)?.map_or(Ok(Decimal::ZERO), decimal)?;
    let after = before
        .checked_add(Decimal::parse(increment)?)
        .ok_or(CommandError::NOT_FINITE)?
        .to_string();
    let expires = expire_time::current(txn, key);
    txn.set_string(key, StringValue::new(after.as_bytes()), expires);
    txn.announce(key, event::INCRBYFLOAT);
    reply.bulk(after.as_bytes());
    Ok(())
}

fn decimal(string: StringRef<'_>) -> Result<Decimal, NotDecimal> {
    match string {
        StringRef::Int(number) => Ok(Decimal::from_int(number)),
        StringRef::Bytes(bytes) => Decimal::parse(bytes),
        StringRef::Shared(bytes) => Decimal::parse(bytes),
    }
}

impl From<NotDecimal> for CommandError {
    fn from(why: NotDecimal) -> Self {
        match why {
            NotDecimal::Infinite => Self::NOT_FINITE,
            NotDecimal::Invalid => Self::NOT_A_FLOAT,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn sums_are_exact_and_stored_as_shown() {
        let shell = Shell::new();
        assert_eq!(shell.run("INCRBYFLOAT n 0.1"), "$3|0.1|");
        assert_eq!(shell.run("INCRBYFLOAT n 0.2"), "$3|0.3|");
        assert_eq!(shell.run("GET n"), "$3|0.3|");
        assert_eq!(shell.run("INCRBYFLOAT n 9.7"), "$2|10|");
        assert_eq!(shell.run("INCR n"), ":11|");
        assert_eq!(shell.run("INCRBYFLOAT n -1.1e1"), "$1|0|");
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let shell = Shell::new();
        shell.run("SET n 1");
        let invalid = "-ERR value is not a valid float|";
        let infinite = "-ERR increment would produce NaN or Infinity|";
        assert_eq!(shell.run("INCRBYFLOAT n abc"), invalid);
        assert_eq!(shell.run("INCRBYFLOAT n -inf"), infinite);
        shell.run("SET m 1.7e21");
        assert_eq!(shell.run("INCRBYFLOAT m 1.7e21"), infinite);
        shell.run("SET s abc");
        assert_eq!(shell.run("INCRBYFLOAT s 1"), invalid);
        assert_eq!(shell.run("MGET n m s"), "*3|$1|1|$6|1.7e21|$3|abc|");
    }

    #[test]
    fn counting_keeps_the_expiry() {
        let shell = Shell::new();
        shell.run("SET n 1 PX 1000");
        shell.run("INCRBYFLOAT n 0.5");
        assert_eq!(shell.run("PTTL n"), ":1000|");
    }
}
