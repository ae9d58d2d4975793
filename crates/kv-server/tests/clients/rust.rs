//! The crate `redis`: its blocking connection, its multiplexed one, and what each is mostly used for.

#![expect(
    clippy::unwrap_used,
    reason = "what fails while a test is prepared fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::{
    AsyncCommands as _, Client, Commands as _, ErrorKind, PushKind, RedisResult, ServerErrorKind,
    Value,
};

use super::process::Process;

/// A message that has not come by then never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server in a folder that lives as long.
struct Served {
    server: Process,
    _dir: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            server: Process::start(dir.path(), &[]),
            _dir: dir,
        }
    }

    fn client(&self, protocol: &str) -> Client {
        let url = format!("redis://{}/?protocol={protocol}", self.server.address());
        Client::open(url).unwrap()
    }
}

/// Waits longer than programs do: the machine may be busy.
fn patient() -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
}

/// Runs `body` on one thread, as most programs' tests do.
fn block_on<T>(body: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(body)
}

#[test]
fn every_type_is_read_back_as_it_was_written() {
    let served = Served::start();
    for protocol in ["resp2", "resp3"] {
        let mut connection = served.client(protocol).get_connection().unwrap();
        let () = redis::cmd("FLUSHALL").query(&mut connection).unwrap();
        every_type(&mut connection).unwrap();
    }
}

fn every_type(connection: &mut redis::Connection) -> RedisResult<()> {
    let () = connection.set("k", b"\x00\xff\r\n".as_slice())?;
    assert_eq!(connection.get::<_, Vec<u8>>("k")?, b"\x00\xff\r\n");
    assert_eq!(connection.get::<_, Option<String>>("none")?, None);
    assert_eq!(connection.incr::<_, _, i64>("n", 42)?, 42);
    let () = connection.mset(&[("a", 1), ("b", 2)])?;
    assert_eq!(
        connection.mget::<_, Vec<Option<i64>>>(&["a", "none", "b"])?,
        [Some(1), None, Some(2)]
    );
    assert!(connection.expire::<_, bool>("a", 100)?);
    assert!((1..=100).contains(&connection.ttl::<_, i64>("a")?));

    assert_eq!(connection.rpush::<_, _, usize>("l", &["a", "b", "c"])?, 3);
    assert_eq!(
        connection.lrange::<_, Vec<String>>("l", 0, -1)?,
        ["a", "b", "c"]
    );
    assert_eq!(
        connection.blpop::<_, Option<(String, String)>>("l", 1.0)?,
        Some(("l".into(), "a".into()))
    );

    let () = connection.hset_multiple("h", &[("x", 1), ("y", 2)])?;
    let hash: BTreeMap<String, i64> = connection.hgetall("h")?;
    assert_eq!(
        hash.into_iter().collect::<Vec<_>>(),
        [("x".to_owned(), 1), ("y".to_owned(), 2)]
    );

    assert_eq!(connection.sadd::<_, _, usize>("s", &["a", "b", "b"])?, 2);
    let set: BTreeSet<String> = connection.smembers("s")?;
    assert_eq!(set.len(), 2);
    assert!(connection.sismember::<_, _, bool>("s", "a")?);

    let () = connection.zadd_multiple("z", &[(1.5, "low"), (2.5, "high")])?;
    let sorted: Vec<(String, f64)> = connection.zrange_withscores("z", 0, -1)?;
    assert_eq!(sorted, [("low".to_owned(), 1.5), ("high".to_owned(), 2.5)]);
    assert_eq!(connection.zscore::<_, _, f64>("z", "high")?, 2.5);

    let keys: BTreeSet<String> = connection.scan::<String>()?.collect::<RedisResult<_>>()?;
    assert_eq!(keys.len(), 8);

    let error = connection.lpush::<_, _, usize>("k", 1).unwrap_err();
    assert_eq!(error.code(), Some("WRONGTYPE"));
    let error = redis::cmd("NOSUCH").query::<Value>(connection).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ResponseError)
    );
    Ok(())
}

#[test]
fn pipelines_and_transactions_answer_in_order() {
    let served = Served::start();
    let mut connection = served.client("resp3").get_connection().unwrap();
    let mut pipe = redis::pipe();
    for number in 0..1000 {
        pipe.set(format!("key:{number}"), number).ignore();
    }
    let (last,): (i64,) = pipe.get("key:999").query(&mut connection).unwrap();
    assert_eq!(last, 999);

    let mut pipe = redis::pipe();
    pipe.atomic()
        .set("a", 1)
        .ignore()
        .incr("a", 1)
        .rpush("l", "x");
    assert_eq!(pipe.query::<(i64, i64)>(&mut connection).unwrap(), (2, 1));

    // Somebody else writes before the first try is executed: it is tried again with what is there then.
    let mut other = served.client("resp2").get_connection().unwrap();
    let () = connection.set("balance", 10).unwrap();
    let mut tries = 0;
    let (balance,): (i64,) =
        redis::transaction(&mut connection, &["balance"], |connection, pipe| {
            let balance: i64 = connection.get("balance")?;
            tries += 1;
            if tries == 1 {
                let () = other.set("balance", 99)?;
            }
            pipe.set("balance", balance + 1)
                .ignore()
                .get("balance")
                .query(connection)
        })
        .unwrap();
    assert_eq!((balance, tries), (100, 2));
}

#[test]
fn a_subscriber_hears_what_is_published() {
    let served = Served::start();
    let mut listening = served.client("resp2").get_connection().unwrap();
    listening.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut speaking = served.client("resp2").get_connection().unwrap();
    let mut pubsub = listening.as_pubsub();
    pubsub.subscribe("news").unwrap();
    pubsub.psubscribe("n?ws").unwrap();
    assert_eq!(speaking.publish::<_, _, usize>("news", "hello").unwrap(), 2);
    for _ in 0..2 {
        let message = pubsub.get_message().unwrap();
        assert_eq!(message.get_channel_name(), "news");
        assert_eq!(message.get_payload::<String>().unwrap(), "hello");
    }
    pubsub.unsubscribe("news").unwrap();
    assert_eq!(speaking.publish::<_, _, usize>("news", "again").unwrap(), 1);
    assert_eq!(
        pubsub
            .get_message()
            .unwrap()
            .get_pattern::<String>()
            .unwrap(),
        "n?ws"
    );
}

#[test]
fn one_multiplexed_connection_serves_many_tasks() {
    let served = Served::start();
    block_on(async {
        for protocol in ["resp2", "resp3"] {
            let client = served.client(protocol);
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&patient())
                .await
                .unwrap();
            let () = connection.del("counter").await.unwrap();
            let mut tasks = Vec::new();
            for task in 0..20 {
                let mut connection = connection.clone();
                tasks.push(tokio::spawn(async move {
                    for number in 0..20 {
                        let () = connection.incr("counter", 1).await.unwrap();
                        let key = format!("{task}:{number}");
                        let () = connection.set(&key, number).await.unwrap();
                        assert_eq!(connection.get::<_, i64>(&key).await.unwrap(), number);
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(connection.get::<_, i64>("counter").await.unwrap(), 400);
            let (first, second): (i64, i64) = redis::pipe()
                .atomic()
                .incr("counter", 1)
                .incr("counter", 1)
                .query_async(&mut connection)
                .await
                .unwrap();
            assert_eq!((first, second), (401, 402));
        }
    });
}

#[test]
fn messages_are_pushed_into_a_multiplexed_connection() {
    let served = Served::start();
    block_on(async {
        let (sender, mut pushed) = tokio::sync::mpsc::unbounded_channel();
        let config = patient().set_push_sender(sender);
        let client = served.client("resp3");
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .unwrap();
        connection.subscribe("news").await.unwrap();
        // The same connection goes on serving commands.
        assert_eq!(
            connection
                .publish::<_, _, usize>("news", "hello")
                .await
                .unwrap(),
            1
        );
        let heard = tokio::time::timeout(PATIENCE, async {
            loop {
                let push = pushed.recv().await.unwrap();
                if push.kind == PushKind::Message {
                    return push.data;
                }
            }
        });
        let data = heard.await.unwrap();
        assert_eq!(
            data,
            [
                Value::BulkString(b"news".to_vec()),
                Value::BulkString(b"hello".to_vec())
            ]
        );
    });
}
