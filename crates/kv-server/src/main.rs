//! The `kv-server` program: hands the command line to the library and its verdict to the caller.

use std::process::ExitCode;

/// Small size classes and cheap frees across threads: entries are made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kv_server::main()
}
