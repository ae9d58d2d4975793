//! `DEBUG DIGEST`, `DEBUG DIGEST-VALUE` and `DEBUG OBJECT`: whether two values are the same, and how one is kept.
//!
//! A digest is a sum over what a value consists of, so that it does not depend on the order in which a set or a
//! hash happens to be kept.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use kv_core::{Expiry, HashRef, Item, ValueRef};

use crate::command::prelude::*;

pub(super) const DIGEST: CommandSpec = CommandSpec {
    name: "DEBUG|DIGEST",
    group: Group::Server,
    summary: "Returns a number that says whether two servers hold the same.",
    syntax: "DEBUG DIGEST",
    complexity: "O(N) where N is the size of all data",
    since: "0.1.0",
    compat: Compat::Differs(
        "The number is another one than Redis', but for that of an empty server.",
    ),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS.union(Flags::WHOLE_KEYSPACE),
    run: Run::Read(digest),
};

pub(super) const DIGEST_VALUE: CommandSpec = CommandSpec {
    name: "DEBUG|DIGEST-VALUE",
    group: Group::Server,
    summary: "Returns for each key a number that says whether two keys hold the same.",
    syntax: "DEBUG DIGEST-VALUE key [key ...]",
    complexity: "O(N) where N is the size of the values",
    since: "0.1.0",
    compat: Compat::Differs(
        "The numbers are other ones than Redis', but for those of keys that are not there.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::from(2, Access::NONE),
    flags: super::DEBUG_FLAGS,
    run: Run::Read(digest_value),
};

pub(super) const OBJECT: CommandSpec = CommandSpec {
    name: "DEBUG|OBJECT",
    group: Group::Server,
    summary: "Tells how the value of a key is kept.",
    syntax: "DEBUG OBJECT key",
    complexity: "O(N) where N is the size of the value",
    since: "0.1.0",
    compat: Compat::Differs("The address is that of nothing, the length that of the elements."),
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::NONE),
    flags: super::DEBUG_FLAGS,
    run: Run::Read(object),
};

fn digest(view: &mut View<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    reply.simple(&of_everything(view).to_string());
    Ok(())
}

/// The digest of all keys of all databases.
pub(super) fn of_everything(view: &mut View<'_>) -> Digest {
    let mut sum = Digest::default();
    super::for_each(view, &mut |item| sum.add_item(item));
    sum
}

fn digest_value(view: &mut View<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let keys = args.rest();
    reply.array(keys.len());
    for key in keys {
        let expires = matches!(view.expiry(key), Expiry::At(_));
        let digest = view
            .peek(key)
            .map_or_else(Digest::default, |value| Digest::of_value(value, expires));
        reply.simple(&digest.to_string());
    }
    Ok(())
}

fn object(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let idle_s = view.idle_s(key).unwrap_or(0);
    let used_s = view.now().0 / 1000 - i64::from(idle_s);
    let encoding = view.encoding(key);
    let (Some(encoding), Some(value)) = (encoding, view.peek(key)) else {
        return Err(CommandError::err("no such key"));
    };
    let mut bytes = 0;
    for_each_part(value, &mut |_, parts| {
        bytes += parts.iter().map(|part| part.len()).sum::<usize>();
    });
    reply.simple(&format!(
        "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:{bytes} lru:{used_s} \
         lru_seconds_idle:{idle_s}"
    ));
    Ok(())
}

/// Numbers that are the same for the same content, and hardly ever for another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest([u32; Digest::LANES]);

impl Digest {
    const LANES: usize = 5;

    /// Adds an item; items may come in any order.
    pub(super) fn add_item(&mut self, item: &Item<'_>) {
        let value = Self::of_value(item.value, item.expires.is_some()).to_string();
        self.add(usize::from(item.db.0), &[item.key, value.as_bytes()]);
    }

    fn of_value(value: ValueRef<'_>, expires: bool) -> Self {
        let mut sum = Self::default();
        sum.add(usize::from(expires), &[value.kind().name().as_bytes()]);
        for_each_part(value, &mut |index, parts| sum.add(index, parts));
        sum
    }

    fn add(&mut self, index: usize, parts: &[&[u8]]) {
        for (lane, sum) in self.0.iter_mut().enumerate() {
            let mut hasher = DefaultHasher::new();
            (lane, index, parts).hash(&mut hasher);
            let [high, _] = halves(hasher.finish());
            *sum = sum.wrapping_add(high);
        }
    }
}

fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    ]
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|lane| write!(f, "{lane:08x}"))
    }
}

/// Shows what `value` consists of. Where the order counts each part has its index; elsewhere all have 0.
fn for_each_part(value: ValueRef<'_>, show: &mut dyn FnMut(usize, &[&[u8]])) {
    match value {
        ValueRef::String(string) => show(0, &[string.as_bytes(&mut itoa::Buffer::new())]),
        ValueRef::List(list) => {
            for (index, element) in list.iter().enumerate() {
                show(index, &[element]);
            }
        }
        ValueRef::Hash(hash) => for_each_field(hash, show),
        ValueRef::Set(set) => set.iter().for_each(|member| show(0, &[member])),
        ValueRef::ZSet(zset) => {
            for (member, score) in zset.iter() {
                show(0, &[member, &score.to_bits().to_be_bytes()]);
            }
        }
        ValueRef::Stream(stream) => {
            for entry in stream.iter() {
                let id = entry.id().to_bytes();
                let words = entry.words();
                let parts: Vec<&[u8]> = std::iter::once(&id[..]).chain(words).collect();
                show(0, &parts);
            }
        }
        // Kinds that are yet to come have no parts that this could know.
        _ => {}
    }
}

fn for_each_field(hash: HashRef<'_>, show: &mut dyn FnMut(usize, &[&[u8]])) {
    for (field, value) in hash.iter() {
        let expires = hash.expiry(field).flatten().is_some();
        show(usize::from(expires), &[field, value]);
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    const NOTHING: &str = "+0000000000000000000000000000000000000000|";

    #[test]
    fn the_same_content_has_the_same_digest_however_it_came_about() {
        let shell = Shell::new();
        assert_eq!(shell.run("DEBUG DIGEST"), NOTHING);
        assert_eq!(
            shell.run("DEBUG DIGEST-VALUE none"),
            format!("*1|{NOTHING}")
        );
        shell.run("SADD a 1 2 x");
        shell.run("SADD b x 2 1");
        let of = |key: &str| shell.run(&format!("DEBUG DIGEST-VALUE {key}"));
        assert_eq!(of("a"), of("b"));
        assert_ne!(of("a"), of("none"));
        shell.run("RPUSH l 1 2");
        shell.run("RPUSH m 2 1");
        assert_ne!(of("l"), of("m"));
        let before = shell.run("DEBUG DIGEST");
        shell.run("SREM a x");
        assert_ne!(shell.run("DEBUG DIGEST"), before);
        shell.run("SADD a x");
        assert_eq!(shell.run("DEBUG DIGEST"), before);
        shell.run("EXPIRE a 100");
        assert_ne!(shell.run("DEBUG DIGEST"), before);
    }
}
