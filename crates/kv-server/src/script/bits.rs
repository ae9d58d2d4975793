//! The library `bit`: numbers as rows of 32 bits.

use mlua::{Lua, MultiValue, Table, Value};

use super::failure;

/// The library.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let one = |name: &'static str, map: fn(i32) -> i32| {
        let function = lua.create_function(move |lua, args: MultiValue| {
            Ok(f64::from(map(bits(lua, &args, 0, name)?)))
        })?;
        library.raw_set(name, function)
    };
    one("tobit", |bits| bits)?;
    one("bnot", |bits| !bits)?;
    one("bswap", i32::swap_bytes)?;
    let many = |name: &'static str, fold: fn(i32, i32) -> i32| {
        let function = lua.create_function(move |lua, args: MultiValue| {
            let mut folded = bits(lua, &args, 0, name)?;
            for place in 1..args.len() {
                folded = fold(folded, bits(lua, &args, place, name)?);
            }
            Ok(f64::from(folded))
        })?;
        library.raw_set(name, function)
    };
    many("band", |one, other| one & other)?;
    many("bor", |one, other| one | other)?;
    many("bxor", |one, other| one ^ other)?;
    let shift = |name: &'static str, shift: fn(i32, u32) -> i32| {
        let function = lua.create_function(move |lua, args: MultiValue| {
            let number = bits(lua, &args, 0, name)?;
            let by = bits(lua, &args, 1, name)? & 31;
            Ok(f64::from(shift(number, by.unsigned_abs())))
        })?;
        library.raw_set(name, function)
    };
    shift("lshift", |bits, by| bits << by)?;
    shift("rshift", |bits, by| {
        (bits.cast_unsigned() >> by).cast_signed()
    })?;
    shift("arshift", |bits, by| bits >> by)?;
    shift("rol", i32::rotate_left)?;
    shift("ror", i32::rotate_right)?;
    library.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(library)
}

/// `tohex(bits, digits)`: in capitals where `digits` is negative.
fn tohex(lua: &Lua, args: MultiValue) -> mlua::Result<String> {
    let number = bits(lua, &args, 0, "tohex")?.cast_unsigned();
    let digits = match args.get(1) {
        None => 8,
        Some(_) => bits(lua, &args, 1, "tohex")?,
    };
    let shown = digits.unsigned_abs().min(8) as usize;
    let all = match digits < 0 {
        true => format!("{number:08X}"),
        false => format!("{number:08x}"),
    };
    Ok(all[8 - shown..].to_owned())
}

/// The argument at `place`, without what does not fit into 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "taking the lowest 32 bits is what the library is for"
)]
fn bits(lua: &Lua, args: &MultiValue, place: usize, function: &str) -> mlua::Result<i32> {
    let value = args.get(place).unwrap_or(&Value::Nil);
    match lua.coerce_number(value.clone())? {
        Some(number) => {
            Ok(number.round_ties_even().rem_euclid(4_294_967_296.0) as u64 as u32 as i32)
        }
        None => {
            let got = match args.get(place) {
                None => "no value",
                Some(value) => failure::kind(value),
            };
            let problem = format_args!("number expected, got {got}");
            Err(failure::argument(lua, place + 1, function, problem))
        }
    }
}
