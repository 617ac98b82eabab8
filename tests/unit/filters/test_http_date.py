"""Dates of HTTP headers; expected values are those of RFC 9110, section 5.6.7, and of date(1)."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("2026-12-24T19:00:00+01:00", "Thu, 24 Dec 2026 18:00:00 GMT"),
        ("2026-12-31 23:30:00-01:00", "Fri, 01 Jan 2027 00:30:00 GMT"),
    ],
)
def test_dates(filters: Filters, moment: str, date: str) -> None:
    """In GMT, whatever the offset."""
    assert filters["http_date"](moment) == date


def test_what_is_no_point_in_time(refusal: Refusal) -> None:
    """Value and fix."""
    assert "'tonight' is no point in time; write it as in 2026-12-24T18:00:00Z" in refusal("http_date", "tonight")
    assert "names no time zone; end it with Z" in refusal("http_date", "2026-12-24T18:00:00")
    assert "got 5" in refusal("http_date", 5)


@given(moment=st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis wants it bare
def test_the_way_back(filters: Filters, moment: datetime) -> None:
    """Another reader finds the same second."""
    assert parsedate_to_datetime(filters["http_date"](moment.isoformat())) == moment.replace(microsecond=0)
