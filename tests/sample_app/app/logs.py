"""JSON log lines and error texts. Neither may carry an address, a credential or personal data."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
import uuid
from datetime import UTC, datetime

FIELDS = ("request_id", "method", "route", "status", "ms", "error")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# The only parts of a driver's message that are passed on; the rest of it holds hosts, users and sometimes more.
REASONS = (
    "connection refused",
    "connect call failed",
    "password authentication failed",
    "invalid username-password",
    "authentication required",
    "certificate verify failed",
    "server certificate for",
    "root certificate file",
    "no pg_hba.conf entry",
    "permission denied",
    "does not exist",
    "could not translate host name",
    "name or service not known",
    "too many clients",
    "starting up",
    "shutting down",
    "read-only transaction",
    "lock timeout",
    "administrator command",
    "discarding closed connection",
    "reconnection attempt",
    "timeout",
)


def reason(text: str) -> str | None:
    """Return the known reason a driver's message names."""
    return next((known for known in REASONS if known in text.lower()), None)


def describe(error: BaseException) -> str:
    """Return the kind of an error and its known reason, and nothing else of its text."""
    known = reason(str(error))
    return f"{type(error).__name__} ({known})" if known else type(error).__name__


def request_id(offered: str | None) -> str:
    """Return the proxy's request id when it is harmless, otherwise a new one."""
    return offered if offered and REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record. Of libraries only the known reason in a message is shown: the rest may hold addresses."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"level": record.levelname.lower(), "timestamp": moment.replace("+00:00", "Z")}
        if record.name == "app":
            line["message"] = record.getMessage()
        else:
            line["message"] = f"{record.name}: {reason(record.getMessage()) or 'message withheld'}"
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1]:
            line["error"] = describe(record.exc_info[1])
            if frames := traceback.extract_tb(record.exc_info[2]):
                line["where"] = f"{frames[-1].filename}:{frames[-1].lineno}"
        return json.dumps(line)


def set_up_logs(level: str) -> None:
    """Send every logger's lines to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    # What libraries tell below a warning would be withheld anyway.
    logging.basicConfig(level="ERROR" if level == "error" else "WARNING", handlers=[handler], force=True)
    logging.getLogger("app").setLevel(level.upper())
