"""What happens around every request: its id, the faults on request, safe errors, metrics, one log line."""

# mypy: disable-error-code="import-not-found, untyped-decorator, no-any-return, no-untyped-call"
# The libraries come from Debian packages inside the image; where the type check runs they are missing.

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import psycopg
import redis
from aiohttp import web
from prometheus_client import Counter, Histogram, disable_created_metrics

from .logs import describe, request_id
from .switches import Switches

SWITCHES = web.AppKey("switches", Switches)
PROBES = ("/health", "/ready", "/metrics", "/switch")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LOG = logging.getLogger("app")

disable_created_metrics()  # half as many series
LABELS = ("method", "route", "status")
REQUESTS = Counter("http_requests_total", "Total number of HTTP requests", LABELS)
DURATION = Histogram("http_request_duration_seconds", "Duration of HTTP requests in seconds", LABELS)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, time and log a request."""
    resource = request.match_info.route.resource
    # Labels from a fixed set only: whoever asks for random paths must not fill the memory of the monitoring.
    route = resource.canonical if resource else "unmatched"
    method = request.method if request.method in METHODS else "other"
    request["id"] = request_id(request.headers.get("X-Request-ID"))
    started = time.perf_counter()
    status = 499  # what remains when the request is cut off
    try:
        response = await answer(request, handler)
        status = response.status
        return response
    finally:
        seconds = time.perf_counter() - started
        REQUESTS.labels(method, route, str(status)).inc()
        if status != 101:  # a WebSocket's life is not a response time
            DURATION.labels(method, route, str(status)).observe(seconds)
        facts = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
        LOG.log(level, "request", extra={"request_id": request["id"], **facts})


async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return a response whatever happens; no driver's message reaches the client."""
    try:
        await misbehave(request)
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.json_response({"error": refusal.text}, status=refusal.status)
        if "Allow" in refusal.headers:
            response.headers["Allow"] = refusal.headers["Allow"]
    except (psycopg.Error, redis.RedisError) as error:
        LOG.warning("a store failed", extra={"request_id": request["id"], "error": describe(error)})
        response = web.json_response({"error": describe(error)}, status=503)
    except Exception:
        LOG.exception("a request failed", extra={"request_id": request["id"]})
        response = web.json_response({"error": "internal error"}, status=500)
    if not response.prepared:
        response.headers["X-Request-ID"] = request["id"]
    return response


async def misbehave(request: web.Request) -> None:
    """Do what the switches ask for. POST /switch stays usable, otherwise nothing could be switched off again."""
    switches = request.app[SWITCHES]
    while switches.hang and request.path != "/switch":
        await asyncio.sleep(0.1)
    if request.path not in PROBES and switches.next_fails():
        raise web.HTTPInternalServerError(text="switched to fail")
