//! Directories that somebody has damaged from outside, under the whole program: what cannot be started says which
//! file it is and what to do, and what starts has all its data.

use super::*;

/// A directory with two snapshots and log before, between and behind them.
fn with_snapshots(format: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [&SMALL_SEGMENTS[..], &["--wal-format", format]].concat();
    let server = Process::start(dir.path(), &arguments);
    for _ in 0..2 {
        fill(&server, 30);
        server.connect().talk(resp(&["SAVE"]), "+OK\r\n");
    }
    fill(&server, 40);
    assert_eq!(server.terminate().code(), Some(0));
    dir
}

/// Starts a server that must not start: its exit code and what it said.
fn refused(data: &Path) -> (Option<i32>, String) {
    let (code, _, error) = kv(&["--port", "0", "--dir", text(data)]);
    (code, error)
}

/// Puts `before` back, and removes what came since.
fn restore(data: &Path, before: &BTreeMap<PathBuf, Vec<u8>>) {
    for name in contents(data).keys() {
        std::fs::remove_file(name).unwrap();
    }
    for (name, bytes) in before {
        std::fs::write(name, bytes).unwrap();
    }
}

#[test]
fn a_flipped_bit_is_refused_with_its_place_or_changes_nothing() {
    for format in ["binary", "json"] {
        let dir = with_snapshots(format);
        let data = dir.path().join("data");
        let before = contents(&data);
        let mut number = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |end: usize| {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            usize::try_from(number >> 11).unwrap() % end
        };
        // One bit of each file.
        for (name, bytes) in &before {
            let mut flipped = bytes.clone();
            let at = below(bytes.len());
            flipped[at] ^= 1 << below(8);
            std::fs::write(name, flipped).unwrap();
            let (code, _, told) = kv(&["wal", "verify", text(&data)]);
            if code == Some(3) {
                let (code, error) = refused(&data);
                assert_eq!(code, Some(3), "{error}");
                for said in [text(name), "is damaged at offset", "--repair=truncate"] {
                    assert!(error.contains(said), "{error}");
                }
            } else {
                assert_eq!(code, Some(0), "{told}");
                let server = Process::start(dir.path(), &SMALL_SEGMENTS);
                assert_eq!(count_keys(&server), 40, "byte {at} of {}", name.display());
                server.kill();
            }
            restore(&data, &before);
        }
    }
}

#[test]
fn what_is_not_the_file_that_it_should_be_is_named() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let segment = segments(&data).remove(1);
    for name in [data.join("MANIFEST"), data.join("LOCK"), segment] {
        let aside = dir.path().join("aside");
        std::fs::rename(&name, &aside).unwrap();
        std::fs::create_dir(&name).unwrap();
        let (code, error) = refused(&data);
        assert_ne!(code, Some(0));
        assert!(
            error.contains(text(&name)) && error.contains("ls -la"),
            "{error}"
        );
        std::fs::remove_dir(&name).unwrap();
        std::fs::rename(&aside, &name).unwrap();
    }
    let file = dir.path().join("file");
    std::fs::write(&file, b"not a directory").unwrap();
    let (code, error) = refused(&file);
    assert_eq!(code, Some(1));
    assert!(error.contains(text(&file)), "{error}");

    // What the lock holds means nothing: the lock itself does.
    std::fs::write(data.join("LOCK"), b"\xff1").unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    assert_eq!(count_keys(&server), 50);
}
