"""Points in time as HTTP writes them."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from ansible.errors import AnsibleFilterError


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


FILTERS = (http_date,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
