//! In which order the elements come, and which of them.

use std::cmp::Ordering;

use super::Elements;
use super::options::Options;
use crate::command::prelude::*;

/// An element and what it is compared by.
struct Weighed {
    element: Box<[u8]>,
    weight: Weight,
}

enum Weight {
    Number(f64),
    /// Those without a weight come first.
    Bytes(Option<Box<[u8]>>),
    Itself,
}

impl Weight {
    /// The number that a text is, if a float comes near it.
    fn number(text: &[u8]) -> Result<Self, CommandError> {
        // For Redis a number ends at a zero byte.
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| no_number())?;
        let number: f64 = text.parse().map_err(|_| no_number())?;
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        let too_large = number.is_infinite() && mantissa.bytes().any(|byte| byte.is_ascii_digit());
        let too_small = number == 0.0 && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        if number.is_nan() || too_large || too_small {
            return Err(no_number());
        }
        Ok(Self::Number(number))
    }
}

fn no_number() -> CommandError {
    CommandError::err("One or more scores can't be converted into double")
}

/// The elements that are asked for, in the order that is asked for. `by_itself` sorts what would stay as it is by
/// the bytes of the elements.
pub(super) fn arrange(
    view: &mut View<'_>,
    mut elements: Elements,
    options: &Options<'_>,
    by_itself: bool,
) -> Result<Elements, CommandError> {
    if by_itself {
        elements.sort_unstable();
        if options.descending {
            elements.reverse();
        }
    } else if options.is_unsorted() {
        if options.descending {
            elements.reverse();
        }
    } else {
        elements = sort(view, elements, options)?;
    }
    Ok(cut(elements, options.limit))
}

fn sort(
    view: &mut View<'_>,
    elements: Elements,
    options: &Options<'_>,
) -> Result<Elements, CommandError> {
    let mut weighed = Vec::with_capacity(elements.len());
    for element in elements {
        let weight = match (options.by, options.by_bytes) {
            (None, true) => Weight::Itself,
            (None, false) => Weight::number(&element)?,
            (Some(by), true) => Weight::Bytes(by.look(view, &element)),
            // What is missing weighs nothing.
            (Some(by), false) => match by.look(view, &element) {
                Some(text) => Weight::number(&text)?,
                None => Weight::Number(0.0),
            },
        };
        weighed.push(Weighed { element, weight });
    }
    weighed.sort_by(|one, other| {
        let order = compare(one, other);
        if options.descending {
            order.reverse()
        } else {
            order
        }
    });
    Ok(weighed.into_iter().map(|weighed| weighed.element).collect())
}

fn compare(one: &Weighed, other: &Weighed) -> Ordering {
    match (&one.weight, &other.weight) {
        (Weight::Number(a), Weight::Number(b)) => {
            let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            // Equal numbers are told apart, so that the outcome is always the same.
            order.then_with(|| one.element.cmp(&other.element))
        }
        (Weight::Bytes(a), Weight::Bytes(b)) => a.cmp(b),
        _ => one.element.cmp(&other.element),
    }
}

/// The part of `elements` that `limit` leaves.
fn cut(mut elements: Elements, limit: Option<(i64, i64)>) -> Elements {
    let Some((skipped, most)) = limit else {
        return elements;
    };
    let skipped = usize::try_from(skipped).unwrap_or(0).min(elements.len());
    elements.drain(..skipped);
    if let Ok(most) = usize::try_from(most) {
        elements.truncate(most);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_numbers() {
        for (text, expected) in [
            ("", None),
            (" 5", None),
            ("+.5", Some(0.5)),
            ("0e5", Some(0.0)),
            ("1e-400", None),
            ("-1.5e3", Some(-1500.0)),
            ("inf", Some(f64::INFINITY)),
            ("1e400", None),
            ("nan", None),
            ("5x", None),
            ("5 ", None),
        ] {
            let found = match Weight::number(text.as_bytes()) {
                Ok(Weight::Number(number)) => Some(number),
                _ => None,
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn limits() {
        let all = || (0..4_u8).map(|number| Box::from([number])).collect();
        let left = |limit| {
            let left = cut(all(), Some(limit));
            left.iter().map(|element| element[0]).collect::<Vec<_>>()
        };
        assert_eq!(left((1, 2)), [1, 2]);
        assert_eq!(left((-3, 1)), [0]);
        assert_eq!(left((2, -1)), [2, 3]);
        assert!(left((9, 1)).is_empty());
        assert!(left((0, 0)).is_empty());
    }
}
