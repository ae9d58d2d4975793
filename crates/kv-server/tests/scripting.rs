//! Scripts on a real server: what a text script cannot say, because it needs a program without an end, many
//! connections, or the end of a process.

mod process;

use std::path::Path;
use std::thread;

use process::{Process, Wire, resp};

/// What `EXEC` says meanwhile.
const ABORTED: &str = "-EXECABORT Transaction discarded because of: BUSY Redis is busy running a script. \
                       You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";

const BUSY: &str =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";

/// Programs without an end that have written nothing, some of them unwilling to stop.
const ENDLESS: [&str; 6] = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "while true do xpcall(function() while true do end end, function(e) return e end) end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "while true do coroutine.wrap(function() while true do end end)() end",
    "while true do redis.pcall('GET', 'k') end",
];

fn server(dir: &Path) -> Process {
    Process::start(dir, &["--threads", "2"])
}

fn ask(wire: &mut Wire, words: &[&str]) -> String {
    wire.send(resp(words)).expect("the server listens");
    wire.line().expect("a reply")
}

/// Comes back when a script takes too long.
fn wait_until_busy(wire: &mut Wire) {
    while ask(wire, &["PING"]) != BUSY {}
}

#[test]
fn a_script_without_an_end_is_told_to_others_and_can_be_killed() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (mut stuck, mut other, mut third) = (server.connect(), server.connect(), server.connect());
    other.talk(
        resp(&["CONFIG", "SET", "busy-reply-threshold", "20"]),
        "+OK\r\n",
    );
    for script in ENDLESS {
        let mut fourth = server.connect();
        fourth.talk(resp(&["MULTI"]), "+OK\r\n");
        fourth.talk(resp(&["SET", "k", "v"]), "+QUEUED\r\n");
        stuck
            .send(resp(&["EVAL", script, "0"]))
            .expect("the server listens");
        wait_until_busy(&mut other);
        // Whoever was not there yet is told too, and what needs no data goes on.
        server.connect().talk(resp(&["GET", "k"]), BUSY);
        third.talk(resp(&["EVAL", "return 1", "0"]), BUSY);
        third.talk(resp(&["MULTI"]), "+OK\r\n");
        third.talk(resp(&["SET", "k", "v"]), BUSY);
        third.talk(resp(&["DISCARD"]), "+OK\r\n");
        // A transaction ends, without having run.
        fourth.talk(resp(&["EXEC"]), ABORTED);
        fourth.talk(resp(&["EXEC"]), ABORTED);
        other.talk(resp(&["SCRIPT", "KILL"]), "+OK\r\n");
        let end = stuck.line().expect("a reply");
        assert!(
            end.starts_with("-ERR Script killed by user with SCRIPT KILL... script: "),
            "{script}: {end}"
        );
        other.talk(resp(&["PING"]), "+PONG\r\n");
        let none = "-NOTBUSY No scripts in execution right now.\r\n";
        other.talk(resp(&["SCRIPT", "KILL"]), none);
    }
    third.talk(
        resp(&["EVAL", "return redis.call('GET', 'k')", "0"]),
        "$-1\r\n",
    );
}

#[test]
fn a_script_that_has_written_is_whole_or_gone() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (mut stuck, mut other) = (server.connect(), server.connect());
    other.talk(
        resp(&["CONFIG", "SET", "busy-reply-threshold", "20"]),
        "+OK\r\n",
    );
    other.talk(resp(&["SET", "before", "1"]), "+OK\r\n");
    let script = "redis.call('SET', 'half', '1') while true do end";
    stuck
        .send(resp(&["EVAL", script, "0"]))
        .expect("the server listens");
    wait_until_busy(&mut other);
    let refusal = ask(&mut other, &["SCRIPT", "KILL"]);
    assert!(refusal.starts_with("-UNKILLABLE "), "{refusal}");
    other.talk(resp(&["SHUTDOWN"]), BUSY);
    other
        .send(resp(&["SHUTDOWN", "NOSAVE"]))
        .expect("the server listens");
    server.wait();
    let server = self::server(dir.path());
    let mut wire = server.connect();
    wire.talk(resp(&["EXISTS", "before", "half"]), ":1\r\n");
}

#[test]
fn programs_that_want_too_much_get_an_error_and_the_server_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    for script in [
        "return #string.rep('x', 2^30)",
        "local s = 'x' while true do s = s .. s end",
        "local function f() return 1 + f() end return f()",
        "return string.rep('(', 300)()",
        "return loadstring('return ' .. string.rep('(', 10000))()",
        "local t = {} t.err = t error(t)",
        "error(function() end)",
        "error(coroutine.create(function() end))",
        "error(cjson.null)",
        "error(setmetatable({}, {__tostring = function() error('x') end}))",
        "return redis.call('RPUSH', 'k', unpack({}, 1, 100000))",
        "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
        "local co co = coroutine.wrap(function() return co() end) return co()",
        "return cjson.decode(string.rep('[', 100000))",
        "local t = {} for i = 1, 3000 do t = {t} end return cjson.encode(t)",
    ] {
        let error = ask(&mut wire, &["EVAL", script, "0"]);
        assert!(error.starts_with('-'), "{script}: {error}");
        wire.talk(resp(&["PING"]), "+PONG\r\n");
    }
    // Tables deeper than any client follows end in an error, inside of the reply.
    let deep = "local t = {} for i = 1, 100000 do t = {t} end return t";
    wire.send(resp(&["EVAL", deep, "0"]))
        .expect("the server listens");
    let mut line = "*1\r\n".to_owned();
    while line == "*1\r\n" {
        line = wire.line().expect("a line");
    }
    assert_eq!(line, "-ERR reached lua stack limit\r\n");
    wire.talk(
        resp(&["EVAL", "collectgarbage('stop') return 1", "0"]),
        ":1\r\n",
    );
}

/// What the line of `INFO commandstats` about `command` says of its calls.
fn calls(wire: &mut Wire, command: &str) -> Option<String> {
    let length = ask(wire, &["INFO", "commandstats"]);
    let mut left: usize = length[1..].trim_end().parse().expect("a length");
    let mut found = None;
    while left > 0 {
        let line = wire.line().expect("a line");
        left -= line.len();
        let figures = line.strip_prefix(&format!("cmdstat_{command}:"));
        found = figures
            .and_then(|figures| figures.split(',').next().map(str::to_owned))
            .or(found);
    }
    assert_eq!(wire.line().expect("the end"), "\r\n");
    found
}

#[test]
fn a_script_that_was_tried_at_once_and_runs_apart_runs_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (mut wire, mut hearer) = (server.connect(), server.connect());
    hearer.talk(
        resp(&["SUBSCRIBE", "c"]),
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
    );
    wire.talk(resp(&["CONFIG", "RESETSTAT"]), "+OK\r\n");
    let script = "redis.call('INCR', KEYS[1]) redis.call('PUBLISH', 'c', 'x') \
                  return redis.call('INCR', 'another')";
    for round in 1..=3 {
        wire.talk(resp(&["EVAL", script, "1", "k"]), format!(":{round}\r\n"));
        hearer.talk("", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
    }
    wire.talk(resp(&["GET", "k"]), "$1\r\n3\r\n");
    assert_eq!(calls(&mut wire, "incr").as_deref(), Some("calls=6"));
    assert_eq!(calls(&mut wire, "publish").as_deref(), Some("calls=3"));
    assert_eq!(calls(&mut wire, "eval").as_deref(), Some("calls=3"));
    // Nothing more was sent.
    wire.talk(resp(&["PUBLISH", "c", "y"]), ":1\r\n");
    hearer.talk("", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\ny\r\n");
}

#[test]
fn a_script_that_is_forgotten_is_forgotten_by_every_thread() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wires: Vec<Wire> = (0..4).map(|_| server.connect()).collect();
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    for _ in 0..2 {
        for wire in &mut wires {
            assert!(ask(wire, &["EVALSHA", sha, "0"]).starts_with("-NOSCRIPT "));
        }
        wires[0].talk(resp(&["EVAL", "return 1", "0"]), ":1\r\n");
        for wire in &mut wires {
            wire.talk(resp(&["EVALSHA", sha, "0"]), ":1\r\n");
        }
        wires[3].talk(resp(&["SCRIPT", "FLUSH"]), "+OK\r\n");
    }
}

#[test]
fn nothing_that_a_script_leaves_is_found_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    for script in [
        "table.insert(_G, 'left')",
        "table.insert(string, 'left')",
        "getmetatable('').__index = nil",
        "redis.call = nil",
        "string.upper = nil",
        "rawset(redis, 'call', nil)",
        "for _, t in pairs({string, redis}) do for k in pairs(t) do t[k] = nil end end",
        "local _, t = pairs(string) t.upper = nil",
        "setmetatable(string, nil)",
    ] {
        ask(&mut wire, &["EVAL", script, "0"]);
        wire.talk(
            resp(&[
                "EVAL",
                "return {('x'):upper(), #_G, tostring(string[1]), redis.call('PING')}",
                "0",
            ]),
            "*4\r\n$1\r\nX\r\n:0\r\n$3\r\nnil\r\n+PONG\r\n",
        );
    }
}

#[test]
fn scripts_of_many_connections_add_up_and_survive_a_crash() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    // Reads and writes back, of keys that it did not name too: nobody may come between.
    let script = "local n = redis.call('STRLEN', KEYS[1]) redis.call('SET', 'n:' .. ARGV[1], n) \
                  redis.call('SETRANGE', KEYS[1], n, 'x') redis.call('INCR', 'runs') return n";
    thread::scope(|scope| {
        for number in 0..THREADS {
            let mut wire = server.connect();
            scope.spawn(move || {
                let number = number.to_string();
                for _ in 0..ROUNDS {
                    ask(&mut wire, &["EVAL", script, "1", "text", &number]);
                    ask(&mut wire, &["INCR", "beside"]);
                }
            });
        }
    });
    server.kill();
    let server = self::server(dir.path());
    let mut wire = server.connect();
    let sum = THREADS * ROUNDS;
    wire.talk(resp(&["STRLEN", "text"]), format!(":{sum}\r\n"));
    for key in ["runs", "beside"] {
        let text = sum.to_string();
        wire.talk(
            resp(&["GET", key]),
            format!("${}\r\n{text}\r\n", text.len()),
        );
    }
}

#[test]
fn scripts_are_readable_in_plain_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    wire.talk(
        "EVAL \"return {1,'a',{2}}\" 0\n",
        "1) (integer) 1\n2) a\n3) 1) (integer) 2\n",
    );
    wire.talk(
        "SCRIPT LOAD \"return ARGV[1]\"\n",
        "098e0f0d1448c0a81dafe820f66d460eb09263da\n",
    );
    wire.talk(
        "EVALSHA 098e0f0d1448c0a81dafe820f66d460eb09263da 0 hi\n",
        "hi\n",
    );
}
