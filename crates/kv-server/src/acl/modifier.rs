//! The words of `ACL SETUSER`: each changes one thing about a user.
//!
//! Selectors (`(...)`) and rules about the first argument of a command are not there: they are refused.

use super::user::{CommandRule, Commands, KeyPattern, PasswordHash, Subject, User, hash};
use crate::command::category::Category;
use crate::command::table;

const SYNTAX: &str = "Syntax error";
const UNKNOWN: &str = "Unknown command or category name in ACL";
const BAD_HASH: &str = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
const NO_PASSWORD: &str = "The password you are trying to remove from the user does not exist";
const USELESS_KEY: &str = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have \
                           any effect. Try 'resetkeys' to start with an empty list of patterns";
const USELESS_CHANNEL: &str = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does \
                               not have any effect. Try 'resetchannels' to start with an empty list of channels";

impl User {
    /// Does what `word` says.
    ///
    /// # Errors
    ///
    /// Why it cannot be done; the user may be changed in part.
    pub(crate) fn modify(&mut self, word: &[u8]) -> Result<(), String> {
        let done = match word.to_ascii_lowercase().as_slice() {
            b"on" => self.turn(true),
            b"off" => self.turn(false),
            b"nopass" => {
                self.passwords.clear();
                self.needs_no_password = true;
                Ok(())
            }
            b"resetpass" => {
                self.passwords.clear();
                self.needs_no_password = false;
                Ok(())
            }
            b"allkeys" => self.allow_keys(KeyPattern::all()),
            b"resetkeys" => {
                self.keys.clear();
                Ok(())
            }
            b"allchannels" => self.allow_channel(b"*"),
            b"resetchannels" => {
                self.channels.clear();
                Ok(())
            }
            b"allcommands" | b"+@all" => self.all_commands(true),
            b"nocommands" | b"-@all" => self.all_commands(false),
            b"reset" => {
                *self = Self::nobody(&self.name);
                Ok(())
            }
            // What is always so here.
            b"clearselectors" | b"alldbs" | b"sanitize-payload" => Ok(()),
            _ => self.modify_by_sign(word),
        };
        let shown = word.escape_ascii();
        done.map_err(|why| format!("Error in ACL SETUSER modifier '{shown}': {why}"))
    }

    fn modify_by_sign(&mut self, word: &[u8]) -> Result<(), &'static str> {
        let Some((sign, rest)) = word.split_first() else {
            return Err(SYNTAX);
        };
        match sign {
            b'>' => self.add_password(hash(rest)),
            b'#' => self.add_password(parse_hash(rest)?),
            b'<' => self.remove_password(hash(rest)),
            b'!' => self.remove_password(parse_hash(rest)?),
            b'~' => self.allow_keys(KeyPattern {
                pattern: rest.to_vec(),
                ..KeyPattern::all()
            }),
            b'%' => self.allow_keys(key_pattern(rest)?),
            b'&' => self.allow_channel(rest),
            b'+' | b'-' => self.rule(*sign == b'+', rest),
            _ => Err(SYNTAX),
        }
    }

    fn turn(&mut self, on: bool) -> Result<(), &'static str> {
        self.is_on = on;
        Ok(())
    }

    fn all_commands(&mut self, all: bool) -> Result<(), &'static str> {
        self.commands = Commands {
            all,
            rules: Vec::new(),
        };
        Ok(())
    }

    fn add_password(&mut self, new: PasswordHash) -> Result<(), &'static str> {
        if !self.passwords.contains(&new) {
            self.passwords.push(new);
        }
        self.needs_no_password = false;
        Ok(())
    }

    fn remove_password(&mut self, old: PasswordHash) -> Result<(), &'static str> {
        let before = self.passwords.len();
        self.passwords.retain(|known| *known != old);
        match self.passwords.len() < before {
            true => Ok(()),
            false => Err(NO_PASSWORD),
        }
    }

    fn allow_keys(&mut self, new: KeyPattern) -> Result<(), &'static str> {
        if new == KeyPattern::all() {
            self.keys = vec![new];
            return Ok(());
        }
        if self.has_all_keys() {
            return Err(USELESS_KEY);
        }
        match self
            .keys
            .iter_mut()
            .find(|known| known.pattern == new.pattern)
        {
            Some(known) => {
                known.reads |= new.reads;
                known.writes |= new.writes;
            }
            None => self.keys.push(new),
        }
        Ok(())
    }

    fn allow_channel(&mut self, pattern: &[u8]) -> Result<(), &'static str> {
        if pattern == b"*" {
            self.channels = vec![pattern.to_vec()];
            return Ok(());
        }
        if self.has_all_channels() {
            return Err(USELESS_CHANNEL);
        }
        if !self.channels.iter().any(|known| known == pattern) {
            self.channels.push(pattern.to_vec());
        }
        Ok(())
    }

    fn rule(&mut self, allows: bool, name: &[u8]) -> Result<(), &'static str> {
        let subject = match name.strip_prefix(b"@") {
            Some(category) => {
                let name = category.to_ascii_lowercase();
                let mut all = Category::ALL.into_iter();
                let found = all.find(|category| category.name().as_bytes() == name);
                Subject::Category(found.ok_or(UNKNOWN)?)
            }
            None => Subject::Command(table::find_by_name(name).ok_or(UNKNOWN)?.name),
        };
        self.commands.add(CommandRule { allows, subject });
        Ok(())
    }
}

/// What stands behind `%`: how, then `~` and the pattern.
fn key_pattern(word: &[u8]) -> Result<KeyPattern, &'static str> {
    let tilde = word.iter().position(|&byte| byte == b'~').ok_or(SYNTAX)?;
    let (how, pattern) = (word[..tilde].to_ascii_uppercase(), &word[tilde + 1..]);
    let known = |letter: &u8| matches!(letter, b'R' | b'W');
    if how.is_empty() || !how.iter().all(known) {
        return Err(SYNTAX);
    }
    Ok(KeyPattern {
        pattern: pattern.to_vec(),
        reads: how.contains(&b'R'),
        writes: how.contains(&b'W'),
    })
}

fn parse_hash(text: &[u8]) -> Result<PasswordHash, &'static str> {
    let mut hash = PasswordHash::default();
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * hash.len() || !text.iter().all(is_digit) {
        return Err(BAD_HASH);
    }
    for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
        let digits = std::str::from_utf8(pair).map_err(|_| BAD_HASH)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| BAD_HASH)?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(words: &str) -> Result<User, String> {
        let mut user = User::nobody(b"u");
        let mut words = words.split(' ');
        words.try_for_each(|word| user.modify(word.as_bytes()))?;
        Ok(user)
    }

    fn line(words: &str) -> String {
        String::from_utf8(user(words).unwrap().line()).unwrap()
    }

    #[test]
    fn users_are_written_as_they_were_made() {
        let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
        assert_eq!(
            line("on >pw +get ~k* %R~r* &ch* +@read -mget +config|get"),
            format!(
                "user u on #{hash} ~k* %R~r* resetchannels &ch* -@all +get +@read -mget +config|get"
            )
        );
        assert_eq!(
            line("on nopass ~* &* +@all"),
            "user u on nopass ~* &* +@all"
        );
        assert_eq!(line("on >pw +get reset"), "user u off resetchannels -@all");
        assert_eq!(line("%R~a %W~a"), "user u off ~a resetchannels -@all");
        assert_eq!(
            line("+get +@read +get"),
            "user u off resetchannels -@all +@read +get"
        );
        assert!(line(&format!("#{hash}")).contains(hash));
        assert!(!line(&format!(">pw !{hash}")).contains(hash));
    }

    #[test]
    fn wrong_words_are_refused() {
        for (words, why) in [
            ("bad", SYNTAX),
            ("(+get ~x)", SYNTAX),
            ("+nosuch", UNKNOWN),
            ("+@nosuch", UNKNOWN),
            ("+config|nosuch", UNKNOWN),
            ("#zz", BAD_HASH),
            ("<zz", NO_PASSWORD),
            ("%X~k", SYNTAX),
            ("allkeys ~k", USELESS_KEY),
            ("&* &k", USELESS_CHANNEL),
        ] {
            let error = user(words).unwrap_err();
            assert!(error.ends_with(why), "{words}: {error}");
        }
    }
}
