"""Points in time as HTTP writes them."""

from datetime import UTC, datetime
from email.utils import format_datetime

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def http_date(moment: str) -> str:
    """Return a point in time, written as ISO 8601 with its offset from UTC, in the form of HTTP headers."""
    if not isinstance(moment, str):
        raise TypeError(f"a point in time must be text such as 2026-12-24T18:00:00Z, got {moment!r}")
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(f"{moment!r} is no point in time; write it as in 2026-12-24T18:00:00Z") from None
    if read.tzinfo is None:
        raise ValueError(f"{moment!r} names no time zone; end it with Z, or with an offset such as +01:00")
    return format_datetime(read.astimezone(UTC), usegmt=True)


FilterModule = filter_module(http_date)
