//! Addresses that the server begins or ceases to listen on while it runs: `CONFIG SET bind`, `CONFIG SET port`.
//!
//! A new address is taken and listened on by the thread that asks, so that whoever hears of it can connect; the
//! main thread accepts. Connections that are there stay, whatever address they came by.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{AbortHandle, JoinSet};

use crate::listener::{self, Listening};
use crate::server::Server;

/// Where the server listens, and what is to change about it.
#[derive(Debug)]
pub(crate) struct Rebind {
    wanted: Mutex<Wanted>,
    bell: Notify,
}

#[derive(Debug)]
struct Wanted {
    addresses: Vec<SocketAddr>,
    /// Those among them that nobody accepts from yet.
    new: Vec<Listening>,
}

impl Rebind {
    /// Listens on `addresses` so far.
    pub(crate) fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            wanted: Mutex::new(Wanted {
                addresses,
                new: Vec::new(),
            }),
            bell: Notify::new(),
        }
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.wanted().addresses.clone()
    }

    /// The port of the first address.
    pub(crate) fn port(&self) -> u16 {
        self.wanted().addresses.first().map_or(0, SocketAddr::port)
    }

    /// The sockets for those of `addresses` that are new.
    ///
    /// # Errors
    ///
    /// Why one cannot be had.
    pub(crate) fn prepare(&self, addresses: &[SocketAddr]) -> Result<Vec<Listening>, String> {
        let known = self.addresses();
        let new = addresses.iter().filter(|address| !known.contains(address));
        new.map(|&address| listener::listen_on(address))
            .collect::<Result<_, _>>()
            .map_err(|failure| failure.message)
    }

    /// Listens on `addresses` from now on, of which `new` were not there before.
    pub(crate) fn change(&self, addresses: Vec<SocketAddr>, new: Vec<Listening>) {
        let mut wanted = self.wanted();
        wanted.addresses = addresses;
        wanted.new.extend(new);
        self.bell.notify_one();
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts from `listeners`, and from what takes their place, for as long as it is polled.
pub(crate) async fn accept(
    server: Arc<Server>,
    listeners: Vec<TcpListener>,
    workers: Vec<UnboundedSender<StdStream>>,
) {
    let mut tasks = JoinSet::new();
    let mut open: BTreeMap<SocketAddr, AbortHandle> = BTreeMap::new();
    let mut begin = |listener: TcpListener, open: &mut BTreeMap<SocketAddr, AbortHandle>| {
        let address = listener.local_addr();
        let accepting = listener::accept(listener, Arc::clone(&server), workers.clone());
        let task = tasks.spawn(accepting);
        if let Ok(address) = address {
            open.insert(address, task);
        }
    };
    for listener in listeners {
        begin(listener, &mut open);
    }
    loop {
        server.rebind.bell.notified().await;
        let new = std::mem::take(&mut server.rebind.wanted().new);
        for listening in new {
            match listening.into_tokio() {
                Ok(listener) => begin(listener, &mut open),
                Err(error) => tracing::error!(%error, "cannot accept from a new address"),
            }
        }
        let wanted = server.rebind.addresses();
        open.retain(|address, task| {
            let stays = wanted.contains(address);
            if !stays {
                task.abort();
            }
            stays
        });
    }
}
