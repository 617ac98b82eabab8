"""Whole numbers that are checked, and sizes as PostgreSQL writes them."""

MB = 1024  # in kB, in which PostgreSQL's memory is counted
GB = 1024 * MB
KILOBYTES = {"kB": 1, "MB": MB, "GB": GB, "TB": 1024 * GB}
LARGEST_MB = 2**24  # memory of a machine
WORD_BYTES = 4000  # nginx reads no word of 4096 bytes
SLACK_SECONDS = 60  # from the end of the wait for a segment of WAL until it is in the repository
BYTES = {"B": 1} | {unit: 1024 * kilobytes for unit, kilobytes in KILOBYTES.items()}


def whole(value: object, what: str, least: int) -> int:
    """Return a whole number that is not too small."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{what} must be a whole number from {least}, got {value!r}")
    return int(value)


def within(value: object, what: str, low: int, high: int) -> int:
    """Return a whole number between two others."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}, got {value!r}")
    return int(value)


def size_text(kilobytes: int) -> str:
    """Return a size with the largest unit that expresses it exactly."""
    unit = max((unit for unit, factor in KILOBYTES.items() if kilobytes % factor == 0), key=KILOBYTES.__getitem__)
    return f"{kilobytes // KILOBYTES[unit]}{unit}"
