//! `DEBUG PROTOCOL` and `DEBUG ERROR`: a reply of every type, for those who write clients.

use crate::command::prelude::*;

pub(super) const PROTOCOL: CommandSpec = CommandSpec {
    name: "DEBUG|PROTOCOL",
    group: Group::Server,
    summary: "Returns a reply of a certain type.",
    syntax: "DEBUG PROTOCOL <STRING | INTEGER | DOUBLE | NULL | ARRAY | SET | MAP | ATTRIB | VERBATIM | TRUE | FALSE \
             | BIGNUM>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("There are no pushes among replies."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(protocol),
};

pub(super) const ERROR: CommandSpec = CommandSpec {
    name: "DEBUG|ERROR",
    group: Group::Server,
    summary: "Returns an error.",
    syntax: "DEBUG ERROR message",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::DEBUG_FLAGS,
    run: Run::Pure(error),
};

fn error(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let text = String::from_utf8_lossy(args.bytes()?);
    let (code, message) = text.split_once(' ').unwrap_or((&text, ""));
    reply.error(code, message);
    Ok(())
}

fn protocol(mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let name = args.bytes()?;
    args.finish()?;
    match name.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double_text("3.141"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.boolean(number == 1);
            }
        }
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"attrib" => {
            if reply.attribute(1) {
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.int(90);
            }
            // An attribute stands before a reply.
            reply.bulk(b"Some real reply following the attribute");
        }
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        _ => {
            return Err(CommandError::err(
                "Wrong protocol type name. Please use one of the following: \
                 string|integer|double|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn every_type_has_its_form_in_both_protocols() {
        let old = Shell::new();
        let new = Shell::in_format(Format::Resp3);
        for (name, resp2, resp3) in [
            ("string", "$11|Hello World|", "$11|Hello World|"),
            ("integer", ":12345|", ":12345|"),
            ("double", "$5|3.141|", ",3.141|"),
            ("null", "$-1|", "_|"),
            ("set", "*3|:0|:1|:2|", "~3|:0|:1|:2|"),
            ("map", "*6|:0|:0|:1|:1|:2|:0|", "%3|:0|#f|:1|#t|:2|#f|"),
            ("TRUE", ":1|", "#t|"),
        ] {
            let line = format!("DEBUG PROTOCOL {name}");
            assert_eq!(old.run(&line), resp2);
            assert_eq!(new.run(&line), resp3);
        }
    }
}
