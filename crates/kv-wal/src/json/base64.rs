//! Base64 with padding (RFC 4648, section 4), for the few keys and values that are not UTF-8.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Adds the coded form of `bytes`.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            // One byte needs two digits, two need three, three need four.
            out.push(if place <= chunk.len() {
                ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]
            } else {
                b'='
            });
        }
    }
}

/// The bytes whose coded form is `text`; `None` when it is not the coded form of any.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.chunks(4) {
        let four: [u8; 4] = chunk.try_into().ok()?;
        let padding = four
            .iter()
            .rev()
            .take_while(|&&digit| digit == b'=')
            .count();
        let bits = four[..4 - padding.min(4)]
            .iter()
            .try_fold(0_u32, |bits, &digit| Some(bits << 6 | value_of(digit)?))?;
        let [_, three @ ..] = (bits << (6 * padding)).to_be_bytes();
        out.extend_from_slice(three.get(..3_usize.checked_sub(padding)?)?);
    }
    // One form for each: no padding but at the end, no stray bits before it.
    let mut again = Vec::with_capacity(text.len());
    put(&mut again, &out);
    (again == text).then_some(out)
}

fn value_of(digit: u8) -> Option<u32> {
    Some(match digit {
        b'A'..=b'Z' => u32::from(digit - b'A'),
        b'a'..=b'z' => u32::from(digit - b'a') + 26,
        b'0'..=b'9' => u32::from(digit - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            put(&mut out, plain.as_bytes());
            assert_eq!(out, coded.as_bytes());
            assert_eq!(decode(coded.as_bytes()).as_deref(), Some(plain.as_bytes()));
        }
        for wrong in ["A", "Zg=", "Zg==Zg==", "Zh==", "====", "Z===", "Zm9\n"] {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            let mut out = Vec::new();
            put(&mut out, &bytes);
            prop_assert_eq!(decode(&out), Some(bytes));
        }
    }
}
