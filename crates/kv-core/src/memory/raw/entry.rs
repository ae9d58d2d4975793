//! One entry: a key and all that belongs to it, in one allocation. `shape` has the drawing.
//!
//! Invariant: offsets and layout come from the header alone, see `Shape`.
//! Invariant: an inline string has at most [`INLINE_BYTES_MAX`] bytes; a longer one is shared.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, size_of};
use std::ptr::{self, NonNull};
use std::slice;

use bytes::{Bytes, BytesMut};

use super::super::expire::Dues;
use super::content::{Content, INLINE_BYTES_MAX, patched};
use super::shape::{ENTRY_ALIGN, Header, Shape, Storage, owned_at};
use crate::value::Collection;
use crate::{StringRef, StringValue, UnixMillis, ValueRef};

/// A value that became this much shorter gives memory back, in bytes.
const SLACK_BYTES_MAX: usize = 32;

/// Longest decimal form of an `i64`, in bytes.
const INT_DIGITS_MAX: usize = 20;

const _: () = assert!(INLINE_BYTES_MAX + ENTRY_ALIGN <= Shape::ROOM_MAX);

/// The owner of one entry.
pub(super) struct Entry(NonNull<Header>);

// SAFETY: an entry owns its allocation alone, and what lies there (bytes, integers, `Bytes`,
// `Collection`) may be sent.
unsafe impl Send for Entry {}

const _: () = assert_send::<Collection>();
const fn assert_send<T: Send>() {}

impl Entry {
    /// An entry with this string.
    pub(super) fn new(key: &[u8], value: StringValue<'_>, expires: Option<UnixMillis>) -> Self {
        Self::make(key, Content::of(value), expires)
    }

    /// An entry with this collection and no expiry.
    pub(super) fn of_collection(key: &[u8], collection: Collection) -> Self {
        Self::make(key, Content::Collection(collection), None)
    }

    fn make(key: &[u8], content: Content<'_>, expires: Option<UnixMillis>) -> Self {
        let room_for_expiry = expires.is_some();
        let shape = match &content {
            Content::Int(_) => Shape::new(key.len(), room_for_expiry, Storage::Int, 8, 8),
            Content::Inline(parts, room) => {
                let used = parts[0].len() + parts[1].len();
                Shape::new(key.len(), room_for_expiry, Storage::Inline, used, *room)
            }
            Content::Shared(_) => Shape::new(key.len(), room_for_expiry, Storage::Shared, 0, 0),
            Content::Collection(_) => {
                Shape::new(key.len(), room_for_expiry, Storage::Collection, 0, 0)
            }
        };
        let layout = shape.layout();
        // SAFETY: the layout is that of a header at least, so its size is not zero.
        let start = unsafe { alloc(layout) };
        let Some(header) = NonNull::new(start.cast::<Header>()) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the allocation is new, aligned for `Header`, `i64`, `Bytes` and `Collection`, and `shape` was
        // computed so that the parts written here lie in it side by side; `key` and the parts cannot overlap it.
        unsafe {
            header.write(shape.pack());
            if shape.key_len >= Shape::LONG_KEY {
                let place = start.add(Shape::long_key_at(shape.expiry_room));
                place.cast::<usize>().write(shape.key_len);
            }
            if let Some(UnixMillis(millis)) = expires {
                start.add(Shape::EXPIRY_AT).cast::<i64>().write(millis);
            }
            ptr::copy_nonoverlapping(key.as_ptr(), start.add(shape.key_at()), key.len());
            let value = start.add(shape.value_at());
            match content {
                Content::Int(number) => value.cast::<i64>().write_unaligned(number),
                Content::Inline([head, tail], _) => {
                    ptr::copy_nonoverlapping(head.as_ptr(), value, head.len());
                    ptr::copy_nonoverlapping(tail.as_ptr(), value.add(head.len()), tail.len());
                }
                Content::Shared(bytes) => start.add(shape.owned_at()).cast::<Bytes>().write(bytes),
                Content::Collection(collection) => start
                    .add(shape.owned_at())
                    .cast::<Collection>()
                    .write(collection),
            }
        }
        Self(header)
    }

    /// Gives the ownership away, as an address.
    pub(super) fn into_raw(self) -> *mut u8 {
        ManuallyDrop::new(self).0.as_ptr().cast()
    }

    /// Takes the ownership back.
    ///
    /// # Safety
    ///
    /// `raw` must come from [`Entry::into_raw`], and each such address may be taken back once.
    pub(super) unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: the caller's promise: the address of an entry is not null.
        Self(unsafe { NonNull::new_unchecked(raw.cast()) })
    }

    fn shape(&self) -> Shape {
        self.look(false).shape()
    }

    /// When and how often it was used, see `usage`.
    pub(super) fn stamp(&self) -> u32 {
        self.look(false).stamp()
    }

    /// Says when and how often it was used.
    pub(super) fn set_stamp(&mut self, stamp: u32) {
        self.look(false).set_stamp(stamp);
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: `offset` comes from the entry's shape and lies in its allocation or at its end.
        unsafe { self.0.as_ptr().cast::<u8>().add(offset) }
    }

    /// A look at this entry; `expires` says whether its expiry counts.
    fn look(&self, expires: bool) -> EntryRef<'_> {
        EntryRef {
            header: self.0,
            expires,
            life: PhantomData,
        }
    }

    /// This entry with another string and expiry: in the same allocation if they fit there well.
    pub(super) fn with_string(
        mut self,
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) -> Self {
        let shape = self.shape();
        let in_place = (shape.expiry_room || expires.is_none())
            && match value {
                StringValue::Int(_) => self.overwrite(Storage::Int, None),
                StringValue::Bytes(bytes) => self.overwrite(Storage::Inline, Some(bytes)),
            };
        if !in_place {
            return Self::make(self.look(false).key(), Content::of(value), expires);
        }
        if let StringValue::Int(number) = value {
            // SAFETY: `overwrite` made this an integer, so there are 8 bytes for one.
            unsafe {
                self.at(self.shape().value_at())
                    .cast::<i64>()
                    .write_unaligned(number)
            };
        }
        match expires {
            Some(expires) => self.with_expiry(Some(expires)),
            None => self,
        }
    }

    /// Makes the inline value `bytes`, or for `None` eight bytes yet to be written; `false`, and nothing is
    /// changed, when it does not fit or would waste much.
    fn overwrite(&mut self, storage: Storage, bytes: Option<&[u8]>) -> bool {
        let shape = self.shape();
        let used = bytes.map_or(size_of::<i64>(), <[u8]>::len);
        if matches!(shape.storage, Storage::Shared | Storage::Collection)
            || used > shape.room
            || used > INLINE_BYTES_MAX
            || shape.room > 2 * used + SLACK_BYTES_MAX
        {
            return false;
        }
        let changed = Shape {
            storage,
            edited: false,
            used,
            ..shape
        };
        // SAFETY: both kinds of inline storage have the same offsets, and `used` bytes fit into the room.
        unsafe {
            self.0.write(changed.pack());
            if let Some(bytes) = bytes {
                let value = self.at(changed.value_at());
                ptr::copy_nonoverlapping(bytes.as_ptr(), value, bytes.len());
            }
        }
        true
    }

    /// This entry with `suffix` at the end of its string. Over many calls, copies each byte a few times at
    /// most.
    pub(super) fn with_suffix(self, suffix: &[u8], expires: bool) -> Self {
        self.extended(suffix, expires).marked(true)
    }

    /// This entry with `bytes` from `offset` on in its string, which grows as needed, with zeros in between.
    /// What is not touched is copied only when the string grows out of its room, or when a reply holds it.
    pub(super) fn with_patch(self, offset: usize, bytes: &[u8], expires: bool) -> Self {
        self.patched(offset, bytes, expires).marked(true)
    }

    /// This entry with a note of whether its string was edited.
    fn marked(self, edited: bool) -> Self {
        let shape = Shape {
            edited,
            ..self.shape()
        };
        // SAFETY: the header is this entry's own; the note enters neither an offset nor the layout.
        unsafe { self.0.write(shape.pack()) };
        self
    }

    fn extended(mut self, suffix: &[u8], expires: bool) -> Self {
        let shape = self.shape();
        match shape.storage {
            Storage::Shared => {
                self.extend_shared(suffix);
                self
            }
            Storage::Inline if suffix.len() <= shape.room.min(INLINE_BYTES_MAX) - shape.used => {
                self.extend_inline(suffix);
                self.normalised(expires)
            }
            Storage::Int | Storage::Inline => {
                let look = self.look(expires);
                let ValueRef::String(old) = look.value() else {
                    unreachable!("the storage is that of a string")
                };
                let mut digits = itoa::Buffer::new();
                let content = Content::grown(old.as_bytes(&mut digits), suffix);
                Self::make(look.key(), content, look.expires()).normalised(expires)
            }
            Storage::Collection => panic!("a suffix for a collection"),
        }
    }

    fn patched(mut self, offset: usize, bytes: &[u8], expires: bool) -> Self {
        let shape = self.shape();
        let end = offset + bytes.len();
        match shape.storage {
            Storage::Shared => {
                self.patch_shared(offset, bytes);
                self
            }
            Storage::Inline if end <= shape.used => {
                // SAFETY: the bytes from the value's start to `used` are initialised and in the allocation; a
                // caller's bytes cannot lie in it, for it is borrowed mutably.
                unsafe {
                    let place = self.at(shape.value_at() + offset);
                    ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
                }
                self.normalised(expires)
            }
            Storage::Int | Storage::Inline => {
                let look = self.look(expires);
                let ValueRef::String(old) = look.value() else {
                    unreachable!("the storage is that of a string")
                };
                let mut digits = itoa::Buffer::new();
                let old = old.as_bytes(&mut digits);
                let patched = patched(old, offset, bytes);
                let content = if patched.len() <= INLINE_BYTES_MAX {
                    let room = (end + end / 2).min(INLINE_BYTES_MAX);
                    Content::Inline([&patched, &[]], room)
                } else {
                    Content::Shared(patched.freeze())
                };
                Self::make(look.key(), content, look.expires()).normalised(expires)
            }
            Storage::Collection => panic!("a patch for a collection"),
        }
    }

    /// The collection of this entry, to change it; `None` when it holds a string.
    pub(super) fn collection_mut(&mut self) -> Option<&mut Collection> {
        let shape = self.shape();
        // SAFETY: with this storage a collection lies at this offset, initialised; the entry is borrowed
        // mutably for as long.
        (shape.storage == Storage::Collection)
            .then(|| unsafe { &mut *self.at(shape.owned_at()).cast::<Collection>() })
    }

    fn extend_inline(&mut self, suffix: &[u8]) {
        let shape = self.shape();
        let used = shape.used + suffix.len();
        assert!(used <= shape.room, "an append beyond the room of an entry");
        // SAFETY: the entry has room for `used` bytes; a caller's suffix cannot lie in it, for it is borrowed
        // mutably.
        unsafe {
            self.0.write(Shape { used, ..shape }.pack());
            let end = self.at(shape.value_at() + shape.used);
            ptr::copy_nonoverlapping(suffix.as_ptr(), end, suffix.len());
        }
    }

    fn patch_shared(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: the caller saw that this entry is a shared string, and it is borrowed mutably.
        let shared = unsafe { &mut *self.at(self.shape().owned_at()).cast::<Bytes>() };
        *shared = match std::mem::take(shared).try_into_mut() {
            Ok(mut own) => {
                let end = offset + bytes.len();
                if end > own.len() {
                    own.resize(end, 0);
                }
                own[offset..end].copy_from_slice(bytes);
                own.freeze()
            }
            Err(held) => patched(&held, offset, bytes).freeze(),
        };
    }

    fn extend_shared(&mut self, suffix: &[u8]) {
        // SAFETY: the caller saw that this entry is a shared string, and it is borrowed mutably.
        let shared = unsafe { &mut *self.at(self.shape().owned_at()).cast::<Bytes>() };
        // A buffer that no reply holds is grown where it is, amortised; else it is left to the reply.
        let mut bytes = std::mem::take(shared)
            .try_into_mut()
            .unwrap_or_else(|held| {
                let len = held.len() + suffix.len();
                let mut copy = BytesMut::with_capacity(len + len / 2);
                copy.extend_from_slice(&held);
                copy
            });
        bytes.extend_from_slice(suffix);
        *shared = bytes.freeze();
    }

    /// This entry, as an integer if its inline string is the form of one.
    fn normalised(self, expires: bool) -> Self {
        let shape = self.shape();
        if shape.storage != Storage::Inline || shape.used > INT_DIGITS_MAX {
            return self;
        }
        let look = self.look(expires);
        match look.value() {
            ValueRef::String(string) => match string.to_value() {
                StringValue::Int(number) => {
                    let expires = look.expires();
                    self.with_string(StringValue::Int(number), expires)
                }
                StringValue::Bytes(_) => self,
            },
            _ => self,
        }
    }

    /// This entry with its expiry changed: in the same allocation if there is room for one.
    pub(super) fn with_expiry(mut self, expires: Option<UnixMillis>) -> Self {
        let shape = self.shape();
        let Some(UnixMillis(millis)) = expires else {
            return self;
        };
        if shape.expiry_room {
            // SAFETY: there is room for an expiry at this offset, and it is aligned for it.
            unsafe { self.at(Shape::EXPIRY_AT).cast::<i64>().write(millis) };
            return self;
        }
        if let Some(collection) = self.collection_mut() {
            let collection = Content::Collection(std::mem::take(collection));
            return Self::make(self.look(false).key(), collection, expires);
        }
        let look = self.look(false);
        let content = match look.value() {
            ValueRef::String(StringRef::Int(number)) => Content::Int(number),
            ValueRef::String(StringRef::Bytes(bytes)) => Content::Inline([bytes, &[]], shape.room),
            ValueRef::String(StringRef::Shared(bytes)) => Content::Shared(bytes.clone()),
            _ => unreachable!("a collection was taken above"),
        };
        Self::make(look.key(), content, expires).marked(shape.edited)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let shape = self.shape();
        // SAFETY: the entry owns its allocation, which was made with the layout of this shape (`used` and the
        // kind of inline storage do not enter it); what it owns beside is initialised and dropped once, here.
        unsafe {
            match shape.storage {
                Storage::Int | Storage::Inline => {}
                Storage::Shared => ptr::drop_in_place(self.at(shape.owned_at()).cast::<Bytes>()),
                Storage::Collection => {
                    ptr::drop_in_place(self.at(shape.owned_at()).cast::<Collection>());
                }
            }
            dealloc(self.at(0), shape.layout());
        }
    }
}

/// A look at one entry.
#[derive(Clone, Copy)]
pub(crate) struct EntryRef<'t> {
    header: NonNull<Header>,
    expires: bool,
    life: PhantomData<&'t Entry>,
}

impl<'t> EntryRef<'t> {
    /// A look at the entry at `raw`; `expires` says whether its expiry counts.
    ///
    /// # Safety
    ///
    /// `raw` must come from [`Entry::into_raw`]; for `'t` the entry must stay and nothing may change it but its stamp,
    /// which no other thread may read then; if
    /// `expires`, it must have been given an expiry.
    pub(super) unsafe fn from_raw(raw: *mut u8, expires: bool) -> Self {
        Self {
            // SAFETY: the caller's promise: the address of an entry is not null.
            header: unsafe { NonNull::new_unchecked(raw.cast()) },
            expires,
            life: PhantomData,
        }
    }

    #[inline]
    fn header(self) -> Header {
        // SAFETY: an entry begins with an initialised header.
        unsafe { self.header.read() }
    }

    /// The length of a long key, which stands at this offset.
    #[inline]
    fn long_key(self, at: usize) -> usize {
        // SAFETY: it is asked for only when the header says so, and was written there then.
        unsafe { self.at(at).cast::<usize>().read() }
    }

    #[inline]
    fn shape(self) -> Shape {
        Shape::unpack(self.header(), |at| self.long_key(at))
    }

    /// When and how often the entry was used, see `usage`.
    #[inline]
    pub(crate) fn stamp(self) -> u32 {
        self.header().stamp()
    }

    /// Says when and how often the entry was used: the one thing of it that a look may change.
    #[inline]
    pub(crate) fn set_stamp(self, stamp: u32) {
        // SAFETY: the address is that of the allocation itself; nobody holds a reference to the header, which is
        // read by value only, and no other thread looks while this one does (the stripe is locked).
        unsafe {
            let header = self.header.read();
            let stamped = header.with_stamp(stamp);
            if header.stamp() != stamped.stamp() {
                self.header.write(stamped);
            }
        }
    }

    #[inline]
    fn at(self, offset: usize) -> *const u8 {
        // SAFETY: `offset` comes from the entry's shape and lies in its allocation or at its end.
        unsafe { self.header.as_ptr().cast_const().cast::<u8>().add(offset) }
    }

    /// Where the key stands and how long it is.
    #[inline]
    fn key_span(self) -> (usize, usize) {
        self.header().key_span(|at| self.long_key(at))
    }

    #[inline]
    pub(crate) fn key(self) -> &'t [u8] {
        let (at, len) = self.key_span();
        // SAFETY: the key's bytes are initialised, and nothing changes them while the entry is borrowed.
        unsafe { slice::from_raw_parts(self.at(at), len) }
    }

    #[inline]
    pub(crate) fn value(self) -> ValueRef<'t> {
        let (key_at, key_len) = self.key_span();
        let value_at = key_at + key_len;
        let header = self.header();
        // SAFETY: the storage says what lies at which offset, all of it initialised; nothing changes it while
        // the entry is borrowed.
        unsafe {
            match header.storage() {
                Storage::Int => ValueRef::String(StringRef::Int(
                    self.at(value_at).cast::<i64>().read_unaligned(),
                )),
                Storage::Inline => ValueRef::String(StringRef::Bytes(slice::from_raw_parts(
                    self.at(value_at),
                    header.used(),
                ))),
                Storage::Shared => ValueRef::String(StringRef::Shared(
                    &*self.at(owned_at(value_at)).cast::<Bytes>(),
                )),
                Storage::Collection => (*self.at(owned_at(value_at)).cast::<Collection>()).look(),
            }
        }
    }

    /// The name that `OBJECT ENCODING` has for how the value is kept: a string that was edited is `raw`, whatever
    /// it has become.
    pub(crate) fn encoding(self) -> &'static str {
        if self.shape().edited {
            "raw"
        } else {
            self.value().encoding()
        }
    }

    /// The collection of this entry; `None` when it holds a string.
    #[inline]
    pub(in crate::memory) fn collection(self) -> Option<&'t Collection> {
        // SAFETY: an entry begins with an initialised header; with this storage a collection lies at this offset,
        // initialised; nothing changes it while the entry is borrowed.
        unsafe {
            let is_collection = self.header.read().is_collection();
            is_collection.then(|| &*self.at(self.shape().owned_at()).cast::<Collection>())
        }
    }

    #[inline]
    pub(crate) fn expires(self) -> Option<UnixMillis> {
        // SAFETY: an expiry that counts was written when it was given.
        self.expires
            .then(|| UnixMillis(unsafe { self.at(Shape::EXPIRY_AT).cast::<i64>().read() }))
    }

    /// Whether its time, or that of all it holds, may have come: else nobody needs to know the time.
    #[inline]
    pub(in crate::memory) fn may_expire(self) -> bool {
        self.expires || self.collection().is_some()
    }

    /// When this entry is due.
    #[inline]
    pub(in crate::memory) fn dues(self) -> Dues {
        Dues {
            key: self.expires(),
            fields: self.collection().and_then(Collection::first_due),
        }
    }

    /// Whether it holds a collection or a string that is not inline: such an entry may take long to free.
    pub(in crate::memory) fn is_large(self) -> bool {
        matches!(self.shape().storage, Storage::Shared | Storage::Collection)
    }

    /// An entry of `key` that holds the same; a large string or collection is shared.
    pub(super) fn duplicate_as(self, key: &[u8]) -> Entry {
        let content = match self.value() {
            ValueRef::String(StringRef::Int(number)) => Content::Int(number),
            ValueRef::String(StringRef::Bytes(bytes)) => Content::Inline([bytes, &[]], bytes.len()),
            ValueRef::String(StringRef::Shared(bytes)) => Content::Shared(bytes.clone()),
            _ => Content::Collection(self.collection().cloned().unwrap_or_default()),
        };
        Entry::make(key, content, self.expires()).marked(self.shape().edited)
    }

    /// Bytes of heap of this entry without its large string; a collection counts.
    pub(in crate::memory) fn own_bytes(self) -> usize {
        let collection = self.collection().map_or(0, Collection::heap_bytes);
        self.shape().layout().size() + collection
    }

    /// Bytes of heap that a duplicate of this entry may come to hold alone soon: all, but of a collection that it
    /// shares only what a few changes would part.
    pub(in crate::memory) fn duplicate_bytes(self) -> usize {
        /// The nodes on the way to some elements.
        const PARTED_BYTES: usize = 64 << 10;

        match self.collection() {
            Some(collection) if !collection.is_packed() => {
                let shared = collection.heap_bytes();
                self.shape().layout().size() + shared.min(PARTED_BYTES)
            }
            _ => self.heap_bytes(),
        }
    }

    /// Bytes of heap of this entry, its large string or collection included.
    pub(in crate::memory) fn heap_bytes(self) -> usize {
        let shape = self.shape();
        let owned = match shape.storage {
            Storage::Int | Storage::Inline => 0,
            Storage::Shared => match self.value() {
                ValueRef::String(StringRef::Shared(bytes)) => bytes.len(),
                _ => 0,
            },
            Storage::Collection => self.collection().map_or(0, Collection::heap_bytes),
        };
        shape.layout().size() + owned
    }
}
