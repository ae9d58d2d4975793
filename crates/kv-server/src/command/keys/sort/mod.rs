//! `SORT key [option ...]`, `SORT_RO key [option ...]`: the elements of a list or set in order.
//!
//! Elements are compared by themselves, or by what other keys hold whose names are made from them; those keys are
//! known only when the elements are, so every stripe is locked then.

mod options;
mod order;
mod pattern;

use kv_core::{CollectionKind, ValueRef};
use kv_proto::RequestRef;

use self::options::Options;
use self::pattern::Pattern;
use crate::command::prelude::*;

pub(super) const SORT: CommandSpec = CommandSpec {
    name: "SORT",
    group: Group::Keys,
    summary: "Returns or stores the elements of a list, set or sorted set in order.",
    syntax: "SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] \
             [STORE destination]",
    complexity: "O(N+M*log(M)) in the number of elements N and of those returned M",
    since: "0.1.0",
    compat: Compat::Differs(SORTED_OTHERWISE),
    arity: Arity::at_least(2),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ),
        NAMED_BY_ELEMENTS,
        Keys::Found {
            place: destination,
            access: Access::UPDATE.union(Access::BLIND),
        },
    ]),
    flags: Flags::DANGEROUS,
    run: Run::Write(sort),
};

pub(super) const SORT_RO: CommandSpec = CommandSpec {
    name: "SORT_RO",
    group: Group::Keys,
    summary: "Returns the elements of a list, set or sorted set in order.",
    syntax: "SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
    complexity: "O(N+M*log(M)) in the number of elements N and of those returned M",
    since: "0.1.0",
    compat: Compat::Differs(SORTED_OTHERWISE),
    arity: Arity::at_least(2),
    keys: Keys::Each(&[Keys::one(1, Access::READ), NAMED_BY_ELEMENTS]),
    flags: Flags::DANGEROUS,
    run: Run::Read(sort_ro),
};

/// What sets both apart from Redis.
const SORTED_OTHERWISE: &str = "`ALPHA` compares bytes, whatever the language of the system; a text that is \
                                empty, or a number too large or too small, is an error, as in Valkey.";

/// The keys of `BY` and `GET`.
const NAMED_BY_ELEMENTS: Keys = Keys::Hidden {
    are_there: |request| {
        let mut patterns = options::words(request).filter(|(name, _)| *name != options::STORE);
        patterns.any(|(_, place)| request.get(place).is_some_and(Pattern::names_keys))
    },
    access: Access::READ,
};

/// Where the word behind `STORE` is; the last one counts.
fn destination(request: RequestRef<'_>) -> Option<usize> {
    let stores = options::words(request).filter(|(name, _)| *name == options::STORE);
    stores.last().map(|(_, place)| place)
}

/// Elements of a list or set.
type Elements = Vec<Box<[u8]>>;

/// One element of the outcome: bytes, or nothing where a key was missing.
type Shown = Option<Box<[u8]>>;

fn sort(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let options = Options::parse(args, true)?;
    let sorted = sorted(txn, key, &options)?;
    let Some(destination) = options.store else {
        show(&sorted, reply);
        return Ok(());
    };
    let elements: Vec<&[u8]> = sorted
        .iter()
        .map(|element| element.as_deref().unwrap_or_default())
        .collect();
    let was_there = txn.exists(destination);
    txn.set_collection(destination, CollectionKind::List, &elements);
    if !elements.is_empty() {
        txn.announce(destination, event::SORTSTORE);
    } else if was_there {
        txn.announce(destination, event::DEL);
    }
    reply.int(elements.len() as i64);
    Ok(())
}

fn sort_ro(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let options = Options::parse(args, false)?;
    show(&sorted(view, key, &options)?, reply);
    Ok(())
}

fn show(elements: &[Shown], reply: &mut Reply<'_>) {
    reply.array(elements.len());
    for element in elements {
        match element {
            Some(bytes) => reply.bulk(bytes),
            None => reply.null(),
        }
    }
}

/// What `options` make of the elements at `key`.
fn sorted(
    view: &mut View<'_>,
    key: &[u8],
    options: &Options<'_>,
) -> Result<Vec<Shown>, CommandError> {
    let (elements, has_order) = elements(view, key)?;
    // A set has no order of its own: stored, or for a script, it gets one that it always has.
    let gets_order = options.store.is_some() || view.wants_order();
    let by_itself = options.is_unsorted() && !has_order && gets_order;
    let elements = order::arrange(view, elements, options, by_itself)?;
    if options.get.is_empty() {
        return Ok(elements.into_iter().map(Some).collect());
    }
    let mut shown = Vec::with_capacity(elements.len() * options.get.len());
    for element in &elements {
        for pattern in &options.get {
            shown.push(pattern.look(view, element));
        }
    }
    Ok(shown)
}

/// The elements at `key`, and whether their order means something.
fn elements(view: &mut View<'_>, key: &[u8]) -> Result<(Elements, bool), CommandError> {
    Ok(match view.value(key) {
        None => (Vec::new(), true),
        Some(ValueRef::List(list)) => (list.iter().map(Box::from).collect(), true),
        Some(ValueRef::Set(set)) => (set.iter().map(Box::from).collect(), false),
        Some(ValueRef::ZSet(zset)) => (
            zset.iter().map(|(member, _)| Box::from(member)).collect(),
            true,
        ),
        Some(_) => return Err(CommandError::WRONG_TYPE),
    })
}

#[cfg(test)]
mod tests {
    use crate::command::testing::{Shell, with_request};

    #[test]
    fn the_destination_is_the_word_behind_the_last_store() {
        for (line, expected) in [
            ("SORT l", None),
            ("SORT l STORE", None),
            ("SORT store", None),
            ("SORT l STORE d", Some(3)),
            ("SORT l store a ALPHA STORE b", Some(6)),
            ("SORT l BY store STORE d", Some(5)),
            ("SORT l LIMIT STORE 1 GET STORE", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
            assert_eq!(with_request(&words, super::destination), expected, "{line}");
        }
    }

    #[test]
    fn only_patterns_with_a_star_name_other_keys() {
        for (line, hidden) in [
            ("SORT l BY w_*", true),
            ("SORT l BY nosort", false),
            ("SORT l GET # GET x", false),
            ("SORT l GET # GET *", true),
            ("SORT l STORE *", false),
            ("SORT * LIMIT * *", false),
        ] {
            let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
            let found = with_request(&words, |request| super::SORT.keys.are_hidden(request));
            assert_eq!(found, hidden, "{line}");
        }
    }

    #[test]
    fn nothing_is_sorted_to_nothing() {
        let shell = Shell::new();
        assert_eq!(shell.run("SORT none BY w_* GET x_*"), "*0|");
        shell.run("SET d v");
        assert_eq!(shell.run("SORT none STORE d"), ":0|");
        assert_eq!(shell.run("EXISTS d"), ":0|");
    }
}
