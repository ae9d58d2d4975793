//! What strace saw: which calls on which files failed by injection, and what came after them.

use std::collections::BTreeMap;

/// One call, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// The first file or directory that it names, without its folder.
    pub(crate) file: String,
    pub(crate) injected: bool,
}

/// The calls in the order in which they ended.
pub(crate) fn read(trace: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        let (name, file) = if let Some(resumed) = rest.strip_prefix("<... ") {
            let name = resumed.split(' ').next().unwrap_or_default();
            begun.remove(thread).unwrap_or((name, ""))
        } else if let Some((name, arguments)) = rest.split_once('(') {
            let path = arguments.split_once('<').map_or("", |(_, path)| path);
            let path = path.split_once('>').map_or("", |(path, _)| path);
            (name, path.rsplit_once('/').map_or(path, |(_, file)| file))
        } else {
            continue;
        };
        if rest.ends_with("<unfinished ...>") {
            begun.insert(thread, (name, file));
            continue;
        }
        calls.push(Call {
            name: name.into(),
            file: file.into(),
            injected: rest.ends_with("(INJECTED)"),
        });
    }
    calls
}

impl Call {
    /// Whether it syncs a file or directory.
    pub(crate) fn syncs(&self) -> bool {
        self.name.starts_with("fdatasync") || self.name.starts_with("fsync")
    }

    /// Whether it is of a segment that has its name.
    pub(crate) fn is_of_log(&self) -> bool {
        self.file.starts_with("wal-")
    }
}

/// What is wrong: a file of the log that was synced again after a sync of it had failed.
pub(crate) fn retried_sync(calls: &[Call]) -> Option<&Call> {
    let failed = |call: &Call| call.injected && call.syncs() && call.is_of_log();
    let at = calls.iter().position(failed)?;
    let file = &calls[at].file;
    calls[at + 1..]
        .iter()
        .find(|later| later.syncs() && later.file == *file)
}

#[test]
fn a_trace_is_understood() {
    let trace = "\
7 fdatasync(6</x/data/wal-1.log>) = 0
8 pwrite64(9</x/data/MANIFEST.tmp>, \"kv\"..., 133, 0 <unfinished ...>
7 fdatasync(6</x/data/wal-1.log>) = -1 EIO (Input/output error) (INJECTED)
8 <... pwrite64 resumed>) = 133
7 fdatasync(6</x/data/wal-1.log>) = 0
7 +++ exited with 4 +++
";
    let calls = read(trace);
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.name.as_str(), call.file.as_str(), call.injected))
        .collect();
    assert_eq!(
        seen,
        [
            ("fdatasync", "wal-1.log", false),
            ("fdatasync", "wal-1.log", true),
            ("pwrite64", "MANIFEST.tmp", false),
            ("fdatasync", "wal-1.log", false),
        ]
    );
    assert!(retried_sync(&calls).is_some());
    assert!(retried_sync(&calls[..3]).is_none());
}
