# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wait until a container is healthy."""

from __future__ import annotations

import http.client
import time
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.holdfast.platform.plugins.module_utils.docker import inspect, run

PROBE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1  # doubled after every attempt, up to the interval of the caller
SETTLE_SECONDS = 2.0
MOST_RESTARTS = 3
LOG_LINES = 20


def probe(url: str, status: int, seconds: float) -> str:
    """Ask once; return what was wrong with the answer, nothing when it is the wanted one."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        text = answer.read(160).decode(errors="replace").strip()
    except TimeoutError:
        return f"did not answer within {seconds:g} s"
    except (OSError, http.client.HTTPException) as problem:
        return f"did not answer ({problem})"
    finally:
        connection.close()
    if answer.status == status:
        return ""
    where = answer.getheader("Location")
    return f"answered {answer.status}{f' (to {where})' if where else f' ({text})' if text else ''}, not {status}"


def state_of(name: str) -> tuple[str, bool]:
    """Describe how a container fares, and whether there is still hope."""
    found = [entry for entry in inspect([name]) if entry.get("Name") == f"/{name}"]
    if not found:
        return "it is gone", False
    state, restarts = found[0]["State"], found[0].get("RestartCount", 0)
    text = f"it is {state['Status']}"
    if restarts or not state["Running"] or state.get("Restarting"):
        text += f" with exit code {state['ExitCode']}"
    text += f" after {restarts} restarts" if restarts else ""
    text += ", killed for lack of memory (raise its memory limit)" if state.get("OOMKilled") else ""
    alive = (state["Running"] or state.get("Restarting")) and restarts < MOST_RESTARTS
    return text, bool(alive)


def gate(name: str, health: dict[str, Any] | None) -> str:
    """Wait until a container is healthy; return why it is not, nothing when it is."""
    if not health:
        time.sleep(SETTLE_SECONDS)
        text, alive = state_of(name)
        return "" if alive and "restarts" not in text else text
    began = time.monotonic()
    deadline = began + health["seconds"]
    pause = min(FIRST_PAUSE_SECONDS, health["interval_seconds"])
    while True:
        left = deadline - time.monotonic()
        answer = probe(health["url"], health["status"], max(0.5, min(PROBE_SECONDS, left)))
        if not answer:
            return ""
        text, alive = state_of(name)
        if not alive or time.monotonic() + pause > deadline:
            return f"{health['url']} {answer}; {text}; waited {time.monotonic() - began:.0f} of {health['seconds']} s"
        time.sleep(pause)
        pause = min(pause * 2, health["interval_seconds"])


def log_of(name: str) -> str:
    _code, out, err = run(["docker", "logs", "--tail", str(LOG_LINES), name])
    text = "\n".join(part.strip() for part in (out, err) if part.strip())
    return f"\nThe last lines of its log:\n{text}" if text else "\nIts log is empty."
