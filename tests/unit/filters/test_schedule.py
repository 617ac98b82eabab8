"""Cron expressions and the minute of a host."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("expression", "normal"),
    [
        ("0 2 * * *", "0 2 * * *"),
        ("00  02 * * *", "0 2 * * *"),
        ("*/15 * * * *", "*/15 * * * *"),
        ("0 */4 * * *", "0 */4 * * *"),
        ("*/1 */1 * * *", "* * * * *"),
        ("30,5,30 1-5/2 * * *", "5,30 1-5/2 * * *"),
        ("0 2 1-7 * *", "0 2 1-7 * *"),
        ("0 2 * * Sun", "0 2 * * 0"),
        ("0 2 * * 7,0", "0 2 * * 0"),
        ("0 2 * * fri-7", "0 2 * * 5-7"),
        ("0 2 29 FEB *", "0 2 29 2 *"),
        ("0 2 31 jan,feb *", "0 2 31 1,2 *"),
        ("0 2 3-3 * *", "0 2 3 * *"),
    ],
)
def test_one_spelling(filters: Filters, expression: str, normal: str) -> None:
    """Names become numbers, lists are sorted, Sunday is 0."""
    assert filters["cron_schedule"](expression) == normal


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("@daily", "a schedule has five fields"),
        ("0 2 * *", "a schedule has five fields"),
        (None, "got None"),
        ("60 2 * * *", "minute must be 0 to 59, got '60'"),
        ("0 24 * * *", "hour must be 0 to 23, got '24'"),
        ("0 2 0 * *", "day of month must be 1 to 31, got '0'"),
        ("0 2 * foo *", "month must be 1 to 12 or jan, feb"),
        ("0 2 * * 8", "day of week must be 0 to 7 or sun"),
        ("0 2 * * *-5", "day of week must be *, a value, a range"),
        ("5/15 * * * *", "minute must be *, a value, a range, */step or range/step, got '5/15'"),
        ("0 2 L * *", "day of month must be 1 to 31, got 'l'"),
        ("0 2,, * * *", "hour must be *"),
        ("-1 2 * * *", "minute must be *"),
        ("0 5-1 * * *", "range or step"),
        ("*/60 * * * *", "range or step"),
        ("*/0 * * * *", "range or step"),
        ("*,5 * * * *", "* says everything already"),
        ("0 2 30 feb *", "never runs: day 30"),
        ("0 2 31 4,6,9,11 *", "never runs: day 31"),
        ("0 2 1-7 * sun", "names days and weekdays, and cron runs on either"),
        ("H 2 * * *", "has the minute H; pass the host's name"),
        ("0 H * * *", "hour must be 0 to 23, got 'h'"),
    ],
)
def test_senseless_expressions_are_refused(refusal: Refusal, expression: object, words: str) -> None:
    """What would never run, run at other times than it seems, or is not cron."""
    assert words in refusal("cron_schedule", expression)


def test_the_minute_of_a_host(filters: Filters, refusal: Refusal) -> None:
    """The first 64 bits of `printf data1 | sha256sum`, modulo 60 and 240 by bc."""
    assert filters["stagger_minute"]("data1") == 9
    assert filters["stagger_minute"]("data1", 240) == 189
    assert filters["cron_schedule"]("H 3 * * *", "data1") == "9 3 * * *"
    assert "host must be non-empty text, got ''" in refusal("stagger_minute", "")
    assert "host must be non-empty text, got 3" in refusal("stagger_minute", 3)
    for window in (0, 1441, True, "60"):
        assert f"window must be 1 to 1440 whole minutes, got {window!r}" in refusal("stagger_minute", "data1", window)


@given(host=st.text(min_size=1), window=st.integers(1, 1440))
def test_the_minute_stays_in_its_window(filters: Filters, host: str, window: int) -> None:
    """And is the same on every run."""
    minute = filters["stagger_minute"](host, window)
    assert 0 <= minute < window
    assert filters["stagger_minute"](host, window) == minute


@given(
    minutes=st.lists(st.integers(0, 59), min_size=1, max_size=5),
    hours=st.integers(0, 23),
    months=st.permutations(["1", "mar", "DEC"]),
)
def test_normal_text_stays_as_it_is(filters: Filters, minutes: list[int], hours: int, months: list[str]) -> None:
    """Normalizing twice changes nothing, and the order of a list does not matter."""
    expression = f"{','.join(map(str, minutes))} {hours}-23/1 * {','.join(months)} *"
    normal = filters["cron_schedule"](expression)
    assert filters["cron_schedule"](normal) == normal
    assert normal.split()[0] == ",".join(map(str, sorted(set(minutes))))
    assert normal.split()[3] == "1,3,12"
