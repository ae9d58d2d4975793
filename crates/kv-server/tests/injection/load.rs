//! A small write load that notes what it was told.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::process::{Wire, resp};

/// Writes of one connection.
const WRITES: u64 = 45;

/// Before this write of the first connection a snapshot is begun.
const SNAPSHOT_AT: u64 = 15;

/// Values are this long, so that the log changes files.
const VALUE_BYTES: usize = 3_000;

/// After so many refusals in a row the connection gives up.
const REFUSALS_MAX: u32 = 3;

/// What is known of one key, whose values are numbers that grow.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The newest that was acknowledged.
    pub(crate) acknowledged: u64,
    /// The newest that was sent and not refused.
    pub(crate) sent: u64,
}

/// What one connection was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) known: Known,
    /// The server has refused writes because of its disk.
    pub(crate) refused: bool,
    /// The server has said that an outcome is unknown, or has gone away.
    pub(crate) ended: bool,
}

/// The key of connection `number`.
pub(crate) fn key(number: usize) -> String {
    format!("key:{number}")
}

/// The value that stands for `number`.
pub(crate) fn value(number: u64) -> String {
    format!("{number:>VALUE_BYTES$}")
}

/// Writes to one key until all is written, or refused again and again, or the server is gone.
pub(crate) fn write(address: SocketAddr, connection: usize) -> Told {
    let mut told = Told::default();
    let connected = Wire::connect(address);
    let talked = connected.and_then(|mut wire| talk(&mut wire, connection, &mut told));
    if let Err(error) = talked {
        let silent = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        assert!(!silent.contains(&error.kind()), "a client was left waiting");
        told.ended = true;
    }
    told
}

fn talk(wire: &mut Wire, connection: usize, told: &mut Told) -> io::Result<()> {
    let key = key(connection);
    let mut refusals = 0;
    for number in 1..=WRITES {
        if connection == 0 && number == SNAPSHOT_AT {
            wire.send(resp(&["BGSAVE"]))?;
            wire.line()?;
        }
        let before = std::mem::replace(&mut told.known.sent, number);
        wire.send(resp(&["SET", &key, &value(number)]))?;
        let reply = wire.line()?;
        if reply == "+OK\r\n" {
            told.known.acknowledged = number;
            refusals = 0;
        } else if reply.starts_with("-MISCONF") {
            // Refused before it changed anything, and reads go on.
            told.known.sent = before;
            told.refused = true;
            let found = get(wire, &key)?;
            assert_eq!(found, told.known.acknowledged, "after a refusal");
            refusals += 1;
            if refusals == REFUSALS_MAX {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        } else {
            assert!(reply.starts_with("-IOERR"), "{reply:?}");
            told.ended = true;
            return Ok(());
        }
    }
    Ok(())
}

/// The number at `key`; 0 for none.
pub(crate) fn get(wire: &mut Wire, key: &str) -> io::Result<u64> {
    wire.send(resp(&["GET", key]))?;
    match wire.line()?.as_str() {
        "$-1\r\n" => Ok(0),
        head if head.starts_with('$') => {
            let value = wire.line()?;
            Ok(value.trim().parse().expect("values are numbers"))
        }
        error => Err(io::Error::other(error.to_owned())),
    }
}
