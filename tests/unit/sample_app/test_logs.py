"""Log lines and error texts: JSON, and nothing that identifies a person, a host or a password."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest

from tests.sample_app.app.logs import JsonFormatter, describe, request_id

LEAK = 'connection to server at "10.1.2.3", user "ada", password "p4ss" failed: Connection refused'


def line(name: str, message: str, **more: object) -> dict[str, object]:
    """Return one formatted record."""
    record = logging.makeLogRecord({"name": name, "msg": message, "levelno": 20, "levelname": "INFO"} | more)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_request_line_has_level_time_and_fields() -> None:
    facts = {"request_id": "a-1", "method": "GET", "route": "/health", "status": 200, "ms": 1.5}
    found = line("app", "request", created=1700000000.25, **facts)
    expected = {"level": "info", "timestamp": "2023-11-14T22:13:20.250Z", "message": "request"}
    assert found == expected | facts
    assert datetime.fromisoformat(str(found["timestamp"])).tzinfo is not None


def test_fields_that_are_not_listed_stay_out() -> None:
    assert "client" not in line("app", "request", client="10.1.2.3")


def test_libraries_get_only_a_known_reason_through() -> None:
    assert line("psycopg.pool", LEAK)["message"] == "psycopg.pool: connection refused"
    assert line("aiohttp.server", "bad request from %s", args=("10.1.2.3",))["message"] == (
        "aiohttp.server: message withheld"
    )


def test_exception_is_shown_by_kind_and_place() -> None:
    try:
        raise RuntimeError(LEAK)
    except RuntimeError:
        found = line("app", "a request failed", exc_info=sys.exc_info())
    assert found["error"] == "RuntimeError (connection refused)"
    assert str(found["where"]).startswith(__file__)
    assert "10.1.2.3" not in json.dumps(found)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(LEAK), "OSError (connection refused)"),
        (
            ValueError('FATAL: password authentication failed for user "ada"'),
            "ValueError (password authentication failed)",
        ),
        (TimeoutError("Timeout reading from 10.1.2.3:6379"), "TimeoutError (timeout)"),
        (KeyError("p4ss"), "KeyError"),
    ],
)
def test_error_is_described_without_its_text(error: Exception, text: str) -> None:
    assert describe(error) == text


def test_harmless_request_id_is_kept() -> None:
    assert request_id("0af7651916cd43dd-8448_eb.1") == "0af7651916cd43dd-8448_eb.1"


@pytest.mark.parametrize("offered", [None, "", "a b", 'x"y', "a\n", "x" * 65, "é"])
def test_other_request_id_is_replaced(offered: str | None) -> None:
    made = request_id(offered)
    assert made != offered
    assert len(made) == 32
    assert made != request_id(offered)
