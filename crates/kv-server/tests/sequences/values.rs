//! Words for the names that a syntax uses: plausible ones mostly, edges often enough.
//!
//! Invariant: no word makes a server hold or send more than a few megabytes.
//! Invariant: no time to live ends while a run lasts: it is long, or over already. Two times of one sequence are
//! far enough apart that a few milliseconds never decide which is later.
//! Invariant: a sum of decimals is exact in binary floating point, for servers differ in how many digits of
//! an inexact one they show.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Databases that sequences use.
pub(crate) const DATABASES: usize = 4;

/// Arguments that are IDs of entries of a stream.
const STREAM_IDS: [&str; 7] = [
    "id",
    "start",
    "end",
    "last-id",
    "lastid",
    "max-deleted-id",
    "entries-read",
];

/// Such IDs, and what is none; no time of day, so that all servers make the same ones.
const IDS: [&str; 26] = [
    "1-1", "2-1", "3-1", "4-1", "5-5", "7-0", "9-3", "12-1", "20-2", "31-1", "45-1", "60-7",
    "77-1", "90-1", "99-1", "3", "40", "5-*", "50-*", "0", "-", "+", "(2-1", ">", "0-0", "abc",
];

/// Kinds of keys: a letter for each group, so that most commands meet the type that they are for.
const POOLS: [(&str, &str); 9] = [
    ("string", "s"),
    ("bitmap", "b"),
    ("list", "l"),
    ("hash", "h"),
    ("set", "t"),
    ("sorted-set", "z"),
    ("hyperloglog", "p"),
    ("geo", "g"),
    ("stream", "x"),
];
/// Keys of each kind.
const KEYS_EACH: usize = 3;

/// Times far in the future begin here, in seconds since 1970.
const FAR_S: u64 = 5_000_000_000;

/// What can stand where a whole number must.
const NUMBERS: [&str; 22] = [
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "2147483648",
    "-2147483649",
    "abc",
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
    "1.5",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "1\0",
    "--1",
    "9223372036854775806",
];

/// What can stand where a decimal must; sums of two are exact. No negative zero: a peer keeps its sign in a large
/// sorted set and drops it in a small one.
const DECIMALS: [&str; 19] = [
    "0", "1", "-1", "2", "3", "0.5", "-0.5", "1.25", "2.5", "-3.75", "10", "100", "1e2", "+2",
    "inf", "-inf", "+inf", "nan", "abc",
];

/// Strings that are values.
const STRINGS: [&[u8]; 24] = [
    b"hello",
    b"world",
    b"a",
    b"b",
    b"",
    b"0",
    b"1",
    b"10",
    b"-1",
    b"3",
    b"01",
    b" 1",
    b"1 ",
    b"+5",
    b"-0",
    b"1.5",
    b"10.25",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"foobar",
    b"\x00\xff\x0f",
    b"line\r\nend",
    b"mynewtext",
];

/// Members, fields and elements: few, so that they meet again.
const MEMBERS: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"e",
    b"1",
    b"2",
    b"3",
    b"10",
    b"-7",
    b"",
    b"\xff\x00",
    b"1.5",
    b"Abc",
];

/// Patterns for keys and members.
const PATTERNS: [&str; 18] = [
    "*", "s*", "?1", "*2", "[a-m]*", "[^a-m]*", "h[0-9]", "nothing*", "\\*", "", "**", "*[", "a",
    "[b-", "s\\1", "*?*", "[\\]]*", "z1",
];

/// Bounds by score and by name.
const SCORE_BOUNDS: [&str; 14] = [
    "-inf", "+inf", "inf", "0", "1", "(1", "2", "(2", "-1", "(0.5", "10", "(10", "abc", "(",
];
const NAME_BOUNDS: [&str; 12] = [
    "-", "+", "[a", "(a", "[c", "(c", "[1", "[", "(", "a", "[zzz", "(\u{7f}",
];

/// How the bounds of a range are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    Index,
    Score,
    Name,
}

/// A source of words for one sequence.
pub(crate) struct Values {
    pub(crate) rng: StdRng,
    /// Stands before every key.
    prefix: Vec<u8>,
    /// Times drawn so far.
    times: u64,
    /// When set, members come from a wide range: what grows a collection out of its packed form.
    pub(crate) many: bool,
}

impl Values {
    /// The source of sequence `number` of `seed`; every key begins with `prefix`.
    pub(crate) fn new(seed: u64, number: u64, prefix: &[u8]) -> Self {
        let mixed = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            rng: StdRng::seed_from_u64(mixed),
            prefix: prefix.to_vec(),
            times: 0,
            many: false,
        }
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    pub(crate) fn pick<'v, T>(&mut self, from: &'v [T]) -> &'v T {
        from.choose(&mut self.rng)
            .expect("nobody picks from nothing")
    }

    /// A key for a command of `group`.
    pub(crate) fn key(&mut self, group: &str) -> Vec<u8> {
        let mut key = self.prefix.clone();
        if self.chance(0.01) {
            let odd: &[&[u8]] = &[b"", b"\x00\xff", b"{s}1"];
            key.extend_from_slice(self.pick::<&[u8]>(odd));
            return key;
        }
        let own = POOLS.iter().find(|(name, _)| *name == group);
        let letter = match own {
            Some((_, letter)) if self.chance(0.92) => letter,
            _ => self.foreign(group),
        };
        key.extend_from_slice(letter.as_bytes());
        let number = self.rng.random_range(1..=KEYS_EACH);
        key.extend_from_slice(number.to_string().as_bytes());
        key
    }

    /// The letter of another group's keys. Places and scores do not mix: a place made of any score is not defined.
    fn foreign(&mut self, group: &str) -> &'static str {
        loop {
            let (name, letter) = *self.pick(&POOLS);
            if !matches!((group, name), ("geo", "sorted-set") | ("sorted-set", "geo")) {
                return letter;
            }
        }
    }

    /// A key of a sorted set in which all scores are the same.
    pub(crate) fn level_key(&mut self) -> Vec<u8> {
        let number = self.rng.random_range(1..=KEYS_EACH);
        [&self.prefix[..], format!("y{number}").as_bytes()].concat()
    }

    /// A word for what the syntax of `command` calls `name`.
    pub(crate) fn word(&mut self, command: &str, group: &str, name: &str) -> Vec<u8> {
        let text = match name {
            _ if is_key(name) => return self.key(group),
            "milliseconds" if command.starts_with("XREAD") => self.one_of(&["1", "1", "-1", "abc"]),
            "seconds" | "milliseconds" | "unix-time-seconds" | "unix-time-milliseconds" => {
                self.time(name)
            }
            name if group == "stream" && STREAM_IDS.contains(&name) => self.one_of(&IDS),
            "group" | "consumer" => self.one_of(&["g", "g", "h", "none"]),
            "threshold" => self.one_of(&["0", "1", "2", "10", "-1", "abc", "3-1"]),
            "min-idle-time" => self.one_of(&["0", "0", "0", "100000000", "-1", "abc"]),
            "timeout" => self.one_of(&["0.001", "0.001", "0.001", "0.001", "0.001", "-1", "abc"]),
            "increment" | "decrement" if command.contains("FLOAT") => self.plain_decimal(),
            "increment" if group == "sorted-set" => self.decimal(),
            "score" | "weight" => self.decimal(),
            "min" | "max" if command.contains("LEX") => self.bound(Bounds::Name),
            "min" | "max" => self.bound(Bounds::Score),
            "longitude" | "latitude" => self.coordinate(name),
            "radius" | "width" | "height" => {
                self.one_of(&["1", "100", "200", "500.5", "0", "-1", "abc", "100000"])
            }
            // Without a star, a peer leaves a set in the order of a hash table.
            "pattern" if command.starts_with("SORT") => {
                self.one_of(&["s*", "b*", "*", "nokey_*", "h*->a", "h*->1", "*->b"])
            }
            "pattern" => self.one_of(&PATTERNS),
            "cursor" => self.one_of(&[
                "0",
                "0",
                "0",
                "0",
                "0",
                "0",
                "abc",
                "-1",
                "18446744073709551616",
            ]),
            "bit" => self.one_of(&["0", "1", "0", "1", "2", "-1", "abc"]),
            "encoding" => self.one_of(&[
                "u8", "i8", "u1", "i5", "u63", "i64", "u64", "i65", "i0", "x8", "u16", "i32",
            ]),
            "index" if command == "SELECT" => self.database(),
            "index1" | "index2" | "db" | "destination-db" | "dbid" => self.database(),
            "type" => self.one_of(&[
                "string", "list", "set", "zset", "hash", "stream", "none", "STRING",
            ]),
            "offset" => self.offset(command),
            "count" if command.contains("RAND") => {
                self.one_of(&["0", "1", "2", "5", "-1", "-3", "-10", "100", "abc"])
            }
            "index" if command == "LSET" => self.number_of_32_bits(),
            _ if is_number(name) => self.number(),
            "member" | "field" | "element" | "pivot" | "member1" | "member2" => {
                return self.member();
            }
            "value" if group == "hash" => return self.value(),
            "message" | "channel" | "shardchannel" => self.one_of(&["news", "a", "", "hello"]),
            "value" | "comparison-value" | "digest" => return self.value(),
            _ => return self.anything(),
        };
        text.into_bytes()
    }

    /// A bound of a range.
    pub(crate) fn bound(&mut self, bounds: Bounds) -> String {
        match bounds {
            Bounds::Index => self.number(),
            Bounds::Score => self.one_of(&SCORE_BOUNDS),
            Bounds::Name => self.one_of(&NAME_BOUNDS),
        }
    }

    /// Any word at all.
    pub(crate) fn anything(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..4) {
            0 => self.number().into_bytes(),
            1 => self.decimal().into_bytes(),
            2 => self.member(),
            _ => self.value(),
        }
    }

    /// Whether a choice is a rare one.
    pub(crate) fn rarely(&mut self) -> bool {
        self.chance(0.03)
    }

    fn one_of(&mut self, words: &[&str]) -> String {
        (*self.pick(words)).to_owned()
    }

    fn number(&mut self) -> String {
        if self.chance(0.85) {
            self.rng.random_range(-6..=12_i64).to_string()
        } else {
            self.one_of(&NUMBERS)
        }
    }

    /// Not one of more bits: a peer takes a place in a list for what its lower 32 bits are.
    fn number_of_32_bits(&mut self) -> String {
        loop {
            let number = self.number();
            if number
                .parse::<i64>()
                .map_or(true, |value| i32::try_from(value).is_ok())
            {
                return number;
            }
        }
    }

    fn decimal(&mut self) -> String {
        if self.rarely() {
            return self.one_of(&["", " 1", "1 ", "1e400", "0x10", "1\0", "1.5.2", "+-1"]);
        }
        self.one_of(&DECIMALS)
    }

    /// A decimal that is one for kv too: huge ones and hexadecimal ones are not.
    fn plain_decimal(&mut self) -> String {
        loop {
            let decimal = self.decimal();
            if !matches!(decimal.as_str(), "1e400" | "0x10") {
                return decimal;
            }
        }
    }

    /// Relative times are long or over, absolute ones far away on either side.
    fn time(&mut self, name: &str) -> String {
        if self.chance(0.15) {
            return self.one_of(&[
                "0",
                "-1",
                "-100",
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775",
                "abc",
                "",
                "1.5",
            ]);
        }
        self.times += 1;
        // Neighbours in time are neighbours in order only half of the time.
        let place = (self.times * 7919) % 4001;
        let seconds = 10_000 + place * 100;
        match name {
            "seconds" => seconds.to_string(),
            "milliseconds" => (seconds * 1000).to_string(),
            "unix-time-seconds" if self.rarely() => "1".to_owned(),
            "unix-time-seconds" => (FAR_S + seconds).to_string(),
            _ if self.rarely() => "1000".to_owned(),
            _ => ((FAR_S + seconds) * 1000 + 7).to_string(),
        }
    }

    fn coordinate(&mut self, name: &str) -> String {
        if name == "longitude" {
            self.one_of(&[
                "13.361389",
                "15.087269",
                "2.349014",
                "-0.127758",
                "-122.4194",
                "0",
                "180",
                "181",
                "abc",
                "1.5",
            ])
        } else {
            self.one_of(&[
                "38.115556",
                "37.502669",
                "48.864716",
                "51.507351",
                "37.7749",
                "0",
                "85",
                "86",
                "abc",
                "1.5",
            ])
        }
    }

    fn database(&mut self) -> String {
        if self.chance(0.9) {
            self.rng.random_range(0..DATABASES).to_string()
        } else {
            self.one_of(&["16", "-1", "abc", "", "9223372036854775808", "1.5"])
        }
    }

    /// A place in a string. Those between a few thousand and what is refused would cost memory.
    fn offset(&mut self, command: &str) -> String {
        let small = self.rng.random_range(0..=40_u32);
        if command.starts_with("BITFIELD") && self.chance(0.3) {
            return format!("#{small}");
        }
        if self.chance(0.85) {
            return small.to_string();
        }
        let refused = [
            "-1",
            "4294967296",
            "9223372036854775807",
            "abc",
            "",
            "-9223372036854775808",
            "#",
            "3000",
        ];
        self.one_of(&refused)
    }

    fn member(&mut self) -> Vec<u8> {
        if self.many {
            return format!("m{}", self.rng.random_range(0..400)).into_bytes();
        }
        if self.chance(0.02) {
            return vec![b'L'; self.rng.random_range(60..70)];
        }
        self.pick(&MEMBERS).to_vec()
    }

    fn value(&mut self) -> Vec<u8> {
        if self.chance(0.03) {
            let length = *self.pick(&[43, 44, 45, 63, 64, 65, 300, 3000]);
            return vec![b'v'; length];
        }
        self.pick(&STRINGS).to_vec()
    }
}

/// Names that stand for keys, also where a syntax does not call them so.
pub(crate) fn is_key(name: &str) -> bool {
    name.ends_with("key") || matches!(name, "source" | "destination" | "src" | "dst")
}

/// Names that stand for whole numbers.
fn is_number(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "start",
        "stop",
        "end",
        "index",
        "count",
        "increment",
        "decrement",
        "rank",
        "num-matches",
        "len",
        "maxlen",
        "min-match-len",
        "limit",
        "size",
        "ttl",
        "threshold",
        "byte",
    ];
    NAMES.contains(&name) || name.starts_with("num")
}
