//! The end of a server whose log has failed, while a client holds it up: whatever comes in that time, the exit
//! code says that the log has failed.

use crate::case::Case;
use crate::has_strace;
use crate::process::{Process, resp};
use crate::run::{ARGUMENTS, attach};

/// Replies of so many bytes, so many times, are more than a connection takes that nobody reads.
const VALUE_BYTES: usize = 4 << 20;
const UNREAD: usize = 16;

#[test]
fn a_signal_does_not_hide_that_the_log_has_failed() {
    if !has_strace() {
        return;
    }
    let case = Case::syncs_fail();
    let dir = tempfile::tempdir().expect("there is room for tests");
    let server = Process::start(dir.path(), &ARGUMENTS);
    let mut stuck = server.connect();
    stuck.talk(resp(&["SET", "large", &"x".repeat(VALUE_BYTES)]), "+OK\r\n");
    for _ in 0..UNREAD {
        stuck.send(resp(&["GET", "large"])).expect("it listens");
    }
    // Its session is at work on the replies, and waits for this client as long as the server lets it.
    stuck.receive(1).expect("it answers");

    let mut tracer = attach(&case, dir.path(), server.pid(), &dir.path().join("trace"));
    let reply = server.connect().ask(&["SET", "key", "1"]);
    assert!(reply.starts_with("-IOERR"), "{reply:?}");
    assert_eq!(server.terminate().code(), Some(4), "after a signal");
    tracer.wait().expect("it ends with the server");
}
