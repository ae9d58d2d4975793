//! What a load asks for: operations and their shares.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt as _};

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET key`
    Get,
    /// `SET key value`
    Set,
    /// `INCR key`, on keys of their own.
    Incr,
    /// `MSET` of ten keys.
    Mset,
    /// `PING`
    Ping,
}

impl Operation {
    /// All of them, with the names by which a mix calls them.
    const NAMES: [(&'static str, Self); 5] = [
        ("get", Self::Get),
        ("set", Self::Set),
        ("incr", Self::Incr),
        ("mset", Self::Mset),
        ("ping", Self::Ping),
    ];

    fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, operation)| *operation == self)
            .map_or("", |(name, _)| name)
    }
}

/// Operations and how often each comes: `get=9,set=1` is nine reads for one write, `ping` pings only.
///
/// Invariant: there is at least one operation, and every weight is at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    parts: Vec<(Operation, u32)>,
    total: u32,
}

impl Mix {
    /// This operation and no other.
    #[must_use]
    pub fn only(operation: Operation) -> Self {
        Self {
            parts: vec![(operation, 1)],
            total: 1,
        }
    }

    /// The next operation, drawn by weight.
    #[must_use]
    pub fn pick(&self, rng: &mut impl Rng) -> Operation {
        let (mut operation, first) = self.parts[0];
        if self.parts.len() == 1 {
            return operation;
        }
        let mut drawn = rng.random_range(0..self.total);
        let mut weight = first;
        for &(next, next_weight) in &self.parts[1..] {
            if drawn < weight {
                break;
            }
            drawn -= weight;
            (operation, weight) = (next, next_weight);
        }
        operation
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts: Vec<(Operation, u32)> = Vec::new();
        let mut total = 0_u32;
        for part in text.split(',') {
            let (operation, weight) = parse_part(part.trim())?;
            if parts.iter().any(|(known, _)| *known == operation) {
                return Err(format!("'{}' is there twice", operation.name()));
            }
            total = total
                .checked_add(weight)
                .ok_or_else(|| "the weights are too large".to_owned())?;
            parts.push((operation, weight));
        }
        Ok(Self { parts, total })
    }
}

fn parse_part(part: &str) -> Result<(Operation, u32), String> {
    let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
    let operation = Operation::NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, operation)| *operation)
        .ok_or_else(|| format!("'{name}' is not one of get, set, incr, mset, ping"))?;
    let weight = weight
        .parse::<u32>()
        .ok()
        .filter(|weight| *weight > 0)
        .ok_or_else(|| format!("the weight of '{name}' must be a whole number from 1"))?;
    Ok((operation, weight))
}

impl fmt::Display for Mix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (operation, weight)) in self.parts.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(out, "{separator}{}={weight}", operation.name())?;
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
    fn a_mix_reads_back_as_it_was_written() {
        for text in ["get=9,set=1", "ping=1", "incr=2,mset=3,get=1"] {
            assert_eq!(text.parse::<Mix>().unwrap().to_string(), text);
        }
        assert_eq!("SET".parse::<Mix>().unwrap(), Mix::only(Operation::Set));
    }

    #[test]
    fn a_wrong_mix_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Mix>().unwrap_err();
        assert!(error("").contains("'' is not one of"));
        assert!(error("fly=1").contains("'fly' is not one of"));
        assert!(error("get=0").contains("weight of 'get'"));
        assert!(error("get=-1").contains("weight of 'get'"));
        assert!(error("get=1,get=2").contains("twice"));
        assert!(error("get=4294967295,set=1").contains("too large"));
    }

    #[test]
    fn operations_come_by_weight() {
        let mix: Mix = "get=9,set=1".parse().unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        let sets = (0..10_000)
            .filter(|_| mix.pick(&mut rng) == Operation::Set)
            .count();
        assert!((800..1_200).contains(&sets), "{sets} of 10000");
    }
}
