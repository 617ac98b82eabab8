"""Cron expressions: checked, in one spelling, and spread over many hosts."""

import hashlib
import re
from typing import Any, NamedTuple

MINUTES_PER_DAY = 1440
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
ITEM = re.compile(r"(?:(?P<all>\*)|(?P<first>[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?)(?:/(?P<step>[0-9]+))?")


class Field(NamedTuple):
    """One of the five fields."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 7, DAYS),
)


def _number(field: Field, text: str) -> int:
    """Return the number of a value, which may be a name."""
    number = field.words.index(text) + field.low if text in field.words else int(text) if text.isdecimal() else -1
    if not field.low <= number <= field.high:
        names = f" or {', '.join(field.words)}" if field.words else ""
        raise ValueError(f"{field.name} must be {field.low} to {field.high}{names}, got {text!r}")
    return number


def _item(field: Field, text: str) -> tuple[list[int], str]:
    """Return the values of one list item and its normalized text."""
    parts = ITEM.fullmatch(text.lower())
    if parts is None or (parts["step"] and not (parts["all"] or parts["last"])):
        raise ValueError(f"{field.name} must be *, a value, a range, */step or range/step, got {text!r}")
    low, high = field.low, field.high
    if not parts["all"]:
        low = _number(field, parts["first"])
        high = _number(field, parts["last"] or parts["first"])
    step = int(parts["step"] or 1)
    if low > high or not 1 <= step <= max(1, high - low):
        raise ValueError(f"{field.name} has a range or step that selects nothing more than its start: {text!r}")
    shown = "*" if parts["all"] else f"{low}-{high}"
    if low == high:
        low = high = low % 7 if field.words == DAYS else low  # 7 is Sunday too
        shown = str(low)
    return list(range(low, high + 1, step)), shown if step == 1 else f"{shown}/{step}"


def _field(field: Field, text: str) -> tuple[set[int], str]:
    """Return the values of a field and its normalized text."""
    items = [_item(field, item) for item in text.split(",")]
    shown = [text for _, text in sorted(items)]
    if "*" in shown and len(shown) > 1:
        raise ValueError(f"{field.name} is {text!r}, and * says everything already; remove one of them")
    return {value for values, _ in items for value in values}, ",".join(dict.fromkeys(shown))


def stagger_minute(host: str, window: int = 60) -> int:
    """Return the minute in ``range(window)`` that belongs to this host, the same on every run."""
    if not isinstance(host, str) or not host:
        raise TypeError(f"host must be non-empty text, got {host!r}")
    if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= MINUTES_PER_DAY:
        raise ValueError(f"window must be 1 to {MINUTES_PER_DAY} whole minutes, got {window!r}")
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:8], "big") % int(window)


def cron_schedule(expression: str, host: str = "") -> str:
    """Return a cron expression in one spelling; the minute ``H`` becomes the minute of this host."""
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) != len(FIELDS):
        raise ValueError(f"a schedule has five fields (minute hour day month weekday), got {expression!r}")
    if fields[0] == "H":
        if not host:
            raise ValueError(f"schedule {expression!r} has the minute H; pass the host's name as host")
        fields[0] = str(stagger_minute(host))
    read = [_field(field, text) for field, text in zip(FIELDS, fields, strict=True)]
    shown = [text for _, text in read]
    days, months = read[2][0], read[3][0]
    if shown[2] != "*" and shown[4] != "*":
        raise ValueError(
            f"schedule {expression!r} names days and weekdays, and cron runs on either; make one of them *"
        )
    if all(min(days) > DAYS_OF_MONTH[month - 1] for month in months):
        raise ValueError(f"schedule {expression!r} never runs: day {min(days)} is in none of its months")
    return " ".join(shown)


def later_schedule(expression: str, host: str, window: int) -> str:
    """Return a schedule in one spelling, later by the minutes that belong to this host of the first ``window``."""
    minutes, *others = cron_schedule(expression).split()
    values = sorted(_field(FIELDS[0], minutes)[0])
    most = FIELDS[0].high + 1 - values[-1]
    if window > most:
        raise ValueError(
            f"over {window} minutes schedule {expression!r} would be spread past its hour; give at most {most}"
        )
    shift = stagger_minute(host, window)
    return " ".join([",".join(str(value + shift) for value in values), *others])


def schedule_finding(name: str, expression: Any, host: str) -> list[str]:
    """Return the sentence that says why a schedule cannot be used, or none."""
    try:
        cron_schedule(expression, host)
    except (TypeError, ValueError) as problem:
        return [f"{name} is {expression!r}: {problem}; write five fields of cron, such as '0 2 * * 0'"]
    return []
