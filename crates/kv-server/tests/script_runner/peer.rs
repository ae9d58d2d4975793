//! Which server answers, and the selectors of `@only` that a script names it by.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

/// A family of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Kv,
    Redis,
    Valkey,
}

/// Major and minor version of a server.
type Version = (u32, u32);

/// The server at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) family: Family,
    pub(crate) version: Version,
}

impl Peer {
    /// Reads the family and the version out of the reply to `INFO server`.
    ///
    /// # Errors
    ///
    /// No version line that this module knows.
    pub(crate) fn from_info(info: &str) -> Result<Peer> {
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
        for (name, family) in [
            ("kv_version:", Family::Kv),
            ("valkey_version:", Family::Valkey),
            ("redis_version:", Family::Redis),
        ] {
            if let Some(text) = field(name) {
                return Ok(Peer {
                    family,
                    version: version(text)?,
                });
            }
        }
        bail!("INFO server names no version");
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.family {
            Family::Kv => "kv",
            Family::Redis => "redis",
            Family::Valkey => "valkey",
        };
        write!(out, "{name} {}.{}", self.version.0, self.version.1)
    }
}

/// `redis`, `redis>=8.4` or `redis<8.4`: a set of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    family: Family,
    bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtLeast(Version),
    Below(Version),
}

impl Selector {
    /// Says whether `peer` belongs to the set.
    pub(crate) fn selects(&self, peer: Peer) -> bool {
        let in_bound = match self.bound {
            None => true,
            Some(Bound::AtLeast(version)) => peer.version >= version,
            Some(Bound::Below(version)) => peer.version < version,
        };
        self.family == peer.family && in_bound
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Selector> {
        let (name, bound) = if let Some((name, least)) = text.split_once(">=") {
            (name, Some(Bound::AtLeast(version(least)?)))
        } else if let Some((name, end)) = text.split_once('<') {
            (name, Some(Bound::Below(version(end)?)))
        } else {
            (text, None)
        };
        let family = match name {
            "kv" => Family::Kv,
            "redis" => Family::Redis,
            "valkey" => Family::Valkey,
            _ => bail!("unknown peer {text:?}: kv, redis or valkey, >=VERSION or <VERSION behind"),
        };
        Ok(Selector { family, bound })
    }
}

/// Reads `MAJOR.MINOR`; what follows is left out.
fn version(text: &str) -> Result<Version> {
    let mut parts = text.trim().split('.');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    number()
        .zip(number())
        .with_context(|| format!("{text:?} is not a version like 8.4"))
}

#[test]
fn peers_are_told_apart_by_their_info() {
    let peer = |info| Peer::from_info(info).unwrap().to_string();
    assert_eq!(peer("# Server\r\nredis_version:8.2.1\r\n"), "redis 8.2");
    assert_eq!(
        peer("redis_version:7.2.4\r\nvalkey_version:9.1.0\r\n"),
        "valkey 9.1"
    );
    assert_eq!(
        peer("redis_version:7.2.4\r\nkv_version:0.1.0\r\n"),
        "kv 0.1"
    );
    assert!(Peer::from_info("# Server\r\n").is_err());
}

#[test]
fn selectors_compare_versions_as_numbers() {
    let redis = Peer {
        family: Family::Redis,
        version: (8, 10),
    };
    let selects = |text: &str| text.parse::<Selector>().unwrap().selects(redis);
    assert!(selects("redis") && selects("redis>=8.4") && selects("redis<9.0"));
    assert!(!selects("valkey") && !selects("redis>=8.11") && !selects("redis<8.10"));
    assert!("mysql".parse::<Selector>().is_err());
    assert!("redis>=8".parse::<Selector>().is_err());
}
