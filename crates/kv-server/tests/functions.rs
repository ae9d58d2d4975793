//! Functions on a real server: what a text script cannot say, because it needs a program without an end or the end of
//! a process; and what others hear of the writes of programs.

mod process;

use std::path::Path;

use process::{Process, Wire, resp};

fn server(dir: &Path) -> Process {
    Process::start(dir, &["--threads", "2"])
}

fn ask(wire: &mut Wire, words: &[&str]) -> String {
    wire.send(resp(words)).expect("the server listens");
    wire.line().expect("a reply")
}

/// A library with one function of the same name, whose body this is.
fn library(name: &str, body: &str) -> String {
    format!("#!lua name={name}\nredis.register_function('{name}', function(keys, args) {body} end)")
}

fn load(wire: &mut Wire, name: &str, body: &str) {
    let code = library(name, body);
    let reply = format!("${}\r\n{name}\r\n", name.len());
    wire.talk(resp(&["FUNCTION", "LOAD", "REPLACE", &code]), reply);
}

#[test]
fn libraries_survive_a_crash_in_log_and_snapshot() {
    for encoding in ["binary", "json"] {
        let dir = tempfile::tempdir().unwrap();
        let start = || Process::start(dir.path(), &["--threads", "2", "--wal-format", encoding]);
        let server = start();
        let mut wire = server.connect();
        load(&mut wire, "first", "return 1");
        load(&mut wire, "gone", "return 2");
        wire.talk(resp(&["FUNCTION", "DELETE", "gone"]), "+OK\r\n");
        server.kill();

        let server = start();
        let mut wire = server.connect();
        wire.talk(resp(&["FCALL", "first", "0"]), ":1\r\n");
        load(&mut wire, "second", "return 'in the snapshot'");
        wire.talk(resp(&["SAVE"]), "+OK\r\n");
        load(&mut wire, "first", "return 3");
        wire.talk(resp(&["FLUSHALL"]), "+OK\r\n");
        server.kill();

        let server = start();
        let mut wire = server.connect();
        // Before anybody has asked for a function.
        wire.talk(
            resp(&["FUNCTION", "STATS"]),
            "*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n*4\r\n$15\r\n\
             libraries_count\r\n:2\r\n$15\r\nfunctions_count\r\n:2\r\n",
        );
        wire.talk(resp(&["FCALL", "first", "0"]), ":3\r\n");
        wire.talk(
            resp(&["FCALL", "second", "0"]),
            "$15\r\nin the snapshot\r\n",
        );
        wire.talk(resp(&["FCALL", "gone", "0"]), "-ERR Function not found\r\n");
    }
}

#[test]
fn a_transaction_with_libraries_is_one_unit() {
    let dir = tempfile::tempdir().unwrap();
    let server = self::server(dir.path());
    let mut wire = server.connect();
    load(&mut wire, "old", "return 1");
    wire.talk(resp(&["MULTI"]), "+OK\r\n");
    let code = library("new", "return redis.call('INCR', keys[1])");
    for words in [
        &["FUNCTION", "FLUSH"][..],
        &["FUNCTION", "LOAD", &code],
        &["FCALL", "new", "1", "n"],
    ] {
        wire.talk(resp(words), "+QUEUED\r\n");
    }
    wire.talk(resp(&["EXEC"]), "*3\r\n+OK\r\n$3\r\nnew\r\n:1\r\n");
    server.kill();
    let server = self::server(dir.path());
    let mut wire = server.connect();
    wire.talk(resp(&["FCALL", "new", "1", "n"]), ":2\r\n");
    wire.talk(resp(&["FCALL", "old", "0"]), "-ERR Function not found\r\n");
}

#[test]
fn a_function_without_an_end_is_told_to_others_and_can_be_killed() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (mut stuck, mut other) = (server.connect(), server.connect());
    other.talk(
        resp(&["CONFIG", "SET", "busy-reply-threshold", "20"]),
        "+OK\r\n",
    );
    load(&mut other, "endless", "while true do end");
    stuck
        .send(resp(&["FCALL", "endless", "0"]))
        .expect("the server listens");
    let busy = "-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.\r\n";
    while ask(&mut other, &["PING"]) != busy {}
    other.talk(resp(&["SCRIPT", "KILL"]), busy);
    other.talk(
        resp(&["FUNCTION", "STATS"]),
        "*4\r\n$14\r\nrunning_script\r\n*6\r\n$4\r\nname\r\n$7\r\nendless\r\n$7\r\ncommand\r\n*3\r\n$5\r\nFCALL\r\n\
         $7\r\nendless\r\n$1\r\n0\r\n$11\r\nduration_ms\r\n",
    );
    let duration = other.line().expect("a duration");
    assert!(duration.starts_with(':'), "{duration}");
    other.talk(
        "",
        "$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n*4\r\n$15\r\nlibraries_count\r\n:1\r\n$15\r\nfunctions_count\r\n:1\r\n",
    );
    other.talk(resp(&["FUNCTION", "KILL"]), "+OK\r\n");
    let end = stuck.line().expect("a reply");
    assert!(
        end.starts_with("-ERR Script killed by user with FUNCTION KILL... script: endless"),
        "{end}"
    );
    // A library that does not come to an end is not loaded.
    let code = "#!lua name=endless2\nwhile true do end";
    other.talk(
        resp(&["FUNCTION", "LOAD", code]),
        "-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n",
    );
}

#[test]
fn others_hear_of_the_writes_of_programs() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut writer = server.connect();
    load(
        &mut writer,
        "push",
        "return redis.call('RPUSH', keys[1], args[1])",
    );
    let script = "return redis.call('RPUSH', KEYS[1], ARGV[1])";
    for program in [&["FCALL", "push"][..], &["EVAL", script]] {
        let run = |key: &str| resp(&[program, &["1", key, "v"]].concat());

        let mut watching = server.connect();
        for (words, reply) in [
            (&["WATCH", "w"][..], "+OK\r\n"),
            (&["MULTI"], "+OK\r\n"),
            (&["PING"], "+QUEUED\r\n"),
        ] {
            watching.talk(resp(words), reply);
        }
        writer.talk(run("w"), ":1\r\n");
        watching.talk(resp(&["EXEC"]), "*-1\r\n");

        let mut waiting = server.connect();
        waiting
            .send(resp(&["BLPOP", "b", "0"]))
            .expect("the server listens");
        while !info(&mut writer).contains("blocked_clients:1\r\n") {}
        writer.talk(run("b"), ":1\r\n");
        waiting.talk("", "*2\r\n$1\r\nb\r\n$1\r\nv\r\n");

        let mut caching = server.connect();
        caching
            .send(resp(&["HELLO", "3"]))
            .expect("the server listens");
        while !caching.line().expect("a line").contains("modules") {}
        caching.talk("", "*0\r\n");
        caching.talk(resp(&["CLIENT", "TRACKING", "ON"]), "+OK\r\n");
        // What a program reads is remembered like what a request reads.
        let read = "return redis.call('LLEN', KEYS[1])";
        caching.talk(resp(&["EVAL_RO", read, "1", "t"]), ":0\r\n");
        writer.talk(run("t"), ":1\r\n");
        caching.talk("", ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nt\r\n");

        writer.talk(
            resp(&["CONFIG", "SET", "notify-keyspace-events", "KEA"]),
            "+OK\r\n",
        );
        let mut listening = server.connect();
        listening.talk(
            resp(&["SUBSCRIBE", "__keyspace@0__:e"]),
            "*3\r\n$9\r\nsubscribe\r\n$16\r\n__keyspace@0__:e\r\n:1\r\n",
        );
        writer.talk(run("e"), ":1\r\n");
        listening.talk(
            "",
            "*3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:e\r\n$5\r\nrpush\r\n",
        );
        writer.talk(resp(&["DEL", "w", "t", "e"]), ":3\r\n");
    }
}

fn info(wire: &mut Wire) -> String {
    let head = ask(wire, &["INFO", "clients"]);
    let digits = head.trim_start_matches('$').trim_end();
    let bytes: usize = digits.parse().expect("a length");
    let text = wire.receive(bytes + 2).expect("as much");
    String::from_utf8(text).expect("text")
}
