"""The project root on the path, and small repositories to try the contracts on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.contract.sample import GOOD  # noqa: E402 - needs the path

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write the good sample project with some files replaced; None leaves a file out."""

    def write(changes: dict[str, str | None] | None = None) -> Path:
        for name, text in (GOOD | (changes or {})).items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return tmp_path

    return write
