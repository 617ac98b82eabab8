"""PostgreSQL and Redis. Both are reached lazily and again after every failure: the service outlives their restarts."""

# mypy: disable-error-code="import-not-found, untyped-decorator, no-any-return"
# The libraries come from Debian packages inside the image; where the type check runs they are missing.

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .logs import describe
from .migrations import known
from .settings import Settings

PROBE_SECONDS = 2
SESSION_SECONDS = 3600


class Stores:
    """The two stores of one process."""

    def __init__(self, settings: Settings) -> None:
        """Prepare both; nothing is connected before ``open``."""
        self.pool = AsyncConnectionPool(
            settings.database.url,
            min_size=1,
            max_size=settings.database.connection_limit,
            timeout=settings.database.pool_timeout,
            kwargs={"autocommit": True},
            check=AsyncConnectionPool.check_connection,  # a restarted server costs no request an error
            reconnect_timeout=3,  # short: the pool's pause between attempts doubles up to this
            open=False,
        )
        tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": settings.redis_ca_file}
        self.redis = Redis.from_url(
            settings.redis_url,
            decode_responses=True,
            socket_timeout=PROBE_SECONDS,
            socket_connect_timeout=PROBE_SECONDS,
            # One more attempt at once: the first meets the connection that a restarted server has closed.
            retry=Retry(NoBackoff(), 1),
            **(tls if settings.redis_url.startswith("rediss:") else {}),
        )

    async def open(self) -> None:
        """Start connecting without waiting for it: a service that answers 503 can be asked why."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        """Let go of every connection."""
        await self.pool.close(timeout=2)
        await self.redis.aclose()

    async def query(self, text: str, *values: object, timeout: float | None = None) -> list[TupleRow]:
        """Return the rows of one statement."""
        async with self.pool.connection(timeout=timeout) as connection:
            return await (await connection.execute(text.encode(), values or None)).fetchall()

    async def failure(self) -> str | None:
        """Return what is wrong with the stores; always within the probe's time, whatever they do."""
        probes: dict[str, Awaitable[object]] = {
            "database": self.query("SELECT 1", timeout=PROBE_SECONDS * 0.9),
            "redis": self.redis.ping(),
        }
        tasks = {name: asyncio.ensure_future(probe) for name, probe in probes.items()}
        await asyncio.wait(tasks.values(), timeout=PROBE_SECONDS)
        found = []
        for name, task in tasks.items():
            if not task.done():
                task.cancel()  # not awaited: a driver may take seconds to give up a dead connection
                found.append(f"{name}: no answer within {PROBE_SECONDS} s")
            elif error := task.exception():
                found.append(f"{name}: {describe(error)}")
        return "; ".join(found) or None

    async def pending_migrations(self) -> list[str]:
        """Return the migrations this version needs and the database lacks; more than needed is fine."""
        try:
            rows = await self.query("SELECT name FROM schema_migrations", timeout=PROBE_SECONDS)
        except psycopg.errors.UndefinedTable:
            rows = []
        return sorted(known().keys() - {row[0] for row in rows})
