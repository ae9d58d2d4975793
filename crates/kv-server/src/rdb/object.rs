//! A dumped value that has been read.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use kv_core::{CollectionKind, Elements, UnixMillis};

use super::listpack::Listpack;
use super::read::Reader;
use super::stream::{self, Form, StreamContent};
use super::{Damaged, OBJECT_BYTES_MAX, VERSION_VALKEY, intset, types};

/// A value.
#[derive(Debug, PartialEq)]
pub(crate) enum Object {
    /// A string.
    String(Vec<u8>),
    /// Anything else.
    Collection(Content),
    /// A stream.
    Stream(Box<StreamContent>),
}

/// Elements and what they are.
#[derive(Debug, PartialEq)]
pub(crate) struct Content {
    /// What they are.
    pub(crate) kind: CollectionKind,
    words: Words,
    /// When fields of a hash expire: some of the fields, in any order.
    pub(crate) expiring: Vec<(UnixMillis, Box<[u8]>)>,
}

impl Content {
    /// The elements in the form that [`Effect::SetCollection`](kv_core::Effect::SetCollection) describes.
    pub(crate) fn elements(&self) -> Elements<'_> {
        self.words.elements()
    }
}

/// Byte strings one behind the other, in the form of [`Elements::of_prefixed`].
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    bytes: Vec<u8>,
    count: usize,
}

impl Words {
    /// Adds `word`, if there is room.
    pub(super) fn push(&mut self, word: &[u8]) -> Result<(), Damaged> {
        if self.bytes.len() + word.len() > OBJECT_BYTES_MAX {
            return Err(Damaged);
        }
        let mut length = word.len();
        while length >= 0x80 {
            let [low, ..] = length.to_le_bytes();
            self.bytes.push(low | 0x80);
            length >>= 7;
        }
        let [low, ..] = length.to_le_bytes();
        self.bytes.push(low);
        self.bytes.extend_from_slice(word);
        self.count += 1;
        Ok(())
    }

    pub(super) fn elements(&self) -> Elements<'_> {
        Elements::of_prefixed(self.count, &self.bytes)
    }
}

/// Reads one value, which is all that `bytes` hold.
pub(super) fn read(bytes: &[u8], version: u16) -> Result<Object, Damaged> {
    let mut reader = Reader::new(bytes);
    let object = match reader.byte()? {
        types::STRING => Object::String(reader.string()?.into_owned()),
        types::STREAM_FIRST => stream(&mut reader, Form::First)?,
        types::STREAM_SECOND => stream(&mut reader, Form::Second)?,
        types::STREAM_THIRD => stream(&mut reader, Form::Third)?,
        kind => Object::Collection(content(kind, &mut reader, version)?),
    };
    reader.finish()?;
    Ok(object)
}

fn stream(reader: &mut Reader<'_>, form: Form) -> Result<Object, Damaged> {
    let content = stream::read(reader, form)?;
    Ok(Object::Stream(Box::new(content)))
}

fn content(kind: u8, reader: &mut Reader<'_>, version: u16) -> Result<Content, Damaged> {
    let mut words = Words::default();
    let mut expiring = Vec::new();
    let kind = match kind {
        types::LIST => {
            plain(reader, 1, &mut words)?;
            CollectionKind::List
        }
        types::LIST_NODES => {
            nodes(reader, &mut words)?;
            CollectionKind::List
        }
        types::SET => {
            plain(reader, 1, &mut words)?;
            CollectionKind::Set
        }
        types::SET_INTSET => {
            intset::read(&reader.string()?, &mut words)?;
            CollectionKind::Set
        }
        types::SET_LISTPACK => {
            packed(&reader.string()?, &mut words)?;
            CollectionKind::Set
        }
        types::HASH => {
            plain(reader, 2, &mut words)?;
            CollectionKind::Hash
        }
        types::HASH_LISTPACK => {
            packed(&reader.string()?, &mut words)?;
            CollectionKind::Hash
        }
        types::HASH_EXPIRING => {
            expiring_fields(reader, &mut words, &mut expiring)?;
            CollectionKind::Hash
        }
        types::HASH_EXPIRING_LISTPACK => {
            // The first expiry of all, which the fields say too.
            let _: [u8; 8] = reader.array()?;
            packed_expiring_fields(&reader.string()?, &mut words, &mut expiring)?;
            CollectionKind::Hash
        }
        types::HASH_EXPIRING_VALKEY if version >= VERSION_VALKEY => {
            fields_with_times(reader, &mut words, &mut expiring)?;
            CollectionKind::Hash
        }
        types::ZSET => {
            scored(reader, &mut words)?;
            CollectionKind::ZSet
        }
        types::ZSET_LISTPACK => {
            packed_scored(&reader.string()?, &mut words)?;
            CollectionKind::ZSet
        }
        _ => return Err(Damaged),
    };
    check(kind, words.elements())?;
    Ok(Content {
        kind,
        words,
        expiring,
    })
}

/// Whether a store can hold this.
fn check(kind: CollectionKind, elements: Elements<'_>) -> Result<(), Damaged> {
    let mut names = HashSet::with_hasher(RandomState::default());
    let fits = !elements.is_empty()
        && match kind {
            CollectionKind::List => true,
            CollectionKind::Set => elements.iter().all(|member| names.insert(member)),
            CollectionKind::Hash => {
                elements.len().is_multiple_of(2)
                    && elements.pairs().all(|(field, _)| names.insert(field))
            }
            CollectionKind::ZSet => {
                elements.are_scored() && elements.scored().all(|(_, member)| names.insert(member))
            }
        };
    if fits { Ok(()) } else { Err(Damaged) }
}

/// How many elements there are, and `each` of them that many times.
fn plain(reader: &mut Reader<'_>, each: usize, words: &mut Words) -> Result<(), Damaged> {
    for _ in 0..reader.length()? {
        for _ in 0..each {
            words.push(&reader.string()?)?;
        }
    }
    Ok(())
}

/// The nodes of a list: 1 and one element, or 2 and a listpack of them.
fn nodes(reader: &mut Reader<'_>, words: &mut Words) -> Result<(), Damaged> {
    for _ in 0..reader.length()? {
        match reader.length()? {
            1 => words.push(&reader.string()?)?,
            2 => packed(&reader.string()?, words)?,
            _ => return Err(Damaged),
        }
    }
    Ok(())
}

/// All entries of a listpack.
fn packed(bytes: &[u8], words: &mut Words) -> Result<(), Damaged> {
    let mut listpack = Listpack::new(bytes)?;
    while let Some(entry) = listpack.next()? {
        entry.push_to(words)?;
    }
    Ok(())
}

/// Members, each followed by its score in 8 bytes.
fn scored(reader: &mut Reader<'_>, words: &mut Words) -> Result<(), Damaged> {
    for _ in 0..reader.length()? {
        let member = reader.string()?;
        words.push(&reader.array::<8>()?)?;
        words.push(&member)?;
    }
    Ok(())
}

/// A listpack of members, each followed by its score as people write it.
fn packed_scored(bytes: &[u8], words: &mut Words) -> Result<(), Damaged> {
    use super::listpack::Entry;

    let mut listpack = Listpack::new(bytes)?;
    while let Some(member) = listpack.next()? {
        let score = match listpack.must_next()? {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a score that is a larger integer was rounded before"
            )]
            Entry::Number(number) => number as f64,
            Entry::Bytes(digits) => {
                let digits = std::str::from_utf8(digits).map_err(|_| Damaged)?;
                digits.parse::<f64>().map_err(|_| Damaged)?
            }
        };
        words.push(&score.to_le_bytes())?;
        member.push_to(words)?;
    }
    Ok(())
}

type Expiring = Vec<(UnixMillis, Box<[u8]>)>;

/// The first expiry, then of each field how much later it expires and one more (0: never), itself, its value.
fn expiring_fields(
    reader: &mut Reader<'_>,
    words: &mut Words,
    expiring: &mut Expiring,
) -> Result<(), Damaged> {
    let first = i64::from_le_bytes(reader.array()?);
    for _ in 0..reader.length()? {
        let later = i64::try_from(reader.length()?).map_err(|_| Damaged)?;
        let field = reader.string()?;
        words.push(&field)?;
        words.push(&reader.string()?)?;
        if later > 0 {
            let expires = first.checked_add(later - 1).ok_or(Damaged)?;
            expiring.push((UnixMillis(expires), (*field).into()));
        }
    }
    Ok(())
}

/// A listpack of fields, each followed by its value and when it expires (0: never).
fn packed_expiring_fields(
    bytes: &[u8],
    words: &mut Words,
    expiring: &mut Expiring,
) -> Result<(), Damaged> {
    use super::listpack::Entry;

    let mut listpack = Listpack::new(bytes)?;
    while let Some(field) = listpack.next()? {
        field.push_to(words)?;
        listpack.must_next()?.push_to(words)?;
        match listpack.must_next()? {
            Entry::Number(0) => {}
            Entry::Number(expires) => {
                let name = match field {
                    Entry::Bytes(name) => name.into(),
                    Entry::Number(number) => itoa::Buffer::new().format(number).as_bytes().into(),
                };
                expiring.push((UnixMillis(expires), name));
            }
            Entry::Bytes(_) => return Err(Damaged),
        }
    }
    Ok(())
}

/// Fields, each followed by its value and when it expires, in 8 bytes (-1: never).
fn fields_with_times(
    reader: &mut Reader<'_>,
    words: &mut Words,
    expiring: &mut Expiring,
) -> Result<(), Damaged> {
    for _ in 0..reader.length()? {
        let field = reader.string()?;
        words.push(&field)?;
        words.push(&reader.string()?)?;
        match i64::from_le_bytes(reader.array()?) {
            -1 => {}
            expires => expiring.push((UnixMillis(expires), (*field).into())),
        }
    }
    Ok(())
}
