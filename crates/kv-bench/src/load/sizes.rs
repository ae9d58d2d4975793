//! How long values are.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt as _};

/// The longest value there can be: 512 MiB.
pub(super) const VALUE_BYTES_MAX: u32 = 512 << 20;

/// Lengths of values: `64` is always the same, `16..1024` every length between the two, and `64=9,4096=1` is nine
/// short values for one long.
///
/// Invariant: there is a length, each range goes upwards, every weight is at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueSizes {
    parts: Vec<Part>,
    total: u32,
}

/// One length, or all lengths from one to another, and how often they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    least: u32,
    most: u32,
    weight: u32,
}

impl ValueSizes {
    /// Always this length.
    #[must_use]
    pub fn exactly(bytes: u32) -> Self {
        Self {
            parts: vec![Part {
                least: bytes,
                most: bytes,
                weight: 1,
            }],
            total: 1,
        }
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.parts.iter().map(|part| part.most).max().unwrap_or(0)
    }

    /// The shortest.
    #[must_use]
    pub fn least(&self) -> u32 {
        self.parts.iter().map(|part| part.least).min().unwrap_or(0)
    }

    /// The next length, drawn.
    #[must_use]
    pub fn pick(&self, rng: &mut impl Rng) -> usize {
        let part = self.part(rng);
        let bytes = if part.least == part.most {
            part.least
        } else {
            rng.random_range(part.least..=part.most)
        };
        bytes as usize
    }

    fn part(&self, rng: &mut impl Rng) -> Part {
        if let [only] = self.parts[..] {
            return only;
        }
        let mut drawn = rng.random_range(0..self.total);
        for part in &self.parts {
            if drawn < part.weight {
                return *part;
            }
            drawn -= part.weight;
        }
        self.parts[0]
    }
}

impl FromStr for ValueSizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<Part> = text.split(',').map(parse_part).collect::<Result<_, _>>()?;
        let total = parts
            .iter()
            .try_fold(0_u32, |sum, part| sum.checked_add(part.weight))
            .ok_or("the weights are too large")?;
        Ok(Self { parts, total })
    }
}

fn parse_part(part: &str) -> Result<Part, String> {
    let (range, weight) = part.split_once('=').unwrap_or((part, "1"));
    let weight = weight.trim().parse().ok().filter(|weight| *weight > 0);
    let weight = weight.ok_or(format!("'{part}': a weight is a whole number from 1"))?;
    let (least, most) = range.split_once("..").unwrap_or((range, range));
    let bytes = |text: &str| text.trim().parse().ok();
    match (bytes(least), bytes(most)) {
        (Some(least), Some(most)) if least <= most && most <= VALUE_BYTES_MAX => Ok(Part {
            least,
            most,
            weight,
        }),
        _ => Err(format!(
            "'{part}' is no length of values: 64, 16..1024 or 64=9,4096=1, at most {VALUE_BYTES_MAX}"
        )),
    }
}

impl fmt::Display for ValueSizes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.parts.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(out, "{separator}{}", part.least)?;
            if part.most > part.least {
                write!(out, "..{}", part.most)?;
            }
            if self.parts.len() > 1 {
                write!(out, "={}", part.weight)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn lengths_read_back_as_they_were_written() {
        for text in ["64", "0", "16..1024", "64=9,4096=1", "1..9=2,100=1"] {
            assert_eq!(text.parse::<ValueSizes>().unwrap().to_string(), text);
        }
        let sizes: ValueSizes = "16..1024,4096=2".parse().unwrap();
        assert_eq!((sizes.least(), sizes.most()), (16, 4096));
    }

    #[test]
    fn wrong_lengths_say_what_is_wrong() {
        for text in [
            "",
            "x",
            "9..1",
            "-1",
            "64=0",
            "64=x",
            "536870913",
            "1..2..3",
        ] {
            let error = text.parse::<ValueSizes>().unwrap_err();
            assert!(error.contains(text), "{text}: {error}");
        }
        let error = "1=4294967295,2=1".parse::<ValueSizes>().unwrap_err();
        assert!(error.contains("too large"), "{error}");
    }

    #[test]
    fn lengths_come_by_weight_and_within_their_range() {
        let mut rng = StdRng::seed_from_u64(1);
        let sizes: ValueSizes = "10..20=9,500=1".parse().unwrap();
        let drawn: Vec<usize> = (0..10_000).map(|_| sizes.pick(&mut rng)).collect();
        let long = drawn.iter().filter(|bytes| **bytes == 500).count();
        assert!((800..1_200).contains(&long), "{long} of 10000");
        assert!(
            drawn
                .iter()
                .all(|bytes| (10..=20).contains(bytes) || *bytes == 500)
        );
        assert!(drawn.contains(&10) && drawn.contains(&20));
    }
}
