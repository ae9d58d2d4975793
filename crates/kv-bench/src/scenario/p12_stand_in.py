"""Stands in for the Python database that kv began as: a dict, a lock and a log of JSON lines.

Called with the number of operations of each kind and a folder; prints figures by name as JSON.
"""

import json
import os
import sys
import tempfile
import threading
import time

THREADS = 4
VALUE = "v" * 64
# Seconds that each kind of operation is repeated at least.
LONG_ENOUGH = 0.5


class Store:
    def __init__(self, path, fsync):
        self.data = {}
        self.lock = threading.Lock()
        self.log = open(path, "a", encoding="utf-8")
        self.fsync = fsync

    def set(self, key, value):
        line = json.dumps({"operation": "SET", "key": key, "value": value})
        with self.lock:
            self.log.write(line + "\n")
            self.log.flush()
            if self.fsync:
                os.fsync(self.log.fileno())
            self.data[key] = value

    def get(self, key):
        with self.lock:
            return self.data.get(key)


def timed(operations, work):
    """Does `work` on each key, shared out over the threads; seconds in all, and of each."""
    took = [[] for _ in range(THREADS)]

    def one_thread(thread):
        mine = took[thread]
        for number in range(thread, operations, THREADS):
            key = "key:%012d" % number
            start = time.perf_counter()
            work(key)
            mine.append(time.perf_counter() - start)

    threads = [threading.Thread(target=one_thread, args=(n,)) for n in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - began
    return whole, [latency for mine in took for latency in mine]


def add(figures, operation, promise, operations, work):
    whole, latencies = 0, []
    while whole < LONG_ENOUGH:
        took, again = timed(operations, work)
        whole += took
        latencies += again
    latencies.sort()
    count = len(latencies)
    figures[f"{operation}/s {promise}"] = count / whole
    figures[f"{operation} average us {promise}"] = sum(latencies) * 1e6 / count
    figures[f"{operation} p95 us {promise}"] = latencies[round((count - 1) * 0.95)] * 1e6


def main():
    operations, folder = int(sys.argv[1]), sys.argv[2]
    figures = {}
    for promise, fsync in (("with fsync", True), ("without fsync", False)):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            store = Store(os.path.join(place, "wal.log"), fsync)
            add(figures, "SET", promise, operations, lambda key: store.set(key, VALUE))
            add(figures, "GET", promise, operations, store.get)
            store.log.close()
    print(json.dumps(figures))


main()
