//! The client's own connection.

mod auth;
mod client;
mod cluster;
mod echo;
mod hello;
mod name;
mod ping;
mod quit;
mod read_only;
mod reset;
mod select;
mod waitaof;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    auth::AUTH,
    client::CLIENT,
    cluster::CLUSTER,
    echo::ECHO,
    hello::HELLO,
    ping::PING,
    quit::QUIT,
    read_only::READONLY,
    read_only::READWRITE,
    reset::RESET,
    select::SELECT,
    waitaof::WAIT,
    waitaof::WAITAOF,
];
