//! `redis.call`: one request of a script.
//!
//! Invariant: what may not run in a script does not; what a script may not change stays as it is.

use std::sync::atomic::Ordering;

use bytes::{Buf as _, BytesMut};
use kv_core::UnixMillis;
use kv_proto::{
    Format, REQUEST_BYTES_MAX, Reply, ReplyBuffer, ReplyDecoder, RequestArgs, RequestRef,
    Value as Answer,
};
use mlua::{Lua, MultiValue, Value};

use super::at_once::AtOnce;
use super::failure::Raised;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Flags, Run};
use crate::command::table;
use crate::engine::transaction::Hold;
use crate::meter::Stopwatch;
use crate::session::{Ran, SessionCx};

/// Bytes of changes that one script may make: they are one unit of the log, with room for the last of them.
const RECORDED_BYTES_MAX: usize = 256 << 20;

const NO_ARGUMENT: &str = "ERR Please specify at least one argument for this call";
const WRONG_ARGUMENT: &str = "ERR Command arguments must be strings or integers";
const NO_COMMAND: &str = "ERR Invalid command passed to server.acl_check_cmd()";
const UNKNOWN: &str = "ERR Unknown command called from script";
const WRONG_ARITY: &str = "ERR Wrong number of args calling command from script";
const NOT_ALLOWED: &str = "ERR This Valkey command is not allowed from script";
const READ_ONLY: &str = "ERR Write commands are not allowed from read-only scripts.";
const TOO_LONG: &str = "ERR the arguments of this call are too long";
const TOO_MUCH: &str = "ERR the script has written more than one transaction can hold";
const NOT_TAKEN: &str = "ERR the log does not take what the script writes";

/// What a script may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct May {
    pub(super) write: bool,
    /// Whether it may write though there are no replicas.
    pub(super) do_without_replicas: bool,
    /// Whether it may begin to write what needs memory.
    pub(super) grow: bool,
}

/// The script that runs, as its requests see it.
pub(super) struct Caller<'c, 's, 'h, 't> {
    pub(super) cx: &'c mut SessionCx<'s>,
    pub(super) hold: &'c mut Hold<'h, 't>,
    pub(super) now: UnixMillis,
    /// The format that the script wants replies in.
    pub(super) format: Format,
    pub(super) may: May,
    /// If it is tried at once: how it fares.
    at_once: Option<&'c AtOnce>,
    /// Whether a request that writes has run: from then on the script is not stopped for what it finds missing.
    has_written: bool,
    /// What the request is written to, and its reply: kept from call to call.
    request: RequestArgs,
    out: ReplyBuffer,
}

impl<'c, 's, 'h, 't> Caller<'c, 's, 'h, 't> {
    /// A script that begins.
    pub(super) fn new(
        cx: &'c mut SessionCx<'s>,
        hold: &'c mut Hold<'h, 't>,
        now: UnixMillis,
        may: May,
        at_once: Option<&'c AtOnce>,
    ) -> Self {
        Self {
            cx,
            hold,
            now,
            format: Format::Resp2,
            may,
            at_once,
            has_written: false,
            request: RequestArgs::new(),
            out: ReplyBuffer::new(),
        }
    }

    /// Runs the request that `words` are.
    ///
    /// # Errors
    ///
    /// What is to be raised: the request could not even run, or was answered with an error.
    pub(super) fn call(&mut self, lua: &Lua, words: &MultiValue) -> Result<Answer, Raised> {
        let mut request = std::mem::take(&mut self.request);
        request.clear();
        let answer = fill(&mut request, words)
            .map_err(|error| Raised::Reply(error.as_bytes().into()))
            .and_then(|()| self.run(lua, request.view(b"")));
        self.request = request;
        if let Err(Raised::Reply(text)) = &answer {
            self.cx.state.script_errors.met(text);
        }
        answer
    }

    /// Whether the user whose script this is may make the request that `words` are.
    ///
    /// # Errors
    ///
    /// What is to be raised: there is no such command.
    pub(super) fn may_call(&mut self, words: &MultiValue) -> Result<bool, Raised> {
        let mut request = RequestArgs::new();
        fill(&mut request, words).map_err(|error| Raised::Reply(error.as_bytes().into()))?;
        let request = request.view(b"");
        match table::find(request) {
            Ok(spec) => Ok(self.permit(spec, request).is_ok()),
            Err(_) => Err(Raised::Reply(NO_COMMAND.as_bytes().into())),
        }
    }

    fn run(&mut self, lua: &Lua, request: RequestRef<'_>) -> Result<Answer, Raised> {
        let refused = |why: &str| Raised::Reply(why.as_bytes().into());
        let spec = table::find(request).map_err(|_| refused(UNKNOWN))?;
        let admitted = self.admit(spec, request);
        if let Err(why) = admitted.and_then(|()| self.permit(spec, request)) {
            // A refusal is counted where it stays one.
            if let Some(at_once) = self.at_once {
                return Err(at_once.give_up());
            }
            self.cx.meters().rejected(spec);
            return Err(why);
        }
        if let Some(at_once) = self.at_once {
            at_once.admit(self.hold, (spec, request), || lua.used_memory())?;
        }
        self.has_written |= spec.is_write();
        self.out.clear();
        let stopwatch = Stopwatch::begin(self.cx.state.times_exactly);
        let mut reply = Reply::new(&mut self.out, self.format);
        let outcome = self
            .hold
            .run(self.cx, (spec, request), self.now, &mut reply);
        let ran = Ran {
            spec,
            request,
            nanos: stopwatch.nanos(),
            failed: outcome.is_err(),
            reply_bytes: self.out.len(),
            by_script: true,
        };
        match self.at_once {
            Some(at_once) => at_once.ran(self.cx, ran)?,
            None => self.cx.ran(ran),
        }
        if let Err(error) = outcome {
            self.out.clear();
            return Err(raised(&error));
        }
        match self.answer() {
            Some(Answer::Error(text)) => Err(Raised::Reply(text.to_vec().into())),
            Some(answer) => Ok(answer),
            None => Err(refused("ERR the reply cannot be shown to a script")),
        }
    }

    /// Whether `request` may run here, in Redis' order of reasons.
    fn admit(&self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Raised> {
        let running = &self.cx.server.scripts.running;
        let why = if !spec.arity.allows(request.len()) {
            WRONG_ARITY
        } else if spec.flags.contains(Flags::NO_SCRIPT) && !self.admits_anyway(spec) {
            NOT_ALLOWED
        } else if (spec.is_write() || spec.flags.contains(Flags::PAUSED_LIKE_WRITES))
            && !self.may.write
            && !spec.is_read()
        {
            READ_ONLY
        } else if spec.is_write() && !self.may.do_without_replicas && !self.has_written {
            return Err(raised(&CommandError::NO_REPLICAS));
        } else if spec.may_grow() && !self.may.grow && !self.has_written {
            return Err(raised(&CommandError::OUT_OF_MEMORY));
        } else if spec.is_write() && self.hold.recorded_bytes() > RECORDED_BYTES_MAX {
            TOO_MUCH
        } else if spec.is_write() && self.hold.is_refused() {
            NOT_TAKEN
        } else if self.at_once.is_none() && spec.is_write() && !running.may_write() {
            return Err(Raised::Killed(running.kind()));
        } else {
            return Ok(());
        };
        Err(Raised::Reply(why.as_bytes().into()))
    }

    /// Whether a command that is kept from scripts may run in one for once: a test has said so, and it answers from
    /// its words alone.
    fn admits_anyway(&self, spec: &CommandSpec) -> bool {
        let scripts = &self.cx.server.scripts;
        matches!(spec.run, Run::Pure(_)) && scripts.admits_pure.load(Ordering::Relaxed)
    }

    /// Whether the user whose script this is may make `request`.
    fn permit(&mut self, spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), Raised> {
        let refused = |why: String| Raised::Reply(why.into_bytes().into());
        let user = self
            .cx
            .user()
            .map_err(|error| refused(error.message.into_owned()))?;
        user.check(spec, request).map_err(|denied| {
            let why = denied.in_words(user);
            refused(format!("NOPERM ACL failure in script: {why}"))
        })
    }

    fn answer(&mut self) -> Option<Answer> {
        let bytes = self.out.copy_to_bytes(self.out.remaining());
        let mut bytes = BytesMut::from(bytes);
        ReplyDecoder::new().decode(&mut bytes).ok().flatten()
    }
}

/// `error`, as a script meets it.
fn raised(error: &CommandError) -> Raised {
    Raised::Reply(error.to_string().into_bytes().into())
}

/// Writes `words` into `request`.
fn fill(request: &mut RequestArgs, words: &MultiValue) -> Result<(), &'static str> {
    if words.is_empty() {
        return Err(NO_ARGUMENT);
    }
    let mut bytes = 0;
    let mut push = |word: &[u8]| {
        bytes += word.len();
        if bytes > REQUEST_BYTES_MAX {
            return Err(TOO_LONG);
        }
        request.push_word(word);
        Ok(())
    };
    for word in words {
        match word {
            Value::String(text) => push(&text.as_bytes())?,
            Value::Integer(number) => push(itoa::Buffer::new().format(*number).as_bytes())?,
            Value::Number(number) if *number == 0.0 => push(b"0")?,
            Value::Number(number) => push(decimal(*number).as_bytes())?,
            _ => return Err(WRONG_ARGUMENT),
        }
    }
    Ok(())
}

/// The shortest text that reads back as `number`, as in replies.
fn decimal(number: f64) -> String {
    let mut out = ReplyBuffer::new();
    Reply::new(&mut out, Format::Resp3).double(number);
    let text = out.copy_to_bytes(out.remaining());
    let text = String::from_utf8_lossy(&text);
    text.trim_start_matches(',').trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_replies() {
        for (number, text) in [
            (3.1, "3.1"),
            (10.0 / 3.0, "3.3333333333333335"),
            (1e20, "1e+20"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(decimal(number), text);
        }
    }
}
