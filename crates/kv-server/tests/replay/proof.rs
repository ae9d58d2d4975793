//! Which commands have been seen to write: the log went on while they ran.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::script_runner::client::Client;
use crate::script_runner::reply::Reply;
use crate::sequences::table::Table;

/// What stands before the number of the newest record in `INFO persistence`.
const LSN: &str = "log_written_lsn:";

/// The commands that have not written yet.
pub(crate) struct Proof {
    missing: BTreeSet<String>,
    client: Client,
    /// The LSN before the step that is under way.
    before: u64,
}

impl Proof {
    /// Every command of `table` that writes is missing.
    pub(crate) fn new(table: &Table, client: Client) -> Self {
        let writes = table.values().filter(|command| command.writes());
        Self {
            missing: writes.map(|command| command.name.clone()).collect(),
            client,
            before: 0,
        }
    }

    /// Looks at the log before and after a step that is meant to make the command `name` write.
    ///
    /// # Errors
    ///
    /// The server does not tell.
    pub(crate) fn watch(&mut self, name: Option<String>, done: bool) -> Result<()> {
        let Some(name) = name.filter(|name| self.missing.contains(name.as_str())) else {
            return Ok(());
        };
        let lsn = self.lsn()?;
        if !done {
            self.before = lsn;
        } else if lsn > self.before {
            self.missing.remove(&name);
        }
        Ok(())
    }

    /// The commands that have not written.
    pub(crate) fn missing(self) -> BTreeSet<String> {
        self.missing
    }

    fn lsn(&mut self) -> Result<u64> {
        let reply = self.client.call(&["INFO", "persistence"])?;
        let Some(Reply::Bulk(info)) = reply else {
            anyhow::bail!("INFO answered {reply:?}");
        };
        let info = String::from_utf8_lossy(&info).into_owned();
        let digits = info.lines().find_map(|line| line.strip_prefix(LSN));
        Ok(digits.context("INFO does not tell the LSN")?.parse()?)
    }
}
