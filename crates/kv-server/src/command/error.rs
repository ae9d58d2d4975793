//! Why a request could not be done. The connection lives on, and nothing was changed.
//!
//! Owns the wording, which is Redis': clients match it.
//! Invariant: text that comes from the client is shortened and loses its line ends before it is shown.

use std::borrow::Cow;
use std::fmt;

use kv_core::StoreError;

/// An error reply: a code that programs match, a text that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandError {
    /// One word in upper case: `ERR`, `WRONGTYPE`.
    pub(crate) code: &'static str,
    /// What comes after the code.
    pub(crate) message: Cow<'static, str>,
}

impl CommandError {
    /// The words fit no syntax of the command.
    pub(crate) const SYNTAX: Self = Self::fixed("ERR", "syntax error");
    /// A word that should be an integer of 64 bits is none.
    pub(crate) const NOT_AN_INTEGER: Self =
        Self::fixed("ERR", "value is not an integer or out of range");
    /// A word that should be a number is none.
    pub(crate) const NOT_A_FLOAT: Self = Self::fixed("ERR", "value is not a valid float");
    /// A word that should be an integer of 32 bits is one of more.
    pub(crate) const NOT_OF_32_BITS: Self = Self::fixed(
        "ERR",
        "value is out of range, value must between -2147483648 and 2147483647",
    );
    /// The sum needs more than 64 bits.
    pub(crate) const OVERFLOW: Self = Self::fixed("ERR", "increment or decrement would overflow");
    /// The sum is no finite number.
    pub(crate) const NOT_FINITE: Self =
        Self::fixed("ERR", "increment would produce NaN or Infinity");
    /// The key holds another kind of value than the command works on.
    pub(crate) const WRONG_TYPE: Self = Self::fixed(
        "WRONGTYPE",
        "Operation against a key holding the wrong kind of value",
    );
    /// The string would outgrow what a string may be.
    pub(crate) const STRING_TOO_LONG: Self = Self::fixed(
        "ERR",
        "string exceeds maximum allowed size (proto-max-bulk-len)",
    );
    /// The number of keys that follow cannot be one.
    pub(crate) const KEY_COUNT: Self = Self::fixed("ERR", "invalid numkeys value or out of range");
    /// There should be such a key.
    pub(crate) const NO_SUCH_KEY: Self = Self::fixed("ERR", "no such key");
    /// A number is too large, or too small.
    pub(crate) const OUT_OF_RANGE: Self = Self::fixed("ERR", "value is out of range");
    /// A word that should say where a scan goes on does not.
    pub(crate) const CURSOR: Self = Self::fixed("ERR", "invalid cursor");
    /// The one integer of 64 bits that cannot be negated.
    pub(crate) const NO_OPPOSITE: Self = Self::fixed(
        "ERR",
        "value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    /// A place in a string is before its start.
    pub(crate) const OFFSET: Self = Self::fixed("ERR", "offset is out of range");

    /// A request before `EXEC` was refused.
    pub(crate) const EXEC_ABORTED: Self = Self::fixed(
        "EXECABORT",
        "Transaction discarded because of previous errors.",
    );
    /// The connection has not logged in.
    pub(crate) const NO_AUTH: Self = Self::fixed("NOAUTH", "Authentication required.");
    /// There is no such user, or another password is needed.
    pub(crate) const WRONG_PASSWORD: Self = Self::fixed(
        "WRONGPASS",
        "invalid username-password pair or user is disabled.",
    );
    /// Replicas are wanted that are not there.
    pub(crate) const NO_REPLICAS: Self =
        Self::fixed("NOREPLICAS", "Not enough good replicas to write.");
    /// The data takes all memory that it may.
    pub(crate) const OUT_OF_MEMORY: Self =
        Self::fixed("OOM", "command not allowed when used memory > 'maxmemory'.");
    /// The same, of a request before `EXEC`.
    pub(crate) const EXEC_OUT_OF_MEMORY: Self = Self::fixed(
        "EXECABORT",
        "Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
    );
    /// Another client has ended the wait.
    pub(crate) const UNBLOCKED: Self =
        Self::fixed("UNBLOCKED", "client unblocked via CLIENT UNBLOCK");

    /// An error whose text is known beforehand.
    pub(crate) const fn fixed(code: &'static str, message: &'static str) -> Self {
        Self {
            code,
            message: Cow::Borrowed(message),
        }
    }

    /// Another error with the code `ERR`.
    pub(crate) fn err(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: "ERR",
            message: message.into(),
        }
    }

    /// Another error with the code `ERR` that ends with `word`, which came from the client.
    pub(crate) fn about(message: &str, word: &[u8]) -> Self {
        Self::err(format!("{message} {}", shortened(word, SHOWN_BYTES_MAX)))
    }

    /// There should be a member called `word`, which came from the client.
    pub(crate) fn no_such_member(word: &[u8]) -> Self {
        let word = shortened(word, SHOWN_BYTES_MAX);
        Self::err(format!("member {word} does not exist"))
    }

    /// The command `name` takes another number of words.
    pub(crate) fn wrong_arity(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self::err(format!("wrong number of arguments for '{name}' command"))
    }

    /// The command `name` may not run between `MULTI` and `EXEC`.
    pub(crate) fn not_in_multi(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self::err(format!("Command '{name}' not allowed inside a transaction"))
    }

    /// What `EXEC` answers when it is itself wrong: the transaction is over.
    pub(crate) fn exec_aborted_because(error: &Self) -> Self {
        Self {
            code: "EXECABORT",
            message: format!("Transaction discarded because of: {}", error.message).into(),
        }
    }

    /// The command `name` was given a time that cannot be one.
    pub(crate) fn invalid_expire_time(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self::err(format!("invalid expire time in '{name}' command"))
    }

    /// There is no command `name`; `words` are those behind it.
    pub(crate) fn unknown_command<'w>(name: &[u8], words: impl Iterator<Item = &'w [u8]>) -> Self {
        let mut shown = String::new();
        for word in words {
            if shown.len() >= SHOWN_BYTES_MAX {
                break;
            }
            let room = SHOWN_BYTES_MAX - shown.len();
            shown.push_str(&format!("'{}' ", shortened(word, room)));
        }
        let name = shortened(name, SHOWN_BYTES_MAX);
        Self::err(format!(
            "unknown command '{name}', with args beginning with: {shown}"
        ))
    }

    /// The command `container` has no subcommand `name`.
    pub(crate) fn unknown_subcommand(container: &str, name: &[u8]) -> Self {
        let name = shortened(name, SHOWN_BYTES_MAX);
        Self::err(format!(
            "unknown subcommand '{name}'. Try {container} HELP."
        ))
    }
}

/// The most that an error shows of what a client sent, in bytes.
const SHOWN_BYTES_MAX: usize = 128;

/// What an error shows of a name that a client sent: the first bytes of it, as text on one line.
pub(crate) fn shown(name: &[u8]) -> String {
    shortened(name, SHOWN_BYTES_MAX)
}

/// The first `bytes_max` bytes of `word` as text on one line. As with Redis a zero byte ends it.
fn shortened(word: &[u8], bytes_max: usize) -> String {
    let head = word.get(..bytes_max).unwrap_or(word);
    let head = head.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(head).replace(['\r', '\n'], " ")
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl std::error::Error for CommandError {}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongKind { .. } => Self::WRONG_TYPE,
            StoreError::ValueTooLong { .. } => Self::STRING_TOO_LONG,
            StoreError::LogFailed | StoreError::DiskFull | StoreError::LogBehind => Self {
                code: "MISCONF",
                message: error.to_string().into(),
            },
            _ => Self::err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &[u8], words: &[&[u8]]) -> String {
        CommandError::unknown_command(name, words.iter().copied()).to_string()
    }

    #[test]
    fn unknown_commands_show_what_was_sent() {
        assert_eq!(
            unknown(b"foo", &[b"a", b"b'c"]),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b'c' "
        );
        assert_eq!(
            unknown(b"foo", &[]),
            "ERR unknown command 'foo', with args beginning with: "
        );
    }

    #[test]
    fn what_was_sent_is_shown_in_part() {
        let long = [b'x'; 1000];
        let words = vec![&long[..]; 1000];
        let shown = unknown(&long, &words);
        assert!(shown.len() < 3 * SHOWN_BYTES_MAX, "{shown}");
        let many = vec![&b"y"[..]; 1000];
        assert!(unknown(b"foo", &many).len() < 3 * SHOWN_BYTES_MAX);
        let error = CommandError::unknown_subcommand("CLIENT", &long).to_string();
        assert!(error.len() < 2 * SHOWN_BYTES_MAX && error.ends_with("'. Try CLIENT HELP."));
    }

    #[test]
    fn names_are_told_in_lower_case() {
        assert_eq!(
            CommandError::wrong_arity("CLIENT|ID").to_string(),
            "ERR wrong number of arguments for 'client|id' command"
        );
        assert_eq!(
            CommandError::invalid_expire_time("SETEX").to_string(),
            "ERR invalid expire time in 'setex' command"
        );
    }
}
