//! Whether a user may make a request.

use kv_proto::RequestRef;

use super::user::User;
use crate::command::error::CommandError;
use crate::command::glob;
use crate::command::key_spec::{Access, Keys};
use crate::command::spec::{CommandSpec, Flags};

/// Why a user may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Command(&'static str),
    Key(Vec<u8>),
    Channel(Vec<u8>),
}

/// What is wanted of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Want {
    reads: bool,
    writes: bool,
}

impl Want {
    fn of(access: Access) -> Self {
        Self {
            reads: access.contains(Access::READ),
            writes: access.changes(),
        }
    }
}

impl User {
    /// Whether it may ask for `spec` with `request`.
    ///
    /// # Errors
    ///
    /// What it may not.
    #[inline]
    pub(crate) fn check(&self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Denied> {
        match self.is_unrestricted() {
            true => Ok(()),
            false => self.check_all(spec, request),
        }
    }

    fn check_all(&self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Denied> {
        // Who can log in must be able to say so.
        if !spec.flags.contains(Flags::NO_AUTH) && !self.commands.allow(spec) {
            return Err(Denied::Command(spec.name));
        }
        if !self.has_all_keys() {
            self.check_keys(spec, request)?;
        }
        match self.has_all_channels() {
            true => Ok(()),
            false => self.check_channels(spec, request),
        }
    }

    fn check_keys(&self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Denied> {
        for part in spec.keys.parts() {
            if matches!(part, Keys::Hidden { .. }) && part.are_hidden(request) {
                // Whose names nobody knows before.
                return Err(Denied::Key(request.arg(1).to_vec()));
            }
            let want = Want::of(part.access());
            if let Some(key) = part.of(request).find(|key| !self.may_meet(key, want)) {
                return Err(Denied::Key(key.to_vec()));
            }
        }
        Ok(())
    }

    fn may_meet(&self, key: &[u8], want: Want) -> bool {
        self.keys.iter().any(|known| {
            (known.reads || !want.reads)
                && (known.writes || !want.writes)
                && glob::matches_exactly(&known.pattern, key)
        })
    }

    fn check_channels(&self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Denied> {
        let words = request.iter().skip(1);
        let denied = match spec.name {
            "PUBLISH" | "SPUBLISH" => words.take(1).find(|word| !self.may_use(word)),
            "SUBSCRIBE" | "SSUBSCRIBE" => words.into_iter().find(|word| !self.may_use(word)),
            // A pattern may name more than it says: only one that the user has.
            "PSUBSCRIBE" => words
                .into_iter()
                .find(|word| !self.channels.iter().any(|known| known == word)),
            _ => None,
        };
        match denied {
            Some(word) => Err(Denied::Channel(word.to_vec())),
            None => Ok(()),
        }
    }

    fn may_use(&self, channel: &[u8]) -> bool {
        let mut known = self.channels.iter();
        known.any(|pattern| glob::matches_exactly(pattern, channel))
    }
}

impl Denied {
    /// What `user` is answered.
    pub(crate) fn error(&self, user: &User) -> CommandError {
        let message = match self {
            Self::Command(_) => self.in_words(user),
            Self::Key(_) => "No permissions to access a key".to_owned(),
            Self::Channel(_) => "No permissions to access a channel".to_owned(),
        };
        CommandError {
            code: "NOPERM",
            message: message.into(),
        }
    }

    /// The same with all that is known.
    pub(crate) fn in_words(&self, user: &User) -> String {
        let name = user.name.escape_ascii();
        match self {
            Self::Command(command) => {
                let command = command.to_ascii_lowercase();
                format!("User {name} has no permissions to run the '{command}' command")
            }
            Self::Key(key) => {
                let key = key.escape_ascii();
                format!("User {name} has no permissions to access the '{key}' key")
            }
            Self::Channel(channel) => {
                let channel = channel.escape_ascii();
                format!("User {name} has no permissions to access the '{channel}' channel")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;
    use crate::command::testing::with_request;

    fn check(rules: &str, request: &str) -> Option<Denied> {
        let mut user = User::nobody(b"u");
        for word in rules.split(' ') {
            user.modify(word.as_bytes()).unwrap();
        }
        let words: Vec<_> = request.split(' ').map(str::as_bytes).collect();
        with_request(&words, |request| {
            let spec = table::find(request).unwrap();
            user.check(spec, request).err()
        })
    }

    #[test]
    fn the_last_rule_about_a_command_counts() {
        for (rules, request, is_allowed) in [
            ("+get", "GET k", true),
            ("+get", "SET k v", false),
            ("+@read -get", "GET k", false),
            ("-get +@read", "GET k", true),
            ("+@all -@dangerous", "FLUSHALL", false),
            ("+config", "CONFIG GET x", true),
            ("+config|get", "CONFIG GET x", true),
            ("+config|get", "CONFIG SET x y", false),
            ("+config -config|set", "CONFIG SET x y", false),
            ("-@all", "AUTH x", true),
        ] {
            let rules = format!("~* &* {rules}");
            assert_eq!(
                check(&rules, request).is_none(),
                is_allowed,
                "{rules}: {request}"
            );
        }
    }

    #[test]
    fn keys_and_channels_are_looked_at() {
        for (rules, request, is_allowed) in [
            ("~a*", "GET ab", true),
            ("~a*", "GET b", false),
            ("~a*", "MGET a b", false),
            ("%R~a", "GET a", true),
            ("%R~a", "DEL a", false),
            ("%W~a", "GET a", false),
            ("%W~a", "DEL a", true),
            ("%R~a %W~b", "COPY a b", true),
            ("%R~a %W~b", "COPY b a", false),
            ("%R~a", "EXISTS a", true),
            ("~a", "SORT a BY w_*", false),
            ("~a", "EVAL x 1 a", true),
            ("~a", "EVAL x 1 b", false),
            ("&c*", "PUBLISH cc m", true),
            ("&c*", "PUBLISH d m", false),
            ("&c*", "SUBSCRIBE cc d", false),
            ("&c*", "PSUBSCRIBE c*", true),
            ("&c*", "PSUBSCRIBE cc*", false),
        ] {
            let rules = format!("+@all {rules}");
            assert_eq!(
                check(&rules, request).is_none(),
                is_allowed,
                "{rules}: {request}"
            );
        }
    }
}
