"""The tables of requirements name tests that cite them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "molecule"
TABLES = sorted(FOLDER.glob("*/README.md"))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.parent.name)
def test_every_row_names_files_that_cite_the_requirement(table: Path) -> None:
    rows = re.findall(r"^\| ([A-Z]{3}-\d\d) (\|.*)", table.read_text(), re.MULTILINE)
    cited = [(requirement, file) for requirement, row in rows for file in re.findall(r"\]\(([^)]+)\)", row)]
    assert len(rows) > 10
    assert {requirement for requirement, _ in cited} == {requirement for requirement, _ in rows}
    assert [each for each in cited if each[0] not in (table.parent / each[1]).read_text()] == []
