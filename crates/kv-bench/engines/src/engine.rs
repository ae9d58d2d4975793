//! The engines by name, and their versions as the lock file has them.

use std::collections::BTreeMap;

use clap::ValueEnum;

/// Which versions this program is built from.
const LOCK: &str = include_str!("../Cargo.lock");

/// RocksDB's library, where it is the system's.
const ROCKSDB_LIBRARY: Option<&str> = option_env!("KV_BENCH_ROCKSDB");

/// Everything that can be measured here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Ours.
    Kv,
    Dashmap,
    Papaya,
    Moka,
    Redb,
    Fjall,
    Lmdb,
    Sled,
    #[cfg(feature = "rocksdb")]
    Rocksdb,
}

impl Engine {
    /// The crate that it comes from.
    fn package(self) -> &'static str {
        match self {
            Self::Kv => "kv-wal",
            Self::Dashmap => "dashmap",
            Self::Papaya => "papaya",
            Self::Moka => "moka",
            Self::Redb => "redb",
            Self::Fjall => "fjall",
            Self::Lmdb => "heed",
            Self::Sled => "sled",
            #[cfg(feature = "rocksdb")]
            Self::Rocksdb => "rocksdb",
        }
    }

    /// The name by which the command line knows it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Each engine that is built in, with the name and version of its crate.
pub(crate) fn versions() -> BTreeMap<String, String> {
    let version = |engine: &Engine| {
        let package = engine.package();
        let version = locked(package).unwrap_or("of unknown version");
        let library = match (engine.name().as_str(), ROCKSDB_LIBRARY) {
            ("rocksdb", Some(library)) => format!(" with {library}"),
            _ => String::new(),
        };
        (engine.name(), format!("{package} {version}{library}"))
    };
    Engine::value_variants().iter().map(version).collect()
}

/// The version of `package` in the lock file.
fn locked(package: &str) -> Option<&'static str> {
    let name = format!("name = \"{package}\"");
    let mut lines = LOCK.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_a_version() {
        for (engine, version) in versions() {
            assert!(!version.contains("unknown"), "{engine}: {version}");
        }
    }
}
