"""Bring the database to this version's schema: ``python3 -m app.migrate [--plan]``."""

# mypy: disable-error-code="import-not-found, untyped-decorator, no-any-return"
# The libraries come from Debian packages inside the image; where the type check runs they are missing.

from __future__ import annotations

import argparse
import os
import sys
import time

import psycopg

from .logs import describe
from .migrations import OUTSIDE, known, statements
from .settings import split_database_url

LOCK = 6_021_001
LOCK_SECONDS = 60
TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_migrations"
    " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
)
RECORD = "INSERT INTO schema_migrations (name) VALUES (%s)"


def pending(connection: psycopg.Connection) -> list[str]:
    """Return the migrations that this database does not have yet; changes nothing."""
    exists = connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    rows = connection.execute("SELECT name FROM schema_migrations").fetchall() if exists == (True,) else []
    applied = {row[0] for row in rows}
    return [name for name in known() if name not in applied]


def lock(connection: psycopg.Connection) -> None:
    """Wait for our turn by asking again and again.

    A migration that waits inside ``pg_advisory_lock`` holds a snapshot, and CREATE INDEX CONCURRENTLY of the one that
    has the lock waits for every snapshot: the two would wait for each other.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise TimeoutError(f"another migration has been running for {LOCK_SECONDS} seconds")
        time.sleep(0.2)


def apply(connection: psycopg.Connection, name: str, script: str) -> None:
    """Apply one migration and record it."""
    if script.startswith(OUTSIDE):
        for statement in statements(script):
            connection.execute(statement.encode())
        connection.execute(RECORD, (name,))
        return
    with connection.transaction():
        # Better to fail than to queue every other query behind a lock that is not given.
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute(script.encode())
        connection.execute(RECORD, (name,))


def migrate(url: str, plan: bool) -> None:
    """Print what is pending, or apply it."""
    with psycopg.connect(url, autocommit=True) as connection:
        if plan:
            print("".join(f"pending {name}\n" for name in pending(connection)), end="")
            return
        lock(connection)
        connection.execute(TABLE)
        for name in pending(connection):
            apply(connection, name, known()[name])
            print(f"applied {name}", flush=True)


def main() -> None:
    """Run the command; a failure is one line without credentials and exit code 1."""
    parser = argparse.ArgumentParser(prog="python3 -m app.migrate", description=__doc__)
    parser.add_argument("--plan", action="store_true", help="print what is pending and change nothing")
    options = parser.parse_args()
    try:
        migrate(split_database_url(os.environ.get("DATABASE_URL", "")).url, options.plan)
    except (TimeoutError, ValueError) as error:
        sys.exit(f"migrate: {error}")
    except psycopg.Error as error:
        sys.exit(f"migrate: {error.diag.message_primary or describe(error)}")


if __name__ == "__main__":
    main()
