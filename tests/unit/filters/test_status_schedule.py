"""The last time at which cron has run something, compared with a walk back through all minutes."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_schedule import last_due

Filters = dict[str, Callable[..., Any]]
WALKED_DAYS = 40
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("schedule", "moment", "due"),
    [
        ("0 3 * * *", "2026-12-01 03:00", "2026-12-01 03:00"),
        ("0 3 * * *", "2026-12-01 03:00:59", "2026-12-01 03:00"),
        ("0 3 * * *", "2026-12-01 02:59", "2026-11-30 03:00"),
        ("59 23 * * *", "2027-01-01 00:00", "2026-12-31 23:59"),
        ("*/20 * * * *", "2026-12-01 00:19", "2026-12-01 00:00"),
        ("*/20 * * * *", "2026-12-01 00:20", "2026-12-01 00:20"),
        ("30 8-16/4,22 * * *", "2026-12-01 22:29", "2026-12-01 16:30"),
        ("30 8-16/4,22 * * *", "2026-12-01 16:29", "2026-12-01 12:30"),
        ("30 8-16/4,22 * * *", "2026-12-01 08:29", "2026-11-30 22:30"),
        ("0 0 * * 0", "2026-12-01 12:00", "2026-11-29 00:00"),  # a Tuesday
        ("0 0 * * 6-7", "2026-12-01 12:00", "2026-11-29 00:00"),  # 7 ends a range, and is Sunday
        ("0 0 * * 2", "2026-12-01 12:00", "2026-12-01 00:00"),
        ("0 0 31 * *", "2026-12-30 12:00", "2026-10-31 00:00"),
        ("0 0 1 1 *", "2026-12-01 12:00", "2026-01-01 00:00"),
        ("5 4 29 2 *", "2027-03-01 00:00", "2024-02-29 04:05"),
        ("5 4 29 2 *", "2104-02-29 04:04", "2096-02-29 04:05"),  # 2100 is no leap year: eight years
    ],
)
def test_the_last_time_by_the_calendar(schedule: str, moment: str, due: str) -> None:
    assert last_due(schedule, at(moment)) == at(due)


def test_what_is_never_due() -> None:
    assert last_due("0 0 30 2 *", at("2026-12-01 12:00")) is None


def item(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.integers(low, high)
    ranges = st.tuples(values, values).map(sorted).filter(lambda ends: ends[0] < ends[1])
    steps = st.integers(1, max(1, (high - low) // 2))
    return st.one_of(
        values.map(str),
        ranges.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        steps.map(lambda step: f"*/{step}"),
    )


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Return expressions as operators write them; days or weekdays are *, for cron runs on either."""
    fields = [",".join(draw(st.lists(item(*bounds), min_size=1, max_size=2))) for bounds in BOUNDS]
    fields[draw(st.sampled_from([2, 4]))] = "*"
    for free in draw(st.lists(st.integers(0, 4), max_size=3)):
        fields[free] = "*"
    return " ".join(fields)


def selected(text: str, low: int, high: int) -> set[int]:
    """Return what a field selects as crontab(5) says: a list is each of its items, a step counts from the start."""
    found = set()
    for value in range(low, high + 1):
        for part in text.split(","):
            span, _slash, step = part.partition("/")
            begin, _dash, end = (f"{low}-{high}" if span == "*" else span).partition("-")
            if int(begin) <= value <= int(end or begin) and (value - int(begin)) % int(step or 1) == 0:
                found.add(value)
    return found


def walked(expression: str, moment: datetime.datetime) -> datetime.datetime | None:
    """Walk back minute by minute."""
    fields = zip(expression.split(), BOUNDS, strict=True)
    minutes, hours, days, months, weekdays = (selected(text, *bounds) for text, bounds in fields)
    now = moment.replace(second=0, microsecond=0)
    for _ in range(WALKED_DAYS * 1440):
        at_time = now.minute in minutes and now.hour in hours
        if at_time and now.day in days and now.month in months and (now.weekday() + 1) % 7 in weekdays:
            return now
        now -= datetime.timedelta(minutes=1)
    return None


@given(
    expression=expressions(),
    moment=st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2029, 1, 1)),  # noqa: DTZ001 - of a host
)
def test_a_walk_through_all_minutes_finds_the_same(
    filters: Filters, expression: str, moment: datetime.datetime
) -> None:
    try:
        schedule = filters["cron_schedule"](expression)
    except Exception:  # noqa: BLE001 - what is refused never gets here
        return
    due, found = last_due(schedule, moment), walked(expression, moment)
    if found is None:
        assert due is None or moment - due >= datetime.timedelta(days=WALKED_DAYS)
    else:
        assert due == found
