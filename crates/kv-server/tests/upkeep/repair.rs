//! `wal repair` and `--repair`: what is kept, what is put aside, and what people are told.

use super::*;

#[test]
fn repair_keeps_what_comes_before_the_damage_and_puts_the_rest_aside() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let second = segments(&data)[1].clone();
    damage(&second);
    let before = contents(&data);

    // Nothing is cut off without the word for it.
    let (code, ..) = kv(&["wal", "repair", text(&data)]);
    assert_eq!(code, Some(2));
    assert_eq!(contents(&data), before);

    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0), "{told}");
    let (_, kept) = told.split_once("kept: everything up to LSN ").unwrap();
    let kept: usize = kept.lines().next().unwrap().parse().unwrap();
    assert!((20..50).contains(&kept), "{told}");
    assert!(
        told.contains(&format!("lost: LSN {} to 50 or later", kept + 1)),
        "{told}"
    );

    let aside = data
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    assert!(told.contains(text(&aside)), "{told}");
    for (path, bytes) in contents(&aside) {
        let original = data.join(path.file_name().unwrap());
        assert_eq!(before.get(&original), Some(&bytes), "{}", path.display());
    }
    assert!(aside.join("MANIFEST").exists());
    assert!(aside.join(second.file_name().unwrap()).exists());

    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0));
    assert!(
        told.contains("nothing is damaged, nothing was changed"),
        "{told}"
    );
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    assert_eq!(count_keys(&server), kept);
}

#[test]
fn a_start_repairs_only_when_it_is_told_to() {
    let dir = filled(50);
    let data = dir.path().join("data");
    damage(&segments(&data)[0]);
    // The manifest too, all of it.
    std::fs::write(data.join("MANIFEST"), b"nothing of use").unwrap();
    let before = contents(&data);

    let (code, _, error) = kv(&["--port", "0", "--dir", text(&data)]);
    assert_eq!(code, Some(3));
    assert!(error.contains("--repair=truncate"), "{error}");
    assert_eq!(contents(&data), before);

    let server = Process::start(dir.path(), &["--repair=truncate"]);
    let kept = count_keys(&server);
    assert!(kept > 0 && kept < 20, "{kept}");
    assert!(server.stderr().contains("repaired by truncating"));
    fill(&server, 30);
    assert_eq!(server.terminate().code(), Some(0));

    let server = Process::start(dir.path(), &["--repair=truncate"]);
    assert!(server.stderr().contains("nothing is damaged"));
    assert_eq!(count_keys(&server), 30);
}

#[test]
fn a_missing_segment_is_cut_off_too() {
    let dir = filled(70);
    let data = dir.path().join("data");
    let all = segments(&data);
    assert!(all.len() >= 3);
    std::fs::remove_file(&all[1]).unwrap();
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(3));
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("to 70 or later"), "{told}");
    assert_eq!(segments(&data), all[..1]);
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0));

    // Without the first one nothing is left that could be proven.
    std::fs::remove_file(&all[0]).unwrap();
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(3));
    assert!(
        told.contains("nothing before it is left: restore a backup"),
        "{told}"
    );
}

#[test]
fn a_repair_leaves_the_snapshot_when_the_log_behind_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, 30);
    server.connect().talk(resp(&["SAVE"]), "+OK\r\n");
    fill(&server, 60);
    assert_eq!(server.terminate().code(), Some(0));
    let data = dir.path().join("data");
    let lost = segments(&data)
        .into_iter()
        .find(|path| text(path).ends_with("-00000000000000000031.log"))
        .unwrap();
    std::fs::remove_file(lost).unwrap();

    let (code, _, error) = kv(&["--port", "0", "--dir", text(&data)]);
    assert_eq!(code, Some(3));
    assert!(error.contains("--repair=truncate"), "{error}");
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0), "{told}");
    for said in [
        "the file is missing",
        "kept: everything up to LSN 30, from the snapshot up to LSN 30 and no log behind it",
        "lost: LSN 31 to 90 or later, 60 changes or more, last time mark 2",
        "the files as they were are in",
    ] {
        assert!(told.contains(said), "{told}");
    }
    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0), "{said}");

    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    assert!(server.greeting.contains("with a snapshot of 30 keys"));
    assert_eq!(count_keys(&server), 30);
}
