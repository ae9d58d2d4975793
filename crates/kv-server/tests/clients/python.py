"""What programs do with Python's redis package, against the server on the port that is given.

Every function whose name begins with `check_` runs in RESP2 and in RESP3, on an empty server; the coroutines run
with the asyncio client. The end is a line with the number of checks, or a traceback.
"""

import asyncio
import inspect
import sys
import threading
import time

import redis
import redis.asyncio

PORT = int(sys.argv[1])


def check_strings(r):
    assert r.set("k", "v") is True
    assert r.get("k") == "v"
    assert r.set("k", "w", nx=True) is None
    assert r.set("k", "w", xx=True, get=True) == "v"
    assert r.set("t", "x", ex=100) and 0 < r.ttl("t") <= 100
    assert r.getex("t", persist=True) == "x" and r.ttl("t") == -1
    assert r.incr("n") == 1 and r.incrby("n", 41) == 42 and r.decr("n") == 41
    assert r.incrbyfloat("f", 1.5) == 1.5
    assert r.append("k", "!") == 2 and r.strlen("k") == 2
    assert r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "none") == ["1", "2", None]
    assert r.msetnx({"a": 1, "c": 2}) is False
    assert r.getrange("k", 0, 0) == "w" and r.setrange("k", 1, "?") == 2
    assert r.getdel("k") == "w?" and r.get("k") is None
    assert r.setbit("bits", 7, 1) == 0 and r.getbit("bits", 7) == 1 and r.bitcount("bits") == 1
    assert r.lcs("a", "b") == ""
    assert r.set("ms", "v", px=100_000) and r.pttl("ms") > 1000


def check_binary_values(r):
    raw = redis.Redis(port=PORT, protocol=r.connection_pool.connection_kwargs["protocol"])
    value = bytes(range(256)) * 5
    assert raw.set(b"\x00\r\n", value) and raw.get(b"\x00\r\n") == value
    big = b"x" * 1_000_000
    assert raw.set("big", big) and raw.get("big") == big
    raw.close()


def check_keys(r):
    for number in range(300):
        r.set(f"key:{number}", number)
    assert set(r.scan_iter("key:*")) == {f"key:{number}" for number in range(300)}
    assert len(r.keys("key:1*")) == 111
    assert r.exists("key:1", "key:2", "none") == 2
    assert r.rename("key:1", "renamed") and r.type("renamed") == "string"
    assert r.expire("renamed", 100) and r.expiretime("renamed") > time.time()
    assert r.persist("renamed") == 1 and r.ttl("none") == -2
    assert r.copy("renamed", "copied") and r.get("copied") == "1"
    assert r.delete("copied", "none") == 1 and r.unlink("renamed") == 1
    assert r.randomkey().startswith("key:")
    assert r.object("encoding", "key:2") == "int"
    assert r.dbsize() == 299
    r.rpush("numbers", 3, 1, 2)
    assert r.sort("numbers") == ["1", "2", "3"] and r.sort("numbers", desc=True, store="sorted") == 3


def check_lists(r):
    assert r.rpush("l", "a", "b", "c") == 3 and r.lpush("l", "z") == 4
    assert r.lrange("l", 0, -1) == ["z", "a", "b", "c"] and r.llen("l") == 4
    assert r.lindex("l", 1) == "a" and r.lset("l", 1, "A") is True
    assert r.linsert("l", "before", "A", "-") == 5 and r.lpos("l", "b") == 3
    assert r.lpop("l") == "z" and r.rpop("l", 2) == ["c", "b"] and r.lrem("l", 0, "-") == 1
    assert r.lmove("l", "m", "LEFT", "RIGHT") == "A" and r.lmpop(2, "l", "m", direction="LEFT") == ["m", ["A"]]
    assert r.rpush("q", 1) == 1 and r.blpop("q", timeout=1) in (("q", "1"), ["q", "1"])
    assert r.blpop("q", timeout=0.05) is None


def check_blocking_is_woken(r):
    other = connect(r)
    threading.Timer(0.1, lambda: other.rpush("queue", "job")).start()
    assert list(r.blpop(["none", "queue"], timeout=10)) == ["queue", "job"]
    threading.Timer(0.1, lambda: other.zadd("jobs", {"first": 1})).start()
    assert list(r.bzpopmin("jobs", timeout=10))[:2] == ["jobs", "first"]


def check_hashes(r):
    assert r.hset("h", mapping={"a": "1", "b": "2"}) == 2 and r.hgetall("h") == {"a": "1", "b": "2"}
    assert r.hget("h", "a") == "1" and r.hmget("h", "a", "none") == ["1", None]
    assert r.hincrby("h", "a", 2) == 3 and r.hincrbyfloat("h", "a", 0.5) == 3.5
    assert r.hexists("h", "b") and r.hsetnx("h", "b", 1) in (0, False) and r.hlen("h") == 2
    assert sorted(r.hkeys("h")) == ["a", "b"] and sorted(r.hvals("h")) == ["2", "3.5"]
    assert dict(r.hscan_iter("h")) == {"a": "3.5", "b": "2"} and r.hdel("h", "a") == 1
    assert r.hrandfield("h") == "b"
    assert r.hexpire("h", 100, "b") == [1] and 0 < r.httl("h", "b")[0] <= 100 and r.hpersist("h", "b") == [1]


def check_sets(r):
    assert r.sadd("s", "a", "b", "c") == 3 and r.smembers("s") == {"a", "b", "c"}
    assert r.sismember("s", "a") and r.smismember("s", ["a", "z"]) == [1, 0] and r.scard("s") == 3
    assert r.sadd("t", "b", "c", "d") == 3 and r.sinter("s", "t") == {"b", "c"}
    assert r.sunion("s", "t") == {"a", "b", "c", "d"} and r.sdiff("s", "t") == {"a"}
    assert r.sinterstore("u", "s", "t") == 2 and r.sintercard(2, ["s", "t"]) == 2
    assert r.smove("s", "t", "a") and r.srem("s", "b") == 1 and r.spop("s") == "c"
    assert set(r.sscan_iter("t")) == {"a", "b", "c", "d"} and r.srandmember("t") in "abcd"


def check_sorted_sets(r):
    assert r.zadd("z", {"a": 1, "b": 2, "c": 3}) == 3 and r.zcard("z") == 3
    assert r.zrange("z", 0, -1) == ["a", "b", "c"]
    assert [tuple(pair) for pair in r.zrange("z", 0, -1, withscores=True)] == [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    assert r.zrangebyscore("z", 2, "+inf") == ["b", "c"] and r.zrevrange("z", 0, 0) == ["c"]
    assert r.zscore("z", "b") == 2.0 and r.zmscore("z", ["a", "none"]) == [1.0, None]
    assert r.zrank("z", "c") == 2 and r.zincrby("z", 5, "a") == 6.0 and r.zcount("z", 3, 6) == 2
    assert r.zadd("z", {"a": 1}, gt=True) == 0 and r.zscore("z", "a") == 6.0
    assert r.zunionstore("u", ["z"]) == 3 and r.zrem("z", "b") == 1
    assert r.zpopmin("z") in (["c", 3.0], [("c", 3.0)], [["c", 3.0]])
    assert dict(r.zscan_iter("u")) == {"a": 6.0, "b": 2.0, "c": 3.0}
    assert r.zremrangebyrank("u", 0, 0) == 1 and r.zlexcount("u", "-", "+") == 2


def check_hyperloglog_and_geo(r):
    assert r.pfadd("p", "a", "b", "c") == 1 and r.pfcount("p") == 3 and r.pfmerge("q", "p") and r.pfcount("q") == 3
    assert r.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
    assert abs(r.geodist("g", "Palermo", "Catania", "km") - 166.2742) < 0.001
    found = r.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC")
    assert found == ["Catania", "Palermo"]


def check_errors(r):
    r.set("k", "v")
    for wrong in (lambda: r.lpush("k", 1), lambda: r.incr("k"), lambda: r.execute_command("NOSUCH")):
        try:
            wrong()
        except redis.ResponseError:
            continue
        raise AssertionError("no error")
    assert r.get("k") == "v"


def check_pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.set(f"p{number}", number)
        pipe.get("p999")
        assert pipe.execute()[-1] == "999"
    with r.pipeline() as pipe:
        pipe.set("a", 1).incr("a").lpush("l", 1).hset("h", "f", "v")
        assert pipe.execute() == [True, 2, 1, 1]
    with r.pipeline() as pipe:
        pipe.set("s", "text").incr("s").set("after", 1)
        results = pipe.execute(raise_on_error=False)
        assert isinstance(results[1], redis.ResponseError) and r.get("after") == "1"


def check_watch(r):
    r.set("balance", 10)
    with r.pipeline() as pipe:
        pipe.watch("balance")
        balance = int(pipe.get("balance"))
        connect(r).set("balance", 99)
        pipe.multi()
        pipe.set("balance", balance + 1)
        try:
            pipe.execute()
            raise AssertionError("somebody else has written")
        except redis.WatchError:
            pass
    assert r.get("balance") == "99"

    def add(pipe):
        balance = int(pipe.get("balance"))
        pipe.multi()
        pipe.set("balance", balance + 1)

    assert r.transaction(add, "balance") == [True] and r.get("balance") == "100"


def check_many_threads_count(r):
    def count():
        own = connect(r)
        for _ in range(100):
            own.incr("counter")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert r.get("counter") == "800"


def check_publish_and_subscribe(r):
    pubsub = r.pubsub()
    pubsub.subscribe("news")
    pubsub.psubscribe("n*")
    assert next_message(pubsub) == ("subscribe", "news", 1)
    assert next_message(pubsub) == ("psubscribe", "n*", 2)
    assert r.publish("news", "hello") == 2
    assert {next_message(pubsub), next_message(pubsub)} == {("message", "news", "hello"), ("pmessage", "news", "hello")}
    assert r.pubsub_channels() == ["news"] and r.pubsub_numpat() == 1
    assert [tuple(pair) for pair in r.pubsub_numsub("news")] == [("news", 1)]
    pubsub.unsubscribe("news")
    assert next_message(pubsub) == ("unsubscribe", "news", 1)
    assert r.publish("news", "again") == 1
    pubsub.close()

    heard = threading.Event()
    pubsub = r.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(**{"orders": lambda message: heard.set()})
    thread = pubsub.run_in_thread(sleep_time=0.01, daemon=True)
    while not heard.is_set():
        r.publish("orders", "one")
        heard.wait(0.05)
    thread.stop()
    thread.join()


def check_keyspace_notifications(r):
    r.config_set("notify-keyspace-events", "KEA")
    pubsub = r.pubsub(ignore_subscribe_messages=True)
    pubsub.psubscribe("__keyevent@0__:*")
    while r.pubsub_numpat() == 0:
        pass
    r.set("watched", 1)
    assert next_message(pubsub, skip=("psubscribe",)) == ("pmessage", "__keyevent@0__:set", "watched")
    pubsub.close()
    r.config_set("notify-keyspace-events", "")


def check_locks(r):
    lock = r.lock("lock", timeout=100)
    assert lock.acquire() and lock.locked() and lock.owned()
    assert not connect(r).lock("lock", timeout=100).acquire(blocking=False)
    assert lock.extend(100) and lock.reacquire()
    lock.release()
    with r.lock("lock", timeout=100, blocking_timeout=10):
        assert r.exists("lock")
    assert not r.exists("lock")
    lost = r.lock("lock", timeout=100)
    assert lost.acquire() and r.set("lock", "somebody else's")
    for act in (lost.release, lost.reacquire, lambda: lost.extend(100)):
        try:
            act()
            raise AssertionError("a lost lock was given back")
        except redis.exceptions.LockError:
            pass
        # `release` forgets what it could not give back.
        lost.local.token = lost.local.token or b"token"
    assert r.get("lock") == "somebody else's"


def check_scripts(r):
    add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert add(keys=["n"], args=[2]) == 2 and add(keys=["n"], args=[3]) == 5
    assert r.script_exists(add.sha) == [True]
    # The client loads it again.
    assert r.script_flush() and add(keys=["n"], args=[1]) == 6
    pipe = r.pipeline()
    add(keys=["n"], args=[1], client=pipe)
    pipe.get("n")
    assert pipe.execute() == [7, "7"]
    assert r.eval("return {1, 'a', {KEYS[1], ARGV[1]}}", 1, "k", "v") == [1, "a", ["k", "v"]]
    sha = r.script_load("return cjson.encode({n = tonumber(ARGV[1])})")
    assert r.evalsha(sha, 0, 5) == '{"n":5}'
    try:
        r.evalsha("f" * 40, 0)
        raise AssertionError("there is no such script")
    except redis.exceptions.NoScriptError:
        pass
    try:
        r.eval("return redis.call('LPUSH', KEYS[1], 1)", 1, "n")
        raise AssertionError("a number is no list")
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error)


def check_connection(r):
    assert r.ping() and r.echo("hi") == "hi" and r.client_id() > 0
    assert r.client_setname("me") and r.client_getname() == "me"
    assert any(client["name"] == "me" for client in r.client_list())
    assert "redis_version" in r.info() and r.time()[0] > 0
    other = redis.Redis(port=PORT, db=3, decode_responses=True)
    assert other.set("only", "here") and r.get("only") is None
    other.close()
    assert r.config_get("port") and r.flushdb()


async def check_async_commands(r):
    assert await r.set("k", "v") and await r.get("k") == "v"
    counts = await asyncio.gather(*(r.incr("n") for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))
    async with r.pipeline(transaction=True) as pipe:
        pipe.set("a", 1).incr("a")
        assert await pipe.execute() == [True, 2]
    assert {key async for key in r.scan_iter("*")} == {"k", "n", "a"}


async def check_async_watch(r):
    await r.set("balance", 1)
    async with r.pipeline() as pipe:
        await pipe.watch("balance")
        await r.set("balance", 2)
        pipe.multi()
        pipe.set("balance", 3)
        try:
            await pipe.execute()
            raise AssertionError("somebody else has written")
        except redis.WatchError:
            pass
    assert await r.get("balance") == "2"


async def check_async_publish_and_subscribe(r):
    async with r.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("news")
        while (await r.publish("news", "hello")) == 0:
            pass
        message = None
        while message is None:
            message = await pubsub.get_message(timeout=10)
        assert message["data"] == "hello"


async def check_async_locks(r):
    lock = r.lock("lock", timeout=100)
    assert await lock.acquire() and await lock.locked() and await lock.owned()
    assert not await r.lock("lock", timeout=100).acquire(blocking=False)
    assert await lock.extend(100) and await lock.reacquire()
    await lock.release()
    async with r.lock("lock", timeout=100, blocking_timeout=10):
        assert await r.exists("lock")
    assert not await r.exists("lock")
    lost = r.lock("lock", timeout=100)
    assert await lost.acquire() and await r.set("lock", "somebody else's")
    try:
        await lost.release()
        raise AssertionError("a lost lock was given back")
    except redis.exceptions.LockError:
        assert await r.get("lock") == "somebody else's"


async def check_async_scripts(r):
    add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    sums = await asyncio.gather(*(add(keys=["n"], args=[1]) for _ in range(50)))
    assert sorted(sums) == list(range(1, 51))


async def check_async_blocking(r):
    taken = asyncio.gather(*(r.blpop("queue", timeout=10) for _ in range(5)))
    await asyncio.sleep(0)
    await r.rpush("queue", *range(5))
    assert sorted(value for _, value in await taken) == ["0", "1", "2", "3", "4"]


def next_message(pubsub, skip=()):
    """The next message: kind, channel, data. Messages of the kinds in `skip` are passed over."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        message = pubsub.get_message(timeout=1)
        if message and message["type"] not in skip:
            return message["type"], message["channel"], message["data"]
    raise AssertionError("no message came")


def connect(like):
    """Another connection of the same kind."""
    protocol = like.connection_pool.connection_kwargs["protocol"]
    return redis.Redis(port=PORT, protocol=protocol, decode_responses=True)


async def run_async(check, protocol):
    r = redis.asyncio.Redis(port=PORT, protocol=protocol, decode_responses=True)
    await r.flushall()
    await check(r)
    await r.aclose()


def main():
    checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    failed = 0
    for protocol in (2, 3):
        for name, check in checks:
            try:
                if inspect.iscoroutinefunction(check):
                    asyncio.run(run_async(check, protocol))
                else:
                    r = redis.Redis(port=PORT, protocol=protocol, decode_responses=True)
                    r.flushall()
                    check(r)
                    r.close()
            except Exception:
                import traceback

                failed += 1
                print(f"FAILED {name} in RESP{protocol}")
                traceback.print_exc(file=sys.stdout)
    print(f"{2 * len(checks) - failed} of {2 * len(checks)} checks passed, redis {redis.__version__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
