"""What the tests of the test bed share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.console import Console


@pytest.fixture
def console() -> Iterator[Console]:
    made = Console("test-unit")
    yield made
    made.log.close()
