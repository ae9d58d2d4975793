//! `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`, `RPOPLPUSH source destination`: an element from the
//! end of one list to an end of another, or of the same.

use kv_core::ListEnd;
use smallvec::SmallVec;

use super::side;
use crate::command::prelude::*;

/// The list that loses an element, and the one that gets it.
pub(super) const KEYS: Keys = Keys::Each(&[
    Keys::one(1, Access::READ.union(Access::DELETE)),
    Keys::one(2, Access::INSERT),
]);

pub(super) const LMOVE: CommandSpec = CommandSpec {
    name: "LMOVE",
    group: Group::List,
    summary: "Moves an element from an end of one list to an end of another and returns it.",
    syntax: "LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(5),
    keys: KEYS,
    flags: Flags::NONE,
    run: Run::Write(lmove),
};

pub(super) const RPOPLPUSH: CommandSpec = CommandSpec {
    name: "RPOPLPUSH",
    group: Group::List,
    summary: "Moves the last element of one list to the front of another and returns it.",
    syntax: "RPOPLPUSH source destination",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: KEYS,
    flags: Flags::NONE,
    run: Run::Write(rpoplpush),
};

/// Which element goes where.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct Transfer<'r> {
    /// The list that loses its outermost element.
    pub(in crate::command) source: &'r [u8],
    /// The list that gets it.
    pub(in crate::command) destination: &'r [u8],
    /// The end at which it goes.
    pub(in crate::command) from: ListEnd,
    /// The end at which it comes.
    pub(in crate::command) to: ListEnd,
}

impl<'r> Transfer<'r> {
    /// Takes both keys and both ends.
    pub(in crate::command) fn eat(args: &mut Args<'r>) -> Result<Self, CommandError> {
        Ok(Self {
            source: args.key()?,
            destination: args.key()?,
            from: side::eat(args)?,
            to: side::eat(args)?,
        })
    }

    /// Takes both keys; the ends are those of a queue that is pushed in front.
    pub(in crate::command) fn eat_back_to_front(args: &mut Args<'r>) -> Result<Self, CommandError> {
        Ok(Self {
            source: args.key()?,
            destination: args.key()?,
            from: ListEnd::Back,
            to: ListEnd::Front,
        })
    }

    /// Moves the element and answers it; `false`, and nothing is answered or changed, when there is no source.
    ///
    /// # Errors
    ///
    /// A key holds something else than a list; the destination's counts only when there is a source.
    pub(in crate::command) fn run(
        self,
        txn: &mut Txn<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<bool, CommandError> {
        let list = txn.list(self.source)?;
        let Some(element) = list.and_then(|list| side::outermost(list, self.from)) else {
            return Ok(false);
        };
        let element: SmallVec<[u8; 128]> = element.into();
        txn.list(self.destination)?;
        reply.bulk(&element);
        // First the push: a list of one element that turns in itself is never gone, and keeps its expiry.
        txn.list_push(self.destination, self.to, &[&element])?;
        txn.list_pop(self.source, self.from, 1)?;
        // In this order, as Redis tells it.
        txn.announce(self.destination, side::pushed(self.to));
        event::announce_removal(txn, self.source, side::popped(self.from));
        Ok(true)
    }
}

fn lmove(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let transfer = Transfer::eat(&mut args)?;
    args.finish()?;
    if !transfer.run(txn, reply)? {
        reply.null();
    }
    Ok(())
}

fn rpoplpush(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let transfer = Transfer::eat_back_to_front(&mut args)?;
    args.finish()?;
    if !transfer.run(txn, reply)? {
        reply.null();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn one_list_can_turn_in_itself() {
        let shell = Shell::new();
        shell.run("RPUSH l a b c");
        assert_eq!(shell.run("LMOVE l l LEFT RIGHT"), "$1|a|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*3|$1|b|$1|c|$1|a|");
        assert_eq!(shell.run("RPOPLPUSH l l"), "$1|a|");
        assert_eq!(shell.run("LMOVE l l LEFT LEFT"), "$1|a|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*3|$1|a|$1|b|$1|c|");
        shell.run("DEL l");
        shell.run("RPUSH l a");
        assert_eq!(shell.run("RPOPLPUSH l l"), "$1|a|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*1|$1|a|");
    }

    #[test]
    fn a_wrong_destination_changes_nothing() {
        let shell = Shell::new();
        shell.run("RPUSH l a");
        shell.run("SET s x");
        assert!(shell.run("RPOPLPUSH l s").starts_with("-WRONGTYPE "));
        assert_eq!(shell.run("LLEN l"), ":1|");
        assert_eq!(shell.run("RPOPLPUSH none s"), "$-1|");
    }
}
