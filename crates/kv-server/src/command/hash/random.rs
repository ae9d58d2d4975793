//! `HRANDFIELD key [count [WITHVALUES]]`: fields by chance.

use kv_proto::Format;

use crate::command::prelude::*;
use crate::command::sample::Sample;

pub(super) const HRANDFIELD: CommandSpec = CommandSpec {
    name: "HRANDFIELD",
    group: Group::Hash,
    summary: "Returns fields of a hash that are chosen by chance; so many, some perhaps more than once, if the \
              count is negative.",
    syntax: "HRANDFIELD key [count [WITHVALUES]]",
    complexity: "O(N) in the number of fields returned",
    since: "0.1.0",
    compat: Compat::Differs("A count below -2147483648 is out of range."),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(hrandfield),
};

/// With values, counts have one bit less.
const WITH_VALUES: std::ops::RangeInclusive<i64> = -(i64::MAX / 2)..=i64::MAX / 2;

fn hrandfield(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() == 0 {
        return one(view, key, reply);
    }
    let count = args.signed()?;
    let values = args.eat(b"WITHVALUES");
    args.finish()?;
    if values && !WITH_VALUES.contains(&count) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    let mut random = view.random();
    let Some(hash) = view.hash(key)? else {
        reply.array(0);
        return Ok(());
    };
    let drawn = Sample::of(count).draw(hash.len(), &mut random)?;
    let pairs = values && reply.format() == Format::Resp3;
    reply.array(drawn.len() * if values && !pairs { 2 } else { 1 });
    for (field, value) in drawn.filter_map(|index| hash.at(index)) {
        if pairs {
            reply.array(2);
        }
        reply.bulk(field);
        if values {
            reply.bulk(value);
        }
        if reply.buffer().is_over_limit() {
            break;
        }
    }
    Ok(())
}

fn one(view: &mut View<'_>, key: &[u8], reply: &mut Reply<'_>) -> Outcome {
    let mut random = view.random();
    let hash = view.hash(key)?;
    match hash.and_then(|hash| hash.at(random.below(hash.len()))) {
        Some((field, _)) => reply.bulk(field),
        None => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn fields_and_perhaps_their_values() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 1 c 1");
        assert!(shell.run("HRANDFIELD h").starts_with("$1|"));
        assert!(shell.run("HRANDFIELD h 2").starts_with("*2|"));
        assert_eq!(
            shell.run("HRANDFIELD h 9 withvalues"),
            "*6|$1|a|$1|1|$1|b|$1|1|$1|c|$1|1|"
        );
        assert!(shell.run("HRANDFIELD h -9 WITHVALUES").starts_with("*18|"));
        assert_eq!(shell.run("HRANDFIELD none -9"), "*0|");
        for count in ["-4611686018427387904", "4611686018427387904"] {
            assert_eq!(
                shell.run(&format!("HRANDFIELD h {count} WITHVALUES")),
                "-ERR value is out of range|"
            );
        }
    }

    #[test]
    fn a_field_whose_time_has_come_is_never_chosen() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        shell.run("HPEXPIRE h 10 FIELDS 1 a");
        shell.advance(10);
        assert_eq!(shell.run("HRANDFIELD h -2"), "*2|$1|b|$1|b|");
        assert_eq!(shell.run("HRANDFIELD h 5"), "*1|$1|b|");
        shell.run("HPEXPIRE h 10 FIELDS 1 b");
        shell.advance(10);
        for (line, reply) in [
            ("HRANDFIELD h -2", "*0|"),
            ("HRANDFIELD h", "$-1|"),
            ("HGETALL h", "*0|"),
            ("HSCAN h 0", "*2|$1|0|*0|"),
            ("EXISTS h", ":0|"),
            ("TYPE h", "+none|"),
            ("HSETEX h XX FIELDS 1 a 1", ":0|"),
        ] {
            assert_eq!(shell.run(line), reply, "{line}");
        }
    }
}
