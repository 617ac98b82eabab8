"""Whole numbers, and sizes in PostgreSQL's units: kilobytes of 1024 bytes."""

from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import (
    BYTES,
    KILOBYTES,
    size_text,
    whole,
    within,
)


def test_a_whole_number_is_itself() -> None:
    assert whole(3, "processes", 3) == 3
    assert within(1, "port", 1, 65535) == 1
    assert within(65535, "port", 1, 65535) == 65535


@pytest.mark.parametrize("value", [2, True, "3", 3.0, None])
def test_others_are_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match="processes must be a whole number from 3, got"):
        whole(value, "processes", 3)


@pytest.mark.parametrize("value", [0, 9, True, "3", 3.0, None])
def test_what_lies_outside_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match="day must be a whole number from 1 to 8, got"):
        within(value, "day", 1, 8)


@pytest.mark.parametrize(
    ("kilobytes", "text"),
    [(1, "1kB"), (1023, "1023kB"), (1024, "1MB"), (1536, "1536kB"), (3145728, "3GB"), (1073741824, "1TB")],
)
def test_the_largest_unit_that_divides_a_size_is_taken(kilobytes: int, text: str) -> None:
    assert size_text(kilobytes) == text


def test_units_are_powers_of_1024() -> None:
    assert KILOBYTES == {"kB": 1, "MB": 2**10, "GB": 2**20, "TB": 2**30}
    assert BYTES == {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
