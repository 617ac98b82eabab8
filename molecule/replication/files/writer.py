"""Commit one row after the other and note every one that the server has acknowledged, with the time.

Arguments: connection string, file of the acknowledged, seconds. Errors and reconnects are the client's daily bread.
"""

import sys
import time
from pathlib import Path

import psycopg2

connection, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
number, session = 0, None
deadline = time.monotonic() + seconds
with Path(path).open("w", buffering=1) as acknowledged:
    while time.monotonic() < deadline:
        number += 1
        try:
            if session is None:
                session = psycopg2.connect(connection)
            with session, session.cursor() as cursor:
                cursor.execute("insert into ids (id) values (%s)", (number,))
        except psycopg2.Error:
            session = None
            time.sleep(0.02)
        else:
            acknowledged.write(f"{number} {time.time()}\n")
