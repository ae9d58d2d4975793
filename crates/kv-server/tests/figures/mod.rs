//! The figures of the table in `docs/testing.md`: each test says its own, `cargo xtask test` collects them from
//! the file that `KV_TEST_FIGURES` names.

use std::env;
use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

/// Says that a test of `row`, begun at `begun`, has done `count` times `unit`.
#[expect(clippy::print_stdout, reason = "the figures are what a run is for")]
pub(crate) fn note(row: u32, count: u64, unit: &str, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("row {row}: {count} {unit}, {seconds:.1} s");
    if let Some(path) = env::var_os("KV_TEST_FIGURES") {
        let file = File::options().append(true).create(true).open(path);
        // One write, so that tests beside this one do not mix their lines with it.
        let line = format!("{row}\t{count}\t{unit}\t{seconds:.1}\n");
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.expect("KV_TEST_FIGURES names a file that can be written");
    }
}
