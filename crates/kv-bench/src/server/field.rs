//! Which servers take part: ours, and the peers that are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::ServerKind;

/// One server that takes part.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// Which it is.
    pub kind: ServerKind,
    /// Its program.
    pub binary: PathBuf,
    /// What it says about its version.
    pub version: String,
}

/// All servers of a comparison.
#[derive(Clone, Debug)]
pub struct Field {
    /// Those that take part, ours first.
    pub entrants: Vec<Entrant>,
    /// Why others do not, a sentence each.
    pub absent: Vec<String>,
}

impl Field {
    /// Looks for kv-server at `server` and for the peers in `peers`.
    ///
    /// # Errors
    ///
    /// When kv-server is not there. An absent peer is left out and named.
    pub fn find(server: &Path, peers: &Path) -> anyhow::Result<Self> {
        if !server.is_file() {
            bail!(
                "no server at {}: build it with `cargo build --release -p kv-server`",
                server.display()
            );
        }
        let mut field = Self {
            entrants: vec![entrant(ServerKind::Kv, server.to_owned())?],
            absent: Vec::new(),
        };
        for kind in ServerKind::PEERS {
            let binary = peers.join(kind.name());
            if binary.is_file() {
                field.entrants.push(entrant(kind, binary)?);
            } else {
                field.absent.push(format!(
                    "{} is not in {}: `cargo xtask peers` installs it",
                    kind.name(),
                    peers.display()
                ));
            }
        }
        Ok(field)
    }
}

fn entrant(kind: ServerKind, binary: PathBuf) -> anyhow::Result<Entrant> {
    let output = Command::new(&binary)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().next().unwrap_or_default().trim().to_owned();
    Ok(Entrant {
        kind,
        binary,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_names_the_command_that_builds_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = Field::find(&dir.path().join("kv-server"), dir.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("cargo build --release -p kv-server")
        );
    }

    #[test]
    fn absent_peers_are_named_and_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let field = Field::find(Path::new("/bin/true"), dir.path()).unwrap();
        assert_eq!(field.entrants.len(), 1);
        assert_eq!(field.absent.len(), ServerKind::PEERS.len());
        assert!(field.absent[0].contains("redis-server"));
    }
}
