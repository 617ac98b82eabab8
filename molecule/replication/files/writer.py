"""Write rows with four clients at once and note what the server acknowledged; or compare that with what is there.

Arguments: write or compare, connection string, file of the notes, and for write how many seconds. A note is `+` for a
row that was acknowledged or `?` for one of which nobody knows, its number and the time.
"""

import itertools
import json
import signal
import sys
import threading
import time
from pathlib import Path

import psycopg2

CLIENTS = 4


def write(connection, path, seconds):
    deadline = time.monotonic() + seconds
    notes = path.open("w", buffering=1)
    lock, ended = threading.Lock(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())  # what is in flight then is noted before the end

    def client(number):
        session = None
        while time.monotonic() < deadline and not ended.is_set():
            try:
                session = session or psycopg2.connect(connection)
            except psycopg2.Error:
                time.sleep(0.02)
                continue
            try:
                with session, session.cursor() as cursor:
                    cursor.execute("insert into ids (id) values (%s)", (number,))
                mark = "+"
            except psycopg2.Error:
                session, mark = None, "?"
            with lock:
                notes.write(f"{mark} {number} {time.time()}\n")
            number += CLIENTS

    for number in range(CLIENTS):
        threading.Thread(target=client, args=(number,)).start()


def compare(connection, path):
    lines = [line.split() for line in path.read_text().splitlines()]
    acknowledged = {int(number) for mark, number, _time in lines if mark == "+"}
    doubtful = {int(number) for mark, number, _time in lines if mark == "?"}
    times = sorted(float(at) for mark, _number, at in lines if mark == "+")
    with psycopg2.connect(connection) as session, session.cursor() as cursor:
        cursor.execute("select id from ids")
        rows = {row[0] for row in cursor.fetchall()}
    return {
        "acknowledged": len(acknowledged),
        "lost": sorted(acknowledged - rows)[:10],
        "doubtful": len(doubtful),
        "doubtful_there": len(doubtful & rows),
        "invented": sorted(rows - acknowledged - doubtful)[:10],
        "outage_ms": round(1000 * max((after - before for before, after in itertools.pairwise(times)), default=0)),
    }


if sys.argv[1] == "write":
    write(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
else:
    print(json.dumps(compare(sys.argv[2], Path(sys.argv[3]))))
