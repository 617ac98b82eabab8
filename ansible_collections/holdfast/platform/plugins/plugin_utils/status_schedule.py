"""When cron does something, and how old its result may be: pure arithmetic over normalized expressions."""

import datetime

# As cron_schedule returns them: numbers; Sunday is 0, and 7 at the end of a range
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
BEGIN = datetime.date(2024, 1, 1)
DAYS = 2 * 366  # a schedule may run once in a leap year
# One that takes long, or waits for another, comes late by less than half of the longest pause between two
GRACE = 1.5
LONGEST_DAYS = 8 * 366  # between two 29 February, when a century is no leap year


def _values(text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        span, _slash, step = item.partition("/")
        first, _dash, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def _fields(schedule: str) -> list[set[int]]:
    return [_values(text, *bounds) for text, bounds in zip(schedule.split(), BOUNDS, strict=True)]


def _minutes(fields: list[set[int]]) -> list[int]:
    return sorted(60 * hour + minute for hour in fields[1] for minute in fields[0])


def _matches(fields: list[set[int]], day: datetime.date) -> bool:
    weekdays = {day.isoweekday(), day.isoweekday() % 7}
    return day.day in fields[2] and day.month in fields[3] and not weekdays.isdisjoint(fields[4])


def longest_pause_hours(schedules: list[str]) -> float:
    """Return the longest time between two starts of what runs by any of these expressions; 0 when none runs twice."""
    read = [_fields(schedule) for schedule in schedules]
    minutes = [_minutes(fields) for fields in read]
    longest, last = 0, -1
    for number in range(DAYS):
        day = BEGIN + datetime.timedelta(days=number)
        starts = sorted(
            {at for fields, of_day in zip(read, minutes, strict=True) if _matches(fields, day) for at in of_day}
        )
        for at in starts:
            now = number * 1440 + at
            longest = max(longest, now - last if last >= 0 else 0)
            last = now
    return longest / 60


def limit_hours(schedules: list[str]) -> float:
    """Return from which age on something is late; 0 without a schedule."""
    return GRACE * longest_pause_hours(schedules)


def last_due(schedule: str, moment: datetime.datetime) -> datetime.datetime | None:
    """Return the last minute, that of the moment included, at which a schedule makes cron run something."""
    fields = _fields(schedule)
    minutes, latest = _minutes(fields), 60 * moment.hour + moment.minute
    for back in range(LONGEST_DAYS):
        day = moment.date() - datetime.timedelta(days=back)
        past = [minute for minute in minutes if back or minute <= latest]
        if past and _matches(fields, day):
            return datetime.datetime.combine(day, datetime.time(past[-1] // 60, past[-1] % 60))
    return None
