//! `HINCRBYFLOAT key field increment`: counts in a field, in fractions.

use crate::command::prelude::*;
use crate::command::string::decimal::{Decimal, NotDecimal};

pub(super) const HINCRBYFLOAT: CommandSpec = CommandSpec {
    name: "HINCRBYFLOAT",
    group: Group::Hash,
    summary: "Adds a decimal number to the one that is the value of a field; a missing field counts as 0.",
    syntax: "HINCRBYFLOAT key field increment",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "Sums are exact decimals with 17 places behind the point; Redis adds binary numbers of 80 bits, whose \
         rounding can show. Numbers from 1.7e21 on and hexadecimal ones are refused.",
    ),
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST,
    run: Run::Write(hincrbyfloat),
};

fn hincrbyfloat(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, field) = (args.key()?, args.bytes()?);
    let increment = Decimal::parse(args.bytes()?).map_err(|why| match why {
        NotDecimal::Infinite => CommandError::err("value is NaN or Infinity"),
        NotDecimal::Invalid => CommandError::NOT_A_FLOAT,
    })?;
    args.finish()?;
    let value = txn.hash(key)?.and_then(|hash| hash.get(field));
    let before = match value.map(Decimal::parse) {
        None => Decimal::ZERO,
        Some(Ok(number)) => number,
        Some(Err(_)) => return Err(CommandError::err("hash value is not a float")),
    };
    let after = before
        .checked_add(increment)
        .ok_or(CommandError::NOT_FINITE)?
        .to_string();
    txn.hash_set_keeping_expiry(key, &[field, after.as_bytes()])?;
    txn.announce(key, event::HINCRBYFLOAT);
    reply.bulk(after.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn sums_are_exact_and_stored_as_shown() {
        let shell = Shell::new();
        assert_eq!(shell.run("HINCRBYFLOAT h n 0.1"), "$3|0.1|");
        assert_eq!(shell.run("HINCRBYFLOAT h n 0.2"), "$3|0.3|");
        assert_eq!(shell.run("HGET h n"), "$3|0.3|");
        assert_eq!(shell.run("HINCRBYFLOAT h n 4.7"), "$1|5|");
        assert_eq!(shell.run("HINCRBY h n 1"), ":6|");
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let shell = Shell::new();
        shell.run("HSET h s abc");
        assert_eq!(
            shell.run("HINCRBYFLOAT h n x"),
            "-ERR value is not a valid float|"
        );
        assert_eq!(
            shell.run("HINCRBYFLOAT h n -inf"),
            "-ERR value is NaN or Infinity|"
        );
        assert_eq!(
            shell.run("HINCRBYFLOAT h s 1"),
            "-ERR hash value is not a float|"
        );
        assert_eq!(shell.run("HLEN h"), ":1|");
    }
}
