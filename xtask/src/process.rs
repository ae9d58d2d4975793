//! Starts other programs, shows what it starts, and turns their end into a result.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// A cargo command in the workspace: the same cargo that has started this program.
pub(crate) fn cargo<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// Shows `command` and waits for its end.
///
/// # Errors
///
/// It could not be started, or it ended with another code than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}

/// Shows `command` and becomes it, so that signals and exit codes are its own.
///
/// # Errors
///
/// It could not be started; else this never returns.
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("$ {shown}");
    Err(command.exec()).with_context(|| format!("cannot start {shown}"))
}

/// Runs `command` without showing anything; returns what it wrote to stdout.
///
/// # Errors
///
/// It could not be started, or it ended with another code than 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {shown}"))?;
    ensure!(
        output.status.success(),
        "{shown} ended with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Finds a program on `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Installs a Debian package; false where there is no apt or the user is not root.
///
/// # Errors
///
/// There is no such package, or it could not be installed.
pub(crate) fn apt_install(package: &str) -> Result<bool> {
    let root_user = output(Command::new("id").arg("-u"))? == "0";
    if find("apt-get").is_none() || !root_user {
        return Ok(false);
    }
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    if run(&mut install).is_err() {
        // The usual reason: package lists that are older than the mirror.
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        run(&mut install)?;
    }
    Ok(true)
}

/// The command as one would type it, without the folder of the program.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn commands_are_shown_without_folders() {
    let mut command = Command::new("/usr/bin/cargo");
    command.args(["test", "--workspace"]);
    assert_eq!(show(&command), "cargo test --workspace");
}

#[test]
fn the_end_of_a_program_is_its_result() {
    assert!(run(&mut Command::new("true")).is_ok());
    let error = run(&mut Command::new("false")).unwrap_err().to_string();
    assert!(error.contains("exit status: 1"), "{error}");
    assert!(run(&mut Command::new("/no/such/program")).is_err());
    assert_eq!(output(Command::new("echo").arg("hello")).unwrap(), "hello");
}

#[test]
fn programs_are_found_on_the_path() {
    assert!(find("sh").is_some());
    assert!(find("no-such-program-anywhere").is_none());
}
