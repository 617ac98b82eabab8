"""Reads and writes sizes in bytes and durations in seconds."""

import re

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import BYTES

SIZE_UNITS = (
    BYTES  # PostgreSQL
    | {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # IEC
    | {"k": 2**10, "m": 2**20, "g": 2**30}  # nginx and Docker
    | {"kb": 2**10, "mb": 2**20, "gb": 2**30}  # Redis
)
SIZE_STYLES: dict[str, dict[str, int]] = {
    "postgresql": dict(reversed(BYTES.items())),
    "nginx": {"m": 2**20, "k": 2**10, "": 1},  # nginx refuses "g" for most of its sizes
    "redis": {"gb": 2**30, "mb": 2**20, "kb": 2**10, "": 1},
}
WORDS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
MILLISECONDS = (
    {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}  # PostgreSQL and systemd
    | WORDS
    | {f"{word}s": milliseconds for word, milliseconds in WORDS.items()}
)
DURATION_UNITS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
QUANTITY = re.compile(r"([0-9]+) ?([A-Za-z]+)")


def _whole(value: object, noun: str) -> int | None:
    """Return a whole number as it is, and nothing for text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"{noun} must be a whole number or text, got {value!r}")
    if isinstance(value, str):
        return None
    if value < 0:
        raise ValueError(f"{noun} must not be negative, got {value!r}")
    return int(value)


def _quantity(text: str, units: dict[str, int], noun: str, example: str) -> int:
    """Return the number times its unit."""
    parts = QUANTITY.fullmatch(text)
    if parts is None or parts[2] not in units:
        accepted = ", ".join(units)
        raise ValueError(
            f"{noun} must be a whole number and a unit, as in {example!r}, got {text!r}; units: {accepted}"
        )
    return int(parts[1]) * units[parts[2]]


def to_bytes_size(value: int | str) -> int:
    """Return a size in bytes; a bare number is bytes already."""
    number = _whole(value, "size")
    return _quantity(str(value), SIZE_UNITS, "size", "256MB") if number is None else number


def to_megabytes(value: int | str) -> int:
    """Return a size in whole MB of 1024 * 1024 bytes."""
    megabytes, rest = divmod(to_bytes_size(value), SIZE_UNITS["MB"])
    if rest:
        raise ValueError(f"size must be whole megabytes, got {value!r}; write {megabytes}MB or {megabytes + 1}MB")
    return megabytes


def to_size_text(value: int | str, style: str = "postgresql") -> str:
    """Return a size with the largest unit that expresses it exactly."""
    if not isinstance(style, str) or style not in SIZE_STYLES:
        raise ValueError(f"style must be one of {', '.join(SIZE_STYLES)}, got {style!r}")
    return _exact(to_bytes_size(value), SIZE_STYLES[style])


def to_seconds(value: int | str) -> int:
    """Return a duration in whole seconds; a bare number is seconds already."""
    number = _whole(value, "duration")
    if number is not None:
        return number
    text = str(value).removeprefix("<").lstrip(" ")  # "<15 minutes" promises at most 15 minutes
    seconds, rest = divmod(_quantity(text, MILLISECONDS, "duration", "15min"), 1000)
    if rest:
        raise ValueError(f"duration must be whole seconds, got {value!r}")
    return seconds


def to_duration_text(value: int | str) -> str:
    """Return a duration with the largest unit that expresses it exactly."""
    return _exact(to_seconds(value), DURATION_UNITS)


def _exact(number: int, units: dict[str, int]) -> str:
    """Return the number in the largest of the units (given largest first) that divides it."""
    unit = next((unit for unit, factor in units.items() if number and number % factor == 0), list(units)[-1])
    return f"{number // units[unit]}{unit}"


FilterModule = filter_module(to_bytes_size, to_megabytes, to_size_text, to_seconds, to_duration_text)
