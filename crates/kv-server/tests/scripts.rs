//! Runs the text scripts under `tests/scripts/` and says which replies differ.
//!
//! Owns which server the scripts meet: the kv-server that cargo has just built, on a fresh
//! directory, or a server that already runs when `KV_SCRIPTS_AGAINST=host:port` is set (every key
//! of that server is deleted). `KV_SCRIPTS_ONLY=string/set` runs the scripts whose path contains
//! the text. The format is described in `docs/testing.md`, its reading in `script_runner`.
//!
//! Invariant: a run that found no script fails; an empty folder is not a pass.

mod script_runner;

use std::env;
use std::path::Path;

use anyhow::Context;
use script_runner::run::{Verdict, run_script};
use script_runner::script::find_scripts;
use script_runner::server::Server;

#[test]
fn every_script_passes() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let only = env::var("KV_SCRIPTS_ONLY").unwrap_or_default();
    let names = find_scripts(&folder, &only)?;
    assert!(!names.is_empty(), "no script's path contains {only:?}");

    let server = match env::var("KV_SCRIPTS_AGAINST") {
        Ok(address) => Server::running(&address)?,
        Err(_) => Server::spawn()?,
    };
    println!("{} scripts against {}", names.len(), server.peer());
    let mut failed = Vec::new();
    let mut steps = 0;
    for name in &names {
        let verdict = run_script(&folder, name, &server)
            .with_context(|| format!("before {name}; {}", server.last_words()))?;
        match verdict {
            Verdict::Passed { steps: 0 } => println!("skip {name}"),
            Verdict::Passed { steps: count } => {
                steps += count;
                println!("pass {name} ({count} steps)");
            }
            Verdict::Failed(differences) => {
                println!("FAIL {name}\n{differences}");
                failed.push(name.as_str());
            }
        }
    }
    println!(
        "{} of {} scripts passed, {steps} steps",
        names.len() - failed.len(),
        names.len()
    );
    assert!(
        failed.is_empty(),
        "scripts that differ: {}",
        failed.join(" ")
    );
    Ok(())
}
