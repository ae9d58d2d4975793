//! The reference pages under `docs/` say what the program's tables say.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn docs_are_current() {
    let made = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_kv-server"))
        .arg("generate-docs")
        .arg(made.path())
        .status()
        .unwrap();
    assert!(status.success());
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for page in ["commands.md", "config.md"] {
        let current = fs::read_to_string(made.path().join(page)).unwrap();
        let kept = fs::read_to_string(docs.join(page)).unwrap_or_default();
        assert!(
            kept == current,
            "docs/{page} is older than the tables: run `cargo xtask docs`"
        );
    }
}
