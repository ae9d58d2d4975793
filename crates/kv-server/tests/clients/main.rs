//! Real client libraries in their ordinary use, against a real process.
//!
//! Owns the server that they meet. What they do with it stands in `python.py` (the package `redis`, from
//! `target/peers`) and in `rust.rs` (the crate `redis`).
//! Invariant: with `KV_PEERS=required` nothing is left out; else Python's part says that it did not run.

mod rust;

#[path = "../process/mod.rs"]
mod process;

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use process::Process;

#[test]
fn python_redis_works_as_its_users_expect() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../target/peers/venv/bin/python");
    if !python.exists() {
        let required = env::var("KV_PEERS").is_ok_and(|value| value == "required");
        assert!(
            !required,
            "Python's client is not installed: run cargo xtask peers"
        );
        // Nobody can be told that there is no standard error.
        let _ = writeln!(
            std::io::stderr(),
            "clients: NOT RUN, Python's client is not installed: run cargo xtask peers"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &[]);
    let output = Command::new(python)
        .arg(here.join("tests/clients/python.py"))
        .arg(server.address().port().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}{complained}{}",
        server.stderr()
    );
    assert!(said.contains(" checks passed"), "{said}");
}
