//! A simulated disk: an [`Fs`] in memory that knows what is durable and what is only written.
//!
//! Every call is counted, so that one of them can be made to fail. Every call that changes something is also
//! kept, in the order in which the disk saw them, as a [`Trace`]. Crashes are not played while a program
//! runs: they are looked for afterwards in the trace, at every place in it, as often as one likes. So the
//! threads of the program may run as they please, and a crash found in a trace is found again.
//!
//! Whoever uses the disk can ask for its [`SimDisk::position`], and so knows which of his acknowledgements
//! came before which call.
//!
//! What is simulated is stricter than any one file system: names, lengths, and bytes of different files and
//! of one file become durable in any order until they are synced. What is taken for granted is that syncing
//! works if it says so, that durable bytes stay, that a sector is written wholly or not at all, and that
//! dropping a clean page means that it is read from the disk again.

mod bytes;
mod chance;
mod fate;
mod fault;
mod operation;
mod sim;
mod state;
mod trace;

pub use bytes::FileBytes;
pub(crate) use bytes::{fingerprint, mix};
pub use chance::Chance;
pub use fate::{Fates, SECTOR_BYTES};
pub use fault::{Fault, Struck, Trouble};
pub use operation::{Change, FileId, NameChange, Operation};
pub use sim::SimDisk;
pub use state::{DiskState, Names};
pub use trace::Trace;
