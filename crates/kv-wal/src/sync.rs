//! How durable a write is when its reply leaves: the policies and what each survives.

use std::fmt;
use std::str::FromStr;

/// What must have happened to a write before it is acknowledged.
///
/// With each policy, what comes back after a crash is a prefix of the acknowledged order: no holes, no
/// half-applied transaction. (Keeping nothing at all on disk is not a policy of the log: it is a store
/// without one, [`kv_core::MemoryStore`].)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Flushed to stable storage with `fdatasync`: survives process crash, OS crash and power loss.
    #[default]
    Always,
    /// Handed to the kernel, flushed once a second: a process crash loses nothing that was acknowledged, an
    /// OS crash or power loss can lose the last second, never more than two.
    EverySec,
    /// Handed to the kernel, flushed when the kernel pleases: a process crash loses nothing that was
    /// acknowledged, an OS crash or power loss what had not been written back.
    No,
}

impl Durability {
    /// Every policy, the strictest first.
    pub const ALL: [Self; 3] = [Self::Always, Self::EverySec, Self::No];

    /// The word that names this policy in options and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySec => "everysec",
            Self::No => "no",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The word names no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown durability {word:?}, expected always, everysec or no")]
pub struct UnknownDurability {
    /// What was given.
    pub word: String,
}

impl FromStr for Durability {
    type Err = UnknownDurability;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == word)
            .ok_or_else(|| UnknownDurability { word: word.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_by_its_name() {
        for policy in Durability::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("Always".parse::<Durability>().is_err());
    }
}
