//! `COMMAND INFO [command-name ...]`: describes commands to programs.

use super::container::FLAGS;
use super::key_flags;
use crate::command::category::Category;
use crate::command::key_spec::Last;
use crate::command::prelude::*;
use crate::command::table;

pub(super) const INFO: CommandSpec = CommandSpec {
    name: "COMMAND|INFO",
    group: Group::Server,
    summary: "Describes the named commands, or every command.",
    syntax: "COMMAND INFO [command-name ...]",
    complexity: "O(N) in the number of commands described",
    since: "0.1.0",
    compat: Compat::Differs("Hints for proxies are not given."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Pure(info),
};

fn info(args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let names = args.rest();
    if names.len() == 0 {
        return all(args, reply);
    }
    reply.array(names.len());
    for name in names {
        match table::find_by_name(name) {
            Some(spec) => describe(spec, reply),
            None => reply.null(),
        }
    }
    Ok(())
}

/// Describes every command.
pub(super) fn all(_args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.array(table::commands().count());
    for spec in table::commands() {
        describe(spec, reply);
    }
    Ok(())
}

fn describe(spec: &CommandSpec, reply: &mut Reply<'_>) {
    reply.array(10);
    reply.bulk(spec.name.to_ascii_lowercase().as_bytes());
    reply.int(arity(spec.arity));
    words(&flags(spec), reply);
    for place in places(&spec.keys) {
        reply.int(place);
    }
    let categories: Vec<_> = Category::of(spec)
        .map(|category| format!("@{}", category.name()))
        .collect();
    words(&categories, reply);
    words::<&str>(&[], reply);
    key_specs(spec, reply);
    reply.array(spec.subcommands().len());
    for subcommand in spec.subcommands() {
        describe(subcommand, reply);
    }
}

fn words<W: AsRef<str>>(words: &[W], reply: &mut Reply<'_>) {
    reply.set(words.len());
    for word in words {
        reply.simple(word.as_ref());
    }
}

/// The number of words; negative where more may follow.
fn arity(arity: Arity) -> i64 {
    let least = arity.least() as i64;
    if arity.is_open() { -least } else { least }
}

/// Redis' words for what holds of `spec`, in Redis' order.
fn flags(spec: &CommandSpec) -> Vec<&'static str> {
    let has = |flag| spec.flags.contains(flag);
    let all = [
        ("write", spec.is_write() && !spec.is_waiting_read()),
        ("readonly", spec.is_read() || spec.is_waiting_read()),
        ("denyoom", spec.may_grow()),
        ("admin", has(Flags::ADMIN)),
        ("pubsub", has(Flags::PUBSUB)),
        ("noscript", has(Flags::NO_SCRIPT)),
        ("blocking", matches!(spec.run, Run::Block(_))),
        ("loading", has(Flags::LOADING)),
        ("stale", has(Flags::STALE)),
        ("fast", has(Flags::FAST)),
        ("no_auth", has(Flags::NO_AUTH)),
        ("no_multi", has(Flags::NO_MULTI)),
        ("allow_busy", has(Flags::ALLOW_BUSY)),
        ("skip_monitor", spec.is_script()),
        ("no_mandatory_keys", spec.is_script()),
        ("movablekeys", has_movable(&spec.keys)),
    ];
    all.into_iter()
        .filter_map(|(word, holds)| holds.then_some(word))
        .collect()
}

/// First key, last key (counted from the end where negative) and step; zeros where no fixed place says it.
fn places(keys: &Keys) -> [i64; 3] {
    match *keys {
        Keys::None
        | Keys::Counted { .. }
        | Keys::Behind { .. }
        | Keys::HalfBehind { .. }
        | Keys::Found { .. }
        | Keys::Hidden { .. } => [0, 0, 0],
        Keys::Each(parts) => {
            let places = parts.iter().map(places);
            let joined = places.reduce(|one, next| match next {
                [0, ..] => one,
                [_, last, _] => [one[0], last, 1],
            });
            joined.unwrap_or_default()
        }
        Keys::Range {
            first, last, step, ..
        } => {
            let last = match last {
                Last::Word(last) => last as i64,
                Last::End => -1,
                Last::BeforeEnd => -2,
            };
            [first as i64, last, step as i64]
        }
    }
}

/// Whether other words say where the keys are, at least some of them.
fn has_movable(keys: &Keys) -> bool {
    let is_fixed = |part: &Keys| matches!(part, Keys::Range { .. });
    !keys.parts().iter().all(is_fixed)
}

/// The same as Redis 7 puts it: what is done to the keys, where they begin, how they are found from there.
fn key_specs(spec: &CommandSpec, reply: &mut Reply<'_>) {
    let parts = spec.keys.parts();
    let count = |part: &Keys| match part {
        Keys::Behind { words, .. } => words.len(),
        _ => 1,
    };
    reply.set(parts.iter().map(count).sum());
    for part in parts {
        match *part {
            Keys::Behind { words, from, .. } => {
                words
                    .iter()
                    .for_each(|word| key_behind(part, word, (from, 0, 0), reply));
            }
            Keys::HalfBehind { word, from, .. } => key_behind(part, word, (from, -1, 2), reply),
            _ => key_spec(part, reply),
        }
    }
}

/// Of keys behind words: what is told of those behind `word`; how far they reach is the last one and the limit.
fn key_behind(
    part: &Keys,
    word: &str,
    (from, last, limit): (usize, i64, i64),
    reply: &mut Reply<'_>,
) {
    reply.map(3);
    reply.bulk(b"flags");
    words(&key_flags::words(part.access()), reply);
    reply.bulk(b"begin_search");
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(b"keyword");
    reply.bulk(b"spec");
    reply.map(2);
    reply.bulk(b"keyword");
    reply.bulk(word.as_bytes());
    reply.bulk(b"startfrom");
    reply.int(from as i64);
    reply.bulk(b"find_keys");
    search(
        "range",
        &[("lastkey", last), ("keystep", 1), ("limit", limit)],
        reply,
    );
}

fn key_spec(part: &Keys, reply: &mut Reply<'_>) {
    let (first, find): (usize, KeySearch) = match *part {
        Keys::None | Keys::Each(_) | Keys::Behind { .. } | Keys::HalfBehind { .. } => return,
        Keys::Found { .. } | Keys::Hidden { .. } => {
            reply.map(3);
            reply.bulk(b"flags");
            words(&key_flags::words(part.access()), reply);
            reply.bulk(b"begin_search");
            search("unknown", &[], reply);
            reply.bulk(b"find_keys");
            search("unknown", &[], reply);
            return;
        }
        Keys::Range {
            first, last, step, ..
        } => {
            let last = match last {
                Last::Word(last) => (last - first) as i64,
                Last::End => -1,
                Last::BeforeEnd => -2,
            };
            let fields = [("lastkey", last), ("keystep", step as i64), ("limit", 0)];
            (first, ("range", fields))
        }
        Keys::Counted { count_at, step, .. } => {
            let fields = [("keynumidx", 0), ("firstkey", 1), ("keystep", step as i64)];
            (count_at, ("keynum", fields))
        }
    };
    reply.map(3);
    reply.bulk(b"flags");
    words(&key_flags::words(part.access()), reply);
    reply.bulk(b"begin_search");
    search("index", &[("index", first as i64)], reply);
    reply.bulk(b"find_keys");
    search(find.0, &find.1, reply);
}

/// The name of a way to find keys, and its numbers.
type KeySearch = (&'static str, [(&'static str, i64); 3]);

fn search(kind: &str, fields: &[(&str, i64)], reply: &mut Reply<'_>) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(fields.len());
    for (name, number) in fields {
        reply.bulk(name.as_bytes());
        reply.int(*number);
    }
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn describes_a_command_in_resp3_as_redis_does() {
        let shell = Shell::in_format(Format::Resp3);
        assert_eq!(
            shell.run("COMMAND INFO mset nosuch"),
            "*2|*10|$4|mset|:-3|~2|+write|+denyoom|:1|:-1|:2|~3|+@write|+@string|+@slow|~0|~1|%3|\
             $5|flags|~2|+OW|+update|$12|begin_search|%2|$4|type|$5|index|$4|spec|%1|$5|index|:1|\
             $9|find_keys|%2|$4|type|$5|range|$4|spec|%3|$7|lastkey|:-1|$7|keystep|:2|$5|limit|:0|\
             *0|_|"
        );
    }

    #[test]
    fn describes_a_subcommand_in_resp2() {
        assert_eq!(
            Shell::new().run("COMMAND INFO Command|Count"),
            "*1|*10|$13|command|count|:2|*2|+loading|+stale|:0|:0|:0|*2|+@slow|+@connection|*0|*0|*0|"
        );
    }

    #[test]
    fn without_names_everything_is_described() {
        let shell = Shell::new();
        assert_eq!(shell.run("COMMAND"), shell.run("COMMAND INFO"));
        assert!(shell.run("COMMAND").contains("|*10|$3|get|:2|"));
    }
}
