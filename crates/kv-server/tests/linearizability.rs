//! Linearizability across crashes: whatever clients see of a server that is killed again and again
//! can be explained by one copy of the data that is never lost.
//!
//! Six clients run random commands on six keys; the server is killed in the middle, while it saves a
//! snapshot, and while it recovers, and started again on its directory with other options. Then a
//! checker looks for an order of all operations in which every reply is right: nothing acknowledged
//! is lost, nothing seen is taken back, nothing happens twice or by halves, and what a crash took
//! does not come back. The environment variables that `history/campaign.rs` names say how many.
//!
//! Not here: what a power loss does (this kills a process, not a machine).

mod figures;
mod history;

use std::time::Instant;

use history::Verdict;

#[test]
fn histories_across_crashes_can_be_true() {
    let begun = Instant::now();
    let histories = history::run_all().unwrap_or_else(|error| panic!("{error:#}"));
    figures::note(5, histories, "histories across crashes", begun);
}

/// The same test on a server that promises nothing: it must fail, or it shows nothing.
#[test]
fn a_server_without_a_log_is_caught() {
    let verdict = history::judge_server_without_log().unwrap();
    assert!(matches!(verdict, Verdict::Impossible(_)), "{verdict:?}");
}
