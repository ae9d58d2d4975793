//! The server: sockets, sessions, commands.

#[expect(
    dead_code,
    reason = "the session and the engine that call it come next"
)]
mod command;
mod engine;
mod session;
