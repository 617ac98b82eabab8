"""The endpoints."""

# mypy: disable-error-code="import-not-found, untyped-decorator, no-any-return"
# The libraries come from Debian packages inside the image; where the type check runs they are missing.

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .middleware import LOG, SWITCHES
from .session_cookie import new_session_id, sign, verify
from .settings import Settings
from .stores import SESSION_SECONDS, Stores

SETTINGS = web.AppKey("settings", Settings)
STORES = web.AppKey("stores", Stores)
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
TABLE = web.RouteTableDef()
COOKIE = "session"
STARTED = time.monotonic()
LONGEST_SECONDS = 300
LARGEST_SESSION = 4096


@TABLE.get("/health")
async def health(request: web.Request) -> web.Response:
    """Answer 200 only when the database and Redis do."""
    switched = request.app[SWITCHES].health_fails
    error = "switched to fail" if switched else await request.app[STORES].failure()
    if error:
        LOG.warning("unhealthy", extra={"error": error})
        return web.json_response({"status": "unhealthy", "error": error}, status=503)
    return web.json_response(
        {
            "status": "healthy",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": request.app[SETTINGS].version,
            "uptime": round(time.monotonic() - STARTED, 3),
        }
    )


@TABLE.get("/ready")
async def ready(request: web.Request) -> web.Response:
    """Answer 200 when the database has what this version needs."""
    pending = await request.app[STORES].pending_migrations()
    return web.json_response({"ready": not pending, "pending": pending}, status=503 if pending else 200)


@TABLE.get("/metrics")
async def metrics(_: web.Request) -> web.Response:
    """Return the measurements in Prometheus text."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@TABLE.get("/version")
async def version(request: web.Request) -> web.Response:
    """Say what is running here."""
    settings = request.app[SETTINGS]
    return web.json_response({"version": settings.version, "environment": settings.environment})


@TABLE.get("/counter")
async def read_counter(request: web.Request) -> web.Response:
    """Return the counter."""
    rows = await request.app[STORES].query("SELECT value FROM counter WHERE name = 'main'")
    return web.json_response({"value": rows[0][0] if rows else 0})


@TABLE.post("/counter")
async def count(request: web.Request) -> web.Response:
    """Add one to the counter."""
    rows = await request.app[STORES].query(
        "INSERT INTO counter VALUES ('main', 1)"
        " ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
    )
    return web.json_response({"value": rows[0][0]})


@TABLE.get("/session")
async def read_session(request: web.Request) -> web.Response:
    """Return what was kept for this cookie."""
    session_id = verify(request.app[SETTINGS].secret, request.cookies.get(COOKIE, ""))
    kept = await request.app[STORES].redis.get(f"session:{session_id}") if session_id else None
    if kept is None:
        raise web.HTTPNotFound(text="no such session")
    return web.json_response(json.loads(kept))


@TABLE.post("/session")
async def write_session(request: web.Request) -> web.Response:
    """Keep a JSON object for this cookie."""
    kept = json.dumps(await _object(request))
    if len(kept) > LARGEST_SESSION:
        raise web.HTTPBadRequest(text=f"a session holds at most {LARGEST_SESSION} bytes")
    settings = request.app[SETTINGS]
    session_id = verify(settings.secret, request.cookies.get(COOKIE, "")) or new_session_id()
    await request.app[STORES].redis.set(f"session:{session_id}", kept, ex=SESSION_SECONDS)
    response = web.json_response({"kept_seconds": SESSION_SECONDS})
    https = _scheme(request) == "https"
    cookie = sign(settings.secret, session_id)
    response.set_cookie(COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, secure=https, samesite="Lax")
    return response


@TABLE.get("/ws")
async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Send every message back."""
    connection = web.WebSocketResponse(heartbeat=20)
    connection.headers["X-Request-ID"] = request["id"]
    await connection.prepare(request)
    request.app[SOCKETS].add(connection)
    try:
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                await connection.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)
    finally:
        request.app[SOCKETS].discard(connection)
    return connection


async def close_sockets(app: web.Application) -> None:
    """Tell every WebSocket that we go away; its client connects to another instance."""
    sockets = app[SOCKETS]
    for connection in tuple(sockets):
        await connection.close(code=WSCloseCode.GOING_AWAY, message=b"stopping")


@TABLE.get("/whoami")
async def whoami(request: web.Request) -> web.Response:
    """Return what reached us: which instance, whose request, through which scheme."""
    return web.json_response(
        {
            "instance": socket.gethostname(),
            "client": request.headers.get("X-Real-IP", request.remote),
            "peer": request.remote,
            "forwarded_for": request.headers.get("X-Forwarded-For"),
            "request_id": request["id"],
            "scheme": _scheme(request),
            "host": request.host,
        }
    )


@TABLE.post("/echo")
async def echo(request: web.Request) -> web.Response:
    """Return the size of the body, read in pieces: how much may come is the proxy's decision."""
    size = 0
    async for piece in request.content.iter_chunked(65536):
        size += len(piece)
    return web.json_response({"bytes": size})


@TABLE.get("/slow")
async def slow(request: web.Request) -> web.Response:
    """Answer after some seconds."""
    try:
        seconds = min(max(float(request.query.get("seconds", "1")), 0), LONGEST_SECONDS)
    except ValueError:
        raise web.HTTPBadRequest(text="seconds must be a number") from None
    await asyncio.sleep(seconds)
    return web.json_response({"seconds": seconds})


async def switch(request: web.Request) -> web.Response:
    """Turn faults on and off; an empty object shows them."""
    switches = request.app[SWITCHES]
    try:
        switches.update(await _object(request))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    return web.json_response(switches.shown())


async def _object(request: web.Request) -> dict[str, object]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body


def _scheme(request: web.Request) -> str:
    return request.headers.get("X-Forwarded-Proto", request.scheme)
