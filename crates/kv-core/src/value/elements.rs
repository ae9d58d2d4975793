//! The elements that an effect carries: of a list, members of a set, fields and values of a hash, scores and
//! members of a sorted set.

use super::zset::score_of;

/// Some byte strings, borrowed from whoever gives them or from the record of a log.
#[derive(Clone, Copy)]
pub struct Elements<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Slices(&'a [&'a [u8]]),
    Prefixed { count: usize, bytes: &'a [u8] },
}

impl<'a> Elements<'a> {
    /// These byte strings.
    #[must_use]
    pub const fn new(slices: &'a [&'a [u8]]) -> Self {
        Self(Form::Slices(slices))
    }

    /// `count` byte strings that lie in `bytes` one after the other, each behind its length: seven bits a
    /// byte, the lowest first, the eighth bit set but in the last. The caller has checked that; of other bytes
    /// only what is whole is shown.
    #[must_use]
    pub const fn of_prefixed(count: usize, bytes: &'a [u8]) -> Self {
        Self(Form::Prefixed { count, bytes })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Form::Slices(slices) => slices.len(),
            Form::Prefixed { count, .. } => count,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (slices, mut bytes): (&[&[u8]], &[u8]) = match self.0 {
            Form::Slices(slices) => (slices, &[]),
            Form::Prefixed { bytes, .. } => (&[], bytes),
        };
        let prefixed = std::iter::from_fn(move || take(&mut bytes));
        slices.iter().copied().chain(prefixed)
    }

    /// Each score and its member: a score is 8 bytes, a double with the lowest first.
    pub fn scored(&self) -> impl Iterator<Item = (f64, &'a [u8])> + use<'a> {
        self.pairs()
            .map(|(score, member)| (score_of(score), member))
    }

    /// Whether these are whole pairs of a score, which is a number, and a member.
    #[must_use]
    pub fn are_scored(&self) -> bool {
        let is_score = |score: &[u8]| score.len() == 8 && !score_of(score).is_nan();
        self.len().is_multiple_of(2) && self.pairs().all(|(score, _)| is_score(score))
    }

    /// Each field and its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut elements = self.iter();
        std::iter::from_fn(move || Some((elements.next()?, elements.next()?)))
    }
}

/// Takes one byte string behind its length.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(rest)?;
    let (taken, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(taken)
}

/// Takes one number: seven bits a byte, the lowest first, the eighth bit set but in the last.
pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    Some(number)
}

impl PartialEq for Elements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Elements<'_> {}

impl std::fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
