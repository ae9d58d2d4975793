//! Step 1: sockets that listen, and what happens to a connection before a session has it.
//!
//! One task accepts for all threads and gives each connection to the thread that has the fewest: with few
//! connections the kernel's own distribution (`SO_REUSEPORT`) leaves some threads idle, and a session never
//! moves afterwards.
//!
//! Invariant: out of file descriptors is waited out, never spun on.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use crate::exit::Failure;
use crate::server::Server;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 511;

/// How long nothing is accepted after the system ran out of something.
const BACK_OFF: Duration = Duration::from_millis(200);

/// Sockets that have their address and do not listen yet.
pub(crate) struct Bound {
    sockets: Vec<Socket>,
    addresses: Vec<SocketAddr>,
}

impl Bound {
    /// Where clients will find the server. All addresses have the same port.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Starts to listen; to be called on the runtime that accepts.
    pub(crate) fn listen(self) -> Result<Vec<TcpListener>, Failure> {
        let listen = |(socket, address): (Socket, SocketAddr)| {
            socket
                .listen(BACKLOG)
                .and_then(|()| TcpListener::from_std(socket.into()))
                .map_err(|error| cannot_listen(address, &error))
        };
        self.sockets
            .into_iter()
            .zip(self.addresses)
            .map(listen)
            .collect()
    }
}

/// A socket that listens and that nobody accepts from yet.
#[derive(Debug)]
pub(crate) struct Listening(Socket);

impl Listening {
    /// To accept from; to be called on the runtime that does.
    pub(crate) fn into_tokio(self) -> io::Result<TcpListener> {
        TcpListener::from_std(self.0.into())
    }
}

/// Takes `address` and listens on it.
pub(crate) fn listen_on(address: SocketAddr) -> Result<Listening, Failure> {
    let listening = bind_one(address).and_then(|(socket, _)| {
        socket.listen(BACKLOG)?;
        Ok(Listening(socket))
    });
    listening.map_err(|error| cannot_listen(address, &error))
}

/// Takes `port` on every address of `addresses`; with port 0 the first one's free port goes for all.
pub(crate) fn bind(addresses: &[IpAddr], port: u16) -> Result<Bound, Failure> {
    let mut bound = Bound {
        sockets: Vec::new(),
        addresses: Vec::new(),
    };
    for &ip in addresses {
        let port = bound.addresses.first().map_or(port, SocketAddr::port);
        let wanted = SocketAddr::new(ip, port);
        let (socket, address) = bind_one(wanted).map_err(|error| cannot_listen(wanted, &error))?;
        bound.sockets.push(socket);
        bound.addresses.push(address);
    }
    Ok(bound)
}

fn bind_one(address: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for the connections of the process before it.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok((socket, bound))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "cannot listen on {address}: another program has port {}; stop it or choose another port with --port",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("cannot listen on {address}: this machine does not have that address")
        }
        io::ErrorKind::PermissionDenied => format!(
            "cannot listen on {address}: not allowed; ports below 1024 need privileges, choose another with --port"
        ),
        _ => format!("cannot listen on {address}: {error}"),
    })
}

/// Accepts connections of one listener until it is dropped.
pub(crate) async fn accept(
    listener: TcpListener,
    server: Arc<Server>,
    workers: Vec<UnboundedSender<StdStream>>,
) {
    let mut complained = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                complained = false;
                if let Err(error) = admit(stream, &server, &workers) {
                    tracing::debug!(%error, "a connection ended before it was served");
                }
            }
            Err(error) if is_of_the_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                if !complained {
                    tracing::warn!(%error, "cannot accept connections; trying again until it works");
                }
                complained = true;
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Whether `accept` failed because of the one connection and not of the system's state.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Hands a connection to the least busy thread, or turns it away.
fn admit(
    stream: TcpStream,
    server: &Server,
    workers: &[UnboundedSender<StdStream>],
) -> io::Result<()> {
    if open_sessions(server) >= server.settings.clients_max.get() {
        server.stats.rejected.fetch_add(1, Ordering::Relaxed);
        // One try: a client that cannot take a line now will see the connection closed.
        let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
        return Ok(());
    }
    stream.set_nodelay(true)?;
    set_keepalive(&stream, server.settings.keepalive_s.get())?;
    let stream = stream.into_std()?;
    server.stats.connections.fetch_add(1, Ordering::Relaxed);
    let sessions = server.stats.workers().iter().map(|worker| &worker.sessions);
    let least_busy = sessions
        .zip(workers)
        .min_by_key(|(sessions, _)| sessions.load(Ordering::Relaxed));
    if let Some((sessions, worker)) = least_busy {
        sessions.fetch_add(1, Ordering::Relaxed);
        // A thread that has ended leaves the connection to be closed here.
        if worker.send(stream).is_err() {
            sessions.fetch_sub(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Connections that have been handed to threads and have not ended.
fn open_sessions(server: &Server) -> u64 {
    let workers = server.stats.workers().iter();
    workers
        .map(|worker| worker.sessions.load(Ordering::Relaxed))
        .sum()
}

fn set_keepalive(stream: &TcpStream, seconds: u64) -> io::Result<()> {
    if seconds == 0 {
        return Ok(());
    }
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds))
        .with_interval(Duration::from_secs((seconds / 3).max(1)))
        .with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let localhost = [IpAddr::from([127, 0, 0, 1])];
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = bind(&localhost, port).err().unwrap();
        assert!(
            refused
                .message
                .contains(&format!("another program has port {port}"))
        );
        assert!(bind(&localhost, 0).unwrap().addresses()[0].port() > 0);
    }
}
