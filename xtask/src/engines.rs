//! Builds the program that measures embedded engines, in `target/engines`; a comparison needs it, nothing else does.
//!
//! Owns the question whether RocksDB can be built in. Its Rust crate needs libclang, and Debian's library or ten
//! minutes of compiling C++; where that cannot be had, the program is built without it, and the report says so.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::{apt_install, cargo, root, run};

/// Where libraries lie.
const LIBRARY_FOLDERS: [&str; 6] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/riscv64-linux-gnu",
];

/// What RocksDB's library is called.
const ROCKSDB_LIBRARY: &str = "librocksdb.so";

/// Builds the program with every engine that can be had.
///
/// # Errors
///
/// It could not be built even without RocksDB.
pub(crate) fn build(is_short_look: bool) -> Result<()> {
    match rocksdb(is_short_look)? {
        RocksDb::Absent(why) => eprintln!("RocksDB is left out: {why}"),
        RocksDb::Library(folder) => {
            let mut build = build_with(&["--features", "rocksdb"]);
            build.env("ROCKSDB_LIB_DIR", &folder);
            // So that the report names the version that was measured: librocksdb.so is a link to it.
            let library = fs::canonicalize(folder.join(ROCKSDB_LIBRARY))?;
            if let Some(name) = library.file_name() {
                build.env("KV_BENCH_ROCKSDB", name);
            }
            match run(&mut build) {
                Ok(()) => return Ok(()),
                Err(error) => eprintln!("RocksDB is left out: {error:#}"),
            }
        }
        RocksDb::Source => {
            eprintln!("RocksDB is compiled, once: ten minutes or more");
            match run(&mut build_with(&["--features", "rocksdb"])) {
                Ok(()) => return Ok(()),
                Err(error) => eprintln!("RocksDB is left out: {error:#}"),
            }
        }
    }
    run(&mut build_with(&[]))
}

fn build_with(features: &[&str]) -> std::process::Command {
    let mut build = cargo(["build", "--release", "--manifest-path"]);
    build.arg(root().join("crates/kv-bench/engines/Cargo.toml"));
    build.arg("--target-dir").arg(root().join("target/engines"));
    build.args(features);
    build
}

/// How RocksDB can be had.
enum RocksDb {
    /// From the system, in this folder.
    Library(PathBuf),
    /// Only as source.
    Source,
    /// Not at all, and why.
    Absent(&'static str),
}

fn rocksdb(is_short_look: bool) -> Result<RocksDb> {
    if !has_libclang() && !apt_install("libclang-dev").unwrap_or(false) {
        return Ok(RocksDb::Absent(
            "it needs libclang (apt-get install libclang-dev librocksdb-dev)",
        ));
    }
    if library_folder().is_none() {
        // Where this fails, the source is left.
        let _ = apt_install("librocksdb-dev");
    }
    Ok(match library_folder() {
        Some(folder) => RocksDb::Library(folder),
        None if is_short_look => RocksDb::Absent(
            "its library is not there (apt-get install librocksdb-dev) and compiling it takes too long for --quick",
        ),
        None => RocksDb::Source,
    })
}

fn library_folder() -> Option<PathBuf> {
    let folders = LIBRARY_FOLDERS.iter().map(PathBuf::from);
    folders
        .into_iter()
        .find(|folder| folder.join(ROCKSDB_LIBRARY).exists())
}

fn has_libclang() -> bool {
    let llvm = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let llvm = llvm
        .map(|entry| entry.path().join("lib"))
        .filter(|path| path.display().to_string().contains("/llvm"));
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let usual = LIBRARY_FOLDERS.iter().map(PathBuf::from);
    usual
        .chain(llvm)
        .chain(named)
        .any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .any(|name| name.starts_with("libclang.so") || name.starts_with("libclang-1"))
}

#[test]
fn libclang_is_told_from_its_neighbours() {
    let folder = root().join("target/xtask/libclang");
    fs::create_dir_all(&folder).unwrap();
    let at = |name: &str| folder.join(name);
    let _ = fs::remove_file(at("libclang-14.so.1"));
    fs::write(at("libclang-cpp.so.14"), "").unwrap();
    fs::write(at("libclangAST.a"), "").unwrap();
    assert!(!holds_libclang(&folder));
    fs::write(at("libclang-14.so.1"), "").unwrap();
    assert!(holds_libclang(&folder));
}
