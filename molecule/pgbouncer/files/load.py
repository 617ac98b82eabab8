"""Clients of the test: `load.py load N OUT` inserts rows until SIGTERM, `load.py together N` has N ask at once."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import psycopg

PREPARED = 0 if os.environ.get("PREPARED") else None
stopping = threading.Event()
lock = threading.Lock()
told = {"ok": 0, "failed": 0, "longest_ms": 0, "errors": []}


def note(began: float, problem: Exception | None) -> None:
    with lock:
        told["failed" if problem else "ok"] += 1
        told["longest_ms"] = max(told["longest_ms"], round((time.monotonic() - began) * 1000))
        if problem and len(told["errors"]) < 5:
            told["errors"].append(str(problem))


def insert(worker: int) -> None:
    connection, number = None, 0
    while not stopping.is_set():
        began = time.monotonic()
        number += 1
        try:
            connection = connection or psycopg.connect("", prepare_threshold=PREPARED)
            with connection.transaction():
                connection.execute("insert into marks values (%s, %s)", (worker, number))
            note(began, None)
        except psycopg.Error as problem:
            note(began, problem)
            connection = None
        time.sleep(0.01)


def ask(barrier: threading.Barrier) -> None:
    began = time.monotonic()
    try:
        with psycopg.connect("", prepare_threshold=None) as connection:
            barrier.wait(60)  # all are logged in, nobody leaves
            began = time.monotonic()
            for _ in range(5):
                with connection.transaction():
                    connection.execute("select pg_sleep(0.02)")
            note(began, None)
            barrier.wait(60)
    except (psycopg.Error, threading.BrokenBarrierError) as problem:
        note(began, problem)


kind, number = sys.argv[1], int(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
if kind == "load":
    threads = [threading.Thread(target=insert, args=[index]) for index in range(number)]
else:
    barrier = threading.Barrier(number)
    threads = [threading.Thread(target=ask, args=[barrier]) for _ in range(number)]
for thread in threads:
    thread.start()
if kind == "load":
    while not stopping.is_set():
        time.sleep(0.1)
for thread in threads:
    thread.join()
print(json.dumps(told), flush=True)
if kind == "load":
    Path(sys.argv[3]).write_text(json.dumps(told))
