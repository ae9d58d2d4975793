//! Effects as JSON: one object per effect, one effect per line.
//!
//! ```text
//! {"op":"set","db":0,"key":"user:1","value":"Ada","expires":1700000000000}
//! {"op":"append","db":0,"key":"log","value":" more"}
//! {"op":"patch","db":0,"key":"log","offset":3,"value":"x"}
//! {"op":"copy","db":1,"key":"log","from_db":0,"from":"log"}
//! {"op":"move","db":0,"key":"old log","from_db":0,"from":"log"}
//! {"op":"swapdbs","db":0,"other_db":1}
//! {"op":"expire","db":0,"key":"user:1","expires":1700000000000}
//! {"op":"persist","db":0,"key":"user:1"}
//! {"op":"delete","db":0,"key":"user:1"}
//! {"op":"putlist","db":0,"key":"jobs","elements":["a","b"],"expires":1700000000000}
//! {"op":"puthash","db":0,"key":"user:1","elements":["field","value"]}
//! {"op":"putset","db":0,"key":"tags","elements":["red"]}
//! {"op":"listpush","db":0,"key":"jobs","end":"back","elements":["a","b"]}
//! {"op":"listpop","db":0,"key":"jobs","end":"front","count":1}
//! {"op":"listset","db":0,"key":"jobs","index":0,"value":"c"}
//! {"op":"listinsert","db":0,"key":"jobs","index":1,"value":"d"}
//! {"op":"listremove","db":0,"key":"jobs","end":"front","count":1,"value":"d"}
//! {"op":"hashset","db":0,"key":"user:1","elements":["field","value"]}
//! {"op":"hashdelete","db":0,"key":"user:1","elements":["field"]}
//! {"op":"setadd","db":0,"key":"tags","elements":["red"]}
//! {"op":"setremove","db":0,"key":"tags","elements":["red"]}
//! {"op":"hashexpire","db":0,"key":"user:1","elements":["field"],"expires":1700000000000}
//! {"op":"hashpersist","db":0,"key":"user:1","elements":["field"]}
//! {"op":"zsetadd","db":0,"key":"scores","elements":["1.5","ada"]}
//! {"op":"zsetremove","db":0,"key":"scores","elements":["ada"]}
//! {"op":"putzset","db":0,"key":"scores","elements":["-inf","eve","2.0","ada"]}
//! {"op":"streamrenew","db":0,"key":"events","elements":[]}
//! {"op":"streamadd","db":0,"key":"events","elements":["1700000000000-0","field","value"]}
//! {"op":"streamdelete","db":0,"key":"events","elements":["1700000000000-0","1700000000001-0"]}
//! {"op":"streamtrim","db":0,"key":"events","elements":["3"]}
//! {"op":"streamsetids","db":0,"key":"events","elements":["1700000000000-0","0-0","17"]}
//! {"op":"streamsetgroup","db":0,"key":"events","elements":["group","1700000000000-0","17"]}
//! {"op":"streamdestroygroup","db":0,"key":"events","elements":["group"]}
//! {"op":"streamsetconsumer","db":0,"key":"events","elements":["group","ada","1700000000000","1700000000000"]}
//! {"op":"streamdeleteconsumer","db":0,"key":"events","elements":["group","ada"]}
//! {"op":"streamdeliver","db":0,"key":"events","elements":["group","ada","1700000000000","1","1700000000000-0"]}
//! {"op":"streamacknowledge","db":0,"key":"events","elements":["group","1700000000000-0"]}
//! {"op":"flushdb","db":0}
//! {"op":"flushall"}
//! {"op":"setlibrary","name":"lib","value":"#!lua name=lib\n..."}
//! {"op":"deletelibrary","name":"lib"}
//! ```
//!
//! `expires` is in milliseconds since 1970. A key, name or value that is not UTF-8 stands in `key_base64`, `from_base64`,
//! `name_base64` or `value_base64` instead; if one of `elements` is not, all stand in `elements_base64`. The score of a member stands before it, as the
//! shortest decimal number that is read back as the same double, `inf` or `-inf`. What a change of a stream holds stands
//! in `elements`: the number of entries that a group has passed, and the time at which a consumer was active, may be missing. A field is never given a second meaning.
//!
//! Invariant: whatever an effect holds comes back, byte for byte.
mod base64;
mod decode;
mod encode;
mod stream;
mod text;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use text::Text;

#[cfg(test)]
mod tests {
    use kv_core::{Db, Effect, StringValue, UnixMillis};

    use super::*;
    use crate::format::Malformed;

    fn encoded(effect: &Effect<'_>) -> String {
        let mut out = Vec::new();
        encode(effect, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_readable() {
        let db = Db(3);
        let text = encoded(&Effect::SetString {
            db,
            key: "gr\u{fc}n".as_bytes(),
            value: StringValue::new(b"a\n\"b\"\x01"),
            expires: Some(UnixMillis(-5)),
        });
        assert_eq!(
            text,
            "{\"op\":\"set\",\"db\":3,\"key\":\"gr\u{fc}n\",\"value\":\"a\\n\\\"b\\\"\\u0001\",\"expires\":-5}\n"
        );
        let text = encoded(&Effect::Delete {
            db,
            key: b"\xff\xfe",
        });
        assert_eq!(
            text,
            "{\"op\":\"delete\",\"db\":3,\"key_base64\":\"//4=\"}\n"
        );
    }

    #[test]
    fn what_no_effect_says_is_refused() {
        for line in [
            "",
            "\n",
            "{}\n",
            "{\"op\":\"flushall\"}",
            "{\"op\":\"flushall\",\"db\":0}\n",
            "{\"op\":\"flushdb\",\"db\":5000}\n",
            "{\"op\":\"set\",\"db\":0,\"key\":\"k\"}\n",
            "{\"op\":\"set\",\"db\":0,\"key\":\"k\",\"value\":\"v\",\"extra\":1}\n",
            "{\"op\":\"delete\",\"db\":0,\"key\":\"k\",\"key_base64\":\"AA==\"}\n",
            "{\"op\":\"delete\",\"db\":0,\"key_base64\":\"A\"}\n",
            "{\"op\":\"persist\",\"db\":0,\"key\":\"k\",\"expires\":1}\n",
            "{\"op\":\"listpush\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"]}\n",
            "{\"op\":\"listpop\",\"db\":0,\"key\":\"k\",\"end\":\"front\",\"count\":-1}\n",
            "{\"op\":\"hashset\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"]}\n",
            "{\"op\":\"setadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"],\"expires\":1}\n",
            "{\"op\":\"delete\",\"db\":0,\"key\":\"k\",\"count\":1}\n",
            "{\"op\":\"patch\",\"db\":0,\"key\":\"k\",\"offset\":536870912,\"value\":\"v\"}\n",
            "{\"op\":\"patch\",\"db\":0,\"key\":\"k\",\"value\":\"v\"}\n",
            "{\"op\":\"set\",\"db\":0,\"key\":\"k\",\"offset\":1,\"value\":\"v\"}\n",
            "{\"op\":\"listpop\",\"db\":0,\"key\":\"k\",\"end\":\"front\",\"count\":1,\"offset\":1}\n",
            "{\"op\":\"copy\",\"db\":0,\"key\":\"k\",\"from\":\"j\"}\n",
            "{\"op\":\"move\",\"db\":0,\"key\":\"k\",\"from\":\"j\",\"from_db\":1024}\n",
            "{\"op\":\"swapdbs\",\"db\":0}\n",
            "{\"op\":\"swapdbs\",\"db\":0,\"other_db\":1024}\n",
            "{\"op\":\"hashexpire\",\"db\":0,\"key\":\"k\",\"elements\":[\"f\"]}\n",
            "{\"op\":\"hashpersist\",\"db\":0,\"key\":\"k\",\"elements\":[\"f\"],\"expires\":1}\n",
            "{\"op\":\"zsetadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"nan\",\"m\"]}\n",
            "{\"op\":\"zsetadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"1\",\"m\",\"2\"]}\n",
            "{\"op\":\"putzset\",\"db\":0,\"key\":\"k\",\"elements\":[\"m\",\"1\"]}\n",
            "{\"op\":\"rename\",\"db\":0,\"key\":\"k\"}\n",
            "{\"op\":\"setlibrary\",\"name\":\"l\"}\n",
            "{\"op\":\"setlibrary\",\"db\":0,\"name\":\"l\",\"value\":\"v\"}\n",
            "{\"op\":\"setlibrary\",\"key\":\"l\",\"value\":\"v\"}\n",
            "{\"op\":\"deletelibrary\",\"name\":\"l\",\"value\":\"v\"}\n",
            "{\"op\":\"delete\",\"db\":0,\"key\":\"k\",\"name\":\"l\"}\n",
        ] {
            let refused: Result<(), Malformed> = decode(line.as_bytes(), &mut |_| Ok(()));
            assert!(refused.is_err(), "{line}");
        }
    }
}
