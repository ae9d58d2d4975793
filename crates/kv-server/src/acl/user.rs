//! One user: passwords, commands, keys, channels; and how they are written.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::command::category::Category;
use crate::command::spec::CommandSpec;

/// What is kept of a password.
pub(super) type PasswordHash = [u8; 32];

/// A user and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: Vec<u8>,
    /// Whether one can log in as this user.
    pub(crate) is_on: bool,
    /// Whether any password will do.
    pub(crate) needs_no_password: bool,
    pub(super) passwords: Vec<PasswordHash>,
    pub(super) commands: Commands,
    pub(super) keys: Vec<KeyPattern>,
    pub(super) channels: Vec<Vec<u8>>,
}

/// Keys that may be met, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPattern {
    pub(super) pattern: Vec<u8>,
    pub(super) reads: bool,
    pub(super) writes: bool,
}

/// Which commands may be run: the last rule about one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Commands {
    /// What holds for commands that no rule is about.
    pub(super) all: bool,
    pub(super) rules: Vec<CommandRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandRule {
    pub(super) allows: bool,
    pub(super) subject: Subject,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Category(Category),
    /// The command of this name, with all its subcommands.
    Command(&'static str),
}

impl Subject {
    fn covers(self, spec: &CommandSpec) -> bool {
        match self {
            Self::Category(category) => category.holds(spec),
            Self::Command(name) => spec
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('|')),
        }
    }
}

impl Commands {
    /// Whether `spec` may be run.
    pub(super) fn allow(&self, spec: &CommandSpec) -> bool {
        let mut rules = self.rules.iter().rev();
        let last = rules.find(|rule| rule.subject.covers(spec));
        last.map_or(self.all, |rule| rule.allows)
    }

    /// Adds a rule behind the others; one about the same subject has no meaning any more.
    pub(super) fn add(&mut self, new: CommandRule) {
        self.rules.retain(|rule| rule.subject != new.subject);
        self.rules.push(new);
    }
}

impl User {
    /// One that can do nothing and cannot log in.
    pub(super) fn nobody(name: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            is_on: false,
            needs_no_password: false,
            passwords: Vec::new(),
            commands: Commands::default(),
            keys: Vec::new(),
            channels: Vec::new(),
        }
    }

    /// The default user as it is at first.
    pub(super) fn everybody() -> Self {
        Self {
            is_on: true,
            needs_no_password: true,
            commands: Commands {
                all: true,
                rules: Vec::new(),
            },
            keys: vec![KeyPattern::all()],
            channels: vec![b"*".to_vec()],
            ..Self::nobody(super::DEFAULT)
        }
    }

    /// Whether it may do everything there is.
    #[inline]
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.commands.all
            && self.commands.rules.is_empty()
            && self.has_all_keys()
            && self.has_all_channels()
    }

    /// Whether it may read and write every key.
    pub(super) fn has_all_keys(&self) -> bool {
        self.keys
            .iter()
            .any(|pattern| *pattern == KeyPattern::all())
    }

    /// Whether it may use every channel.
    pub(super) fn has_all_channels(&self) -> bool {
        self.channels.iter().any(|pattern| pattern == b"*")
    }

    /// Whether one with this password may log in.
    pub(super) fn has_password(&self, password: &[u8]) -> bool {
        let given = hash(password);
        // Each is compared in full, so that the time it takes says nothing.
        let found = self
            .passwords
            .iter()
            .fold(false, |found, known| found | is_same(known, &given));
        self.needs_no_password || found
    }

    /// Has this password and no other; an empty one: it needs none.
    pub(super) fn set_password(&mut self, password: &[u8]) {
        self.needs_no_password = password.is_empty();
        self.passwords = match password {
            [] => Vec::new(),
            _ => vec![hash(password)],
        };
    }

    /// The words `on`, `nopass` and so on.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let state = if self.is_on { "on" } else { "off" };
        let mut flags = vec![state];
        flags.extend(self.needs_no_password.then_some("nopass"));
        flags
    }

    /// The hashes of its passwords, in hexadecimal digits.
    pub(crate) fn passwords(&self) -> Vec<String> {
        self.passwords.iter().map(digits).collect()
    }

    /// Which commands it may run, as rules.
    pub(crate) fn commands_line(&self) -> String {
        let mut line = if self.commands.all { "+@all" } else { "-@all" }.to_owned();
        for rule in &self.commands.rules {
            line.push_str(if rule.allows { " +" } else { " -" });
            match rule.subject {
                Subject::Category(category) => {
                    line.push('@');
                    line.push_str(category.name());
                }
                Subject::Command(name) => line.push_str(&name.to_ascii_lowercase()),
            }
        }
        line
    }

    /// Which keys it may meet, as rules.
    pub(crate) fn keys_line(&self) -> Vec<u8> {
        let pieces = self.keys.iter().map(|pattern| {
            let how: &[u8] = match (pattern.reads, pattern.writes) {
                (true, true) => b"~",
                (true, false) => b"%R~",
                _ => b"%W~",
            };
            [how, &pattern.pattern].concat()
        });
        pieces.collect::<Vec<_>>().join(&b' ')
    }

    /// Which channels it may use, as rules.
    pub(crate) fn channels_line(&self) -> Vec<u8> {
        let pieces = self
            .channels
            .iter()
            .map(|channel| [b"&", &channel[..]].concat());
        pieces.collect::<Vec<_>>().join(&b' ')
    }

    /// The whole user in one line.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = vec![b"user".to_vec(), self.name.clone()];
        words.extend(self.flags().into_iter().map(Vec::from));
        words.extend(
            self.passwords()
                .iter()
                .map(|hash| format!("#{hash}").into_bytes()),
        );
        words.push(self.keys_line());
        if !self.has_all_channels() {
            words.push(b"resetchannels".to_vec());
        }
        words.push(self.channels_line());
        words.push(self.commands_line().into_bytes());
        words.retain(|word| !word.is_empty());
        words.join(&b' ')
    }
}

impl KeyPattern {
    /// Every key, for everything.
    pub(super) fn all() -> Self {
        Self {
            pattern: b"*".to_vec(),
            reads: true,
            writes: true,
        }
    }
}

/// What is kept of `password`.
pub(super) fn hash(password: &[u8]) -> PasswordHash {
    Sha256::digest(password).into()
}

/// `hash` in hexadecimal digits.
fn digits(hash: &PasswordHash) -> String {
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_same(one: &PasswordHash, other: &PasswordHash) -> bool {
    let differing = one.iter().zip(other).fold(0, |bits, (a, b)| bits | (a ^ b));
    differing == 0
}
