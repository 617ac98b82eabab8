"""Sizes and durations: both directions, strict reading, exact writing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256MB", 268435456),
        ("4GB", 4294967296),
        ("1TB", 1099511627776),
        ("4kB", 4096),
        ("7 B", 7),
        ("2 GiB", 2147483648),
        ("50m", 52428800),
        ("1mb", 1048576),
        (4096, 4096),
        (0, 0),
    ],
)
def test_sizes_are_read(filters: Filters, text: int | str, size: int) -> None:
    """The document's sizes and every family of units."""
    assert filters["to_bytes_size"](text) == size


# Powers of 1024 by hand: every unit that is read, and every one that is written
KIB, MIB, GIB, TIB = 1024, 1048576, 1073741824, 1099511627776


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        *[("B", 1), ("kB", KIB), ("MB", MIB), ("GB", GIB), ("TB", TIB)],
        *[("KiB", KIB), ("MiB", MIB), ("GiB", GIB), ("TiB", TIB)],
        *[("k", KIB), ("m", MIB), ("g", GIB), ("kb", KIB), ("mb", MIB), ("gb", GIB)],
    ],
)
def test_every_unit_is_read(filters: Filters, unit: str, size: int) -> None:
    """One and three of each."""
    assert (filters["to_bytes_size"](f"1{unit}"), filters["to_bytes_size"](f"3 {unit}")) == (size, 3 * size)


@pytest.mark.parametrize(
    ("style", "unit", "size"),
    [
        *[("postgresql", "B", 1), ("postgresql", "kB", KIB), ("postgresql", "MB", MIB), ("postgresql", "GB", GIB)],
        *[("postgresql", "TB", TIB), ("nginx", "", 1), ("nginx", "k", KIB), ("nginx", "m", MIB)],
        *[("redis", "", 1), ("redis", "kb", KIB), ("redis", "mb", MIB), ("redis", "gb", GIB)],
    ],
)
def test_every_unit_is_written(filters: Filters, style: str, unit: str, size: int) -> None:
    """Exactly one, three, and one byte more, which takes the smallest unit."""
    write = filters["to_size_text"]
    assert (write(size, style), write(3 * size, style)) == (f"1{unit}", f"3{unit}")
    smallest = "B" if style == "postgresql" else ""
    assert write(3 * size + 1, style) == f"{3 * size + 1}{smallest}"


@pytest.mark.parametrize("text", ["", "256", "1.5GB", "-1MB", "256Mb", "256 M B", "MB", "256MB ", "٣MB"])
def test_unclear_sizes_are_refused(refusal: Refusal, text: str) -> None:
    """A number without a unit means pages to PostgreSQL and bytes to Redis."""
    assert f"got {text!r}" in refusal("to_bytes_size", text)


@pytest.mark.parametrize("name", ["to_bytes_size", "to_seconds"])
def test_other_types_and_negative_numbers_are_refused(refusal: Refusal, name: str) -> None:
    """True is not the size 1."""
    assert "got True" in refusal(name, True)
    assert "got 1.5" in refusal(name, 1.5)
    assert "must not be negative, got -1" in refusal(name, -1)


def test_megabytes_are_whole(filters: Filters, refusal: Refusal) -> None:
    """Nothing is rounded silently."""
    assert filters["to_megabytes"]("1TB") == 1048576
    assert refusal("to_megabytes", "1025kB") == "size must be whole megabytes, got '1025kB'; write 1MB or 2MB"


@pytest.mark.parametrize(
    ("size", "style", "text"),
    [
        (268435456, "postgresql", "256MB"),
        (1537 * 1024, "postgresql", "1537kB"),
        (1099511627776, "postgresql", "1TB"),
        (1, "postgresql", "1B"),
        (0, "postgresql", "0B"),
        (52428800, "nginx", "50m"),
        (2147483648, "nginx", "2048m"),
        (1000, "nginx", "1000"),
        (2147483648, "redis", "2gb"),
        (0, "redis", "0"),
    ],
)
def test_sizes_are_written(filters: Filters, size: int, style: str, text: str) -> None:
    """The largest unit that needs no fraction."""
    assert filters["to_size_text"](size, style) == text


@pytest.mark.parametrize("style", ["apache", None])
def test_an_unknown_style_is_refused(refusal: Refusal, style: object) -> None:
    """The message names the styles."""
    assert f"postgresql, nginx, redis, got {style!r}" in refusal("to_size_text", 1, style)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("<15 minutes", 900),
        ("4 hours", 14400),
        ("30000 ms", 30),
        ("< 2 minutes", 120),
        ("15min", 900),
        ("2h", 7200),
        ("30d", 2592000),
        ("90s", 90),
        ("1 week", 604800),
        ("2000ms", 2),
        *[("1s", 1), ("1min", 60), ("1h", 3600), ("1d", 86400)],
        *[("1 second", 1), ("1 minute", 60), ("1 hour", 3600), ("1 day", 86400)],
        *[("3 seconds", 3), ("3 minutes", 180), ("3 hours", 10800), ("3 days", 259200), ("3 weeks", 1814400)],
        (45, 45),
    ],
)
def test_durations_are_read(filters: Filters, text: int | str, seconds: int) -> None:
    """The promises of the documents and the units of PostgreSQL."""
    assert filters["to_seconds"](text) == seconds


@pytest.mark.parametrize("text", ["5m", "90", "1h30min", "<<5s", "1500ms"])
def test_unclear_durations_are_refused(refusal: Refusal, text: str) -> None:
    """A minute to one program is a month to another."""
    assert f"got {text!r}" in refusal("to_seconds", text).replace("'<5s'", "'<<5s'")


@pytest.mark.parametrize(("value", "text"), [(900, "15min"), (90, "90s"), (0, "0s"), (86400, "1d"), ("120min", "2h")])
def test_durations_are_written(filters: Filters, value: int | str, text: str) -> None:
    """The largest unit that needs no fraction."""
    assert filters["to_duration_text"](value) == text


@given(number=st.integers(0, 2**50))
def test_every_size_survives_the_round_trip(filters: Filters, number: int) -> None:
    """Writing and reading lose nothing, and megabytes agree."""
    assert filters["to_bytes_size"](filters["to_size_text"](number)) == number
    assert filters["to_megabytes"](number * 2**20) == number


@given(
    style=st.sampled_from(["postgresql", "nginx", "redis"]),
    number=st.integers(1, 5000),
    unit=st.sampled_from([1, KIB, MIB, GIB, TIB]),
)
def test_multiples_of_units_survive_the_round_trip(filters: Filters, style: str, number: int, unit: int) -> None:
    """In every style; a text without a unit is a number of bytes."""
    text = filters["to_size_text"](number * unit, style)
    assert filters["to_bytes_size"](int(text) if text.isdigit() else text) == number * unit


@given(number=st.integers(0, 10**10))
def test_every_duration_survives_the_round_trip(filters: Filters, number: int) -> None:
    """Writing and reading lose nothing."""
    assert filters["to_seconds"](filters["to_duration_text"](number)) == number
