//! Looking for crashes that break the promise.
//!
//! 1. *Live*: a real store runs on a simulated disk; threads write, read and wait, and it is noted what they
//!    did, what they were told, and at which place in the disk's trace they were told it ([`Life`]).
//! 2. *Search*: for every place in the trace, and for much of what a crash there can leave behind, the disk is
//!    made again and opened with the real recovery ([`search`]).
//! 3. *Judge*: what is recovered must be a prefix of the history, not shorter than what anybody was told or
//!    has seen, the same the second time, without a byte of an older file rewritten ([`Judge`]).
//!
//! The next life of a store begins with one of those crashed disks ([`Scenario`]). Of some lives calls fail
//! ([`Trial`]).

mod history;
mod judge;
mod life;
mod model;
mod notes;
mod plan;
mod report;
mod scenario;
mod search;
mod threads;
mod trial;

pub use history::{Floor, History, Unit};
pub use judge::{Judge, Verdict, Wrap};
pub use life::{Crash, Life, Past};
pub use model::{Keyed, Model, Step};
pub use plan::{Cheat, Plan};
pub use report::{Case, Report, Violation};
pub use scenario::{Scenario, judge_kept};
pub use search::{Effort, search};
pub use trial::Trial;
