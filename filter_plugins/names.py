"""Shortens names that something else keeps only so many characters of, everywhere in the same way."""

import functools
import hashlib
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

COMMON_NAME = 64  # of a certificate (X.520)
IDENTIFIER = 63  # of PostgreSQL, in bytes; the rest is cut off without a word
DIGEST = 8
SLOT = "holdfast_"


def short_name(name: str, most: int = COMMON_NAME) -> str:
    """Return a name as it is while it fits, otherwise its beginning and a digest of the whole: two never become one."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"a name must be a text that is not empty, got {name!r}")
    if isinstance(most, bool) or not isinstance(most, int) or most <= 2 * DIGEST:
        raise ValueError(f"most must be a whole number above {2 * DIGEST}, got {most!r}")
    if len(name.encode()) <= most:
        return str(name)
    start = name.encode()[: most - DIGEST - 1].decode(errors="ignore").rstrip(".-")
    return f"{start}-{hashlib.sha256(name.encode()).hexdigest()[:DIGEST]}"


def replication_name(host: str) -> str:
    """Return the application_name under which a standby streams: with the prefix of a slot it is an identifier."""
    return short_name(host, IDENTIFIER - len(SLOT))


def replication_slot(host: str) -> str:
    """Return the name of a standby's slot, which PostgreSQL wants in lower-case letters, digits and underscores."""
    name = replication_name(host).lower()
    return SLOT + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


FILTERS = (short_name, replication_name, replication_slot)


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
