//! `cargo xtask bench`: the load generator and the comparisons.
//!
//! Invariant: it runs from a clean clone: what a comparison needs is built or installed here, and what cannot be had is
//! left out and named in the report, not an error.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{apt_install, become_program, cargo, find, output, root, run as run_program};
use crate::{engines, peers};

/// Programs that some scenarios start, and the Debian packages they come in.
const TOOLS: [(&str, &str); 2] = [("strace", "strace"), ("taskset", "util-linux")];

/// Builds the server that is measured and kv-bench, sees to what the chosen scenarios need, and becomes kv-bench. The
/// two are built apart, so that the server has exactly the features that it is shipped with.
///
/// # Errors
///
/// Cargo could not be started or could not build them.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    run_program(&mut cargo(["build", "--release", "-p", "kv-server"]))?;
    run_program(&mut cargo(["build", "--release", "-p", "kv-bench"]))?;
    if is_comparison(args) {
        provide(args)?;
    }
    let mut kv_bench = std::process::Command::new(root().join("target/release/kv-bench"));
    become_program(kv_bench.args(args))
}

/// Whether these arguments ask for a comparison, not for one load, the list or the help.
fn is_comparison(args: &[OsString]) -> bool {
    const OTHERS: [&str; 7] = ["load", "help", "--help", "-h", "--list", "--version", "-V"];
    !args
        .iter()
        .any(|arg| OTHERS.iter().any(|other| arg == other))
}

/// Sees to what the chosen scenarios need.
fn provide(args: &[OsString]) -> Result<()> {
    let mut ask = std::process::Command::new(root().join("target/release/kv-bench"));
    let needs = output(ask.args(args).arg("--needs"))?;
    if needs.lines().any(|need| need == "peers") {
        if let Err(error) = peers::run() {
            eprintln!("without peers: {error:#}");
        }
        for (tool, package) in TOOLS {
            if find(tool).is_none() && !apt_install(package).unwrap_or(false) {
                eprintln!("not installed: {tool} (apt-get install {package})");
            }
        }
    }
    if needs.lines().any(|need| need == "engines") {
        let is_short_look = args.iter().any(|arg| arg == "--quick");
        if let Err(error) = engines::build(is_short_look) {
            eprintln!("without embedded engines: {error:#}");
        }
    }
    Ok(())
}

#[test]
fn a_load_and_a_list_need_no_peers() {
    let asks = |words: &str| {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        is_comparison(&words)
    };
    assert!(asks("") && asks("--quick --only P1") && asks("compare"));
    assert!(!asks("load --rate 5") && !asks("--list") && !asks("compare --help"));
}
