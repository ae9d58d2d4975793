//! What must hold of every command in the table.

use std::path::Path;

use super::key_spec::{Access, Keys, Last};
use super::spec::{CommandSpec, Compat, Flags, Group, Run};
use super::table::{TABLE, commands};
use super::testing::with_request;

/// Every command and every subcommand.
fn all() -> impl Iterator<Item = &'static CommandSpec> {
    commands().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands()))
}

fn assert_sorted(specs: &[CommandSpec]) {
    for pair in specs.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} comes first", pair[1].name);
    }
}

#[test]
fn lists_are_sorted_and_names_unique() {
    TABLE.iter().for_each(|group| assert_sorted(group));
    all().for_each(|spec| assert_sorted(spec.subcommands()));
    let mut names: Vec<_> = all().map(|spec| spec.name).collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn names_are_upper_case_and_tell_the_container() {
    for spec in all() {
        let fits =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_|".contains(&byte);
        assert!(spec.name.bytes().all(fits), "{}", spec.name);
        for subcommand in spec.subcommands() {
            let expected = format!("{}|", spec.name);
            assert!(
                subcommand.name.starts_with(&expected),
                "{}",
                subcommand.name
            );
            assert!(subcommand.subcommands().is_empty(), "{}", subcommand.name);
            assert_eq!(subcommand.group, spec.group, "{}", subcommand.name);
        }
    }
    for spec in commands() {
        assert!(!spec.name.contains('|'), "{}", spec.name);
    }
}

#[test]
fn arity_reaches_the_keys() {
    for spec in all() {
        let least = spec.arity.least();
        assert!(least >= spec.name_words(), "{}", spec.name);
        for part in spec.keys.parts() {
            arity_reaches(spec, part);
        }
        // The shortest request that passes the gate has a key where the command has keys.
        let words = vec![b"1".as_slice(); least];
        let found = with_request(&words, |request| spec.keys.of(request).len());
        // Where keys stand behind a word, that word is not there.
        let has_none =
            matches!(spec.keys, Keys::None | Keys::HalfBehind { .. }) || spec.is_script();
        assert_eq!(found == 0, has_none, "{}", spec.name);
    }
}

fn arity_reaches(spec: &CommandSpec, keys: &Keys) {
    let least = spec.arity.least();
    match *keys {
        Keys::None | Keys::Each(_) => panic!("{}: no keys are no part", spec.name),
        Keys::Found { .. } | Keys::Hidden { .. } => {
            assert!(spec.arity.is_open(), "{}", spec.name);
        }
        Keys::Range { first, last, .. } => {
            let last = match last {
                Last::Word(last) => last,
                Last::End | Last::BeforeEnd => first,
            };
            assert!(spec.name_words() <= first && first <= last, "{}", spec.name);
            // Keys of a further kind may be missing.
            let further = matches!(spec.keys, Keys::Each(_)) && spec.arity.is_open();
            assert!(last < least + usize::from(further), "{}", spec.name);
            assert!(last == first || spec.arity.is_open(), "{}", spec.name);
        }
        Keys::HalfBehind { from, .. } => {
            assert!(from < least && spec.arity.is_open(), "{}", spec.name);
        }
        Keys::Behind { from, .. } => {
            assert!(least <= from && spec.arity.is_open(), "{}", spec.name);
        }
        Keys::Counted { count_at, step, .. } => {
            assert!(spec.name_words() <= count_at, "{}", spec.name);
            // A script may have no key.
            let keys_min = if spec.is_script() { 0 } else { step };
            assert!(count_at + keys_min < least, "{}", spec.name);
            assert!(spec.arity.is_open(), "{}", spec.name);
        }
    }
}

#[test]
fn what_happens_to_keys_agrees_with_what_runs() {
    for spec in all() {
        let access = spec.keys.access();
        match spec.run {
            Run::Read(_) => {
                assert!(
                    !access.changes() && !access.contains(Access::BLIND),
                    "{}",
                    spec.name
                );
                assert!(!spec.flags.contains(Flags::NEVER_GROWS), "{}", spec.name);
            }
            Run::Block(_) if spec.is_waiting_read() => {}
            Run::Write(_) | Run::Block(_) => {
                let whole = spec.flags.contains(Flags::WHOLE_KEYSPACE);
                assert!(whole != access.changes(), "{}", spec.name);
            }
            Run::Script { changes, .. } => assert!(changes == access.changes(), "{}", spec.name),
            Run::Session(_) => assert!(!access.changes(), "{}", spec.name),
            Run::Pure(_)
            | Run::Exec(_)
            | Run::Server(_)
            | Run::Library { .. }
            | Run::Group { .. } => {
                assert!(matches!(spec.keys, Keys::None), "{}", spec.name);
            }
        }
    }
}

#[test]
fn what_only_deletes_never_grows() {
    for spec in all() {
        let access = spec.keys.access();
        if access.changes() && !access.contains(Access::UPDATE) && !access.contains(Access::INSERT)
        {
            assert!(!spec.may_grow(), "{}", spec.name);
        }
    }
}

#[test]
fn summaries_and_differences_are_sentences() {
    let is_sentence = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '`')
            && text.ends_with('.')
            && !text.contains("  ")
            && !text.contains('\n')
    };
    for spec in all() {
        assert!(is_sentence(spec.summary), "{}: {}", spec.name, spec.summary);
        if let Compat::Differs(how) = spec.compat {
            assert!(is_sentence(how), "{}: {how}", spec.name);
        }
        assert!(!spec.complexity.is_empty(), "{}", spec.name);
        let parts: Vec<_> = spec.since.split('.').collect();
        assert!(
            parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()),
            "{}",
            spec.name
        );
    }
}

#[test]
fn every_command_has_a_script() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let missing: Vec<_> = all()
        .map(|spec| {
            let folder = match spec.group {
                Group::String => "string",
                Group::List => "list",
                Group::Set => "set",
                Group::SortedSet => "zset",
                Group::Hash => "hash",
                Group::Stream => "stream",
                Group::Bitmap => "bitmap",
                Group::HyperLogLog => "hyperloglog",
                Group::Geo => "geo",
                Group::Keys => "keys",
                Group::PubSub => "pubsub",
                Group::Transactions => "transactions",
                Group::Scripting => "scripting",
                Group::Connection => "connection",
                Group::Server => "admin",
            };
            let name = spec.name.to_ascii_lowercase().replace(['|', '-'], "_");
            format!("{folder}/{name}.kvt")
        })
        .filter(|script| !scripts.join(script).is_file())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
