//! The effects of one frame as payload bytes, in either encoding.

use kv_core::Effect;

use super::fields::{Fields, Malformed};
use super::record;
use crate::{Encoding, json};

/// Adds one effect to a payload.
pub(crate) fn encode_effect(encoding: Encoding, effect: &Effect<'_>, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Binary => record::encode(effect, out),
        Encoding::Json => json::encode(effect, out),
    }
}

/// Shows each effect of a payload; `count` is how many there must be. Those before a flaw are shown, so
/// whoever gets an error must drop what came of them.
pub(crate) fn for_each_effect<E: From<Malformed>>(
    encoding: Encoding,
    payload: &[u8],
    count: u32,
    mut show: impl FnMut(&Effect<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut shown = 0_u32;
    let mut counted = |effect: &Effect<'_>| {
        shown = shown.saturating_add(1);
        if shown > count {
            return Err(Malformed("more effects than the frame says").into());
        }
        show(effect)
    };
    match encoding {
        Encoding::Binary => {
            let mut fields = Fields::new(payload);
            while !fields.is_empty() {
                counted(&record::decode(&mut fields)?)?;
            }
        }
        Encoding::Json => {
            for line in payload.split_inclusive(|&byte| byte == b'\n') {
                json::decode(line, &mut counted)?;
            }
        }
    }
    if shown < count {
        return Err(Malformed("fewer effects than the frame says").into());
    }
    Ok(())
}
