"""The table of requirements names tests that cite them."""

from __future__ import annotations

import re
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "molecule/postgresql/README.md"


def test_every_row_names_files_that_cite_the_requirement() -> None:
    rows = re.findall(r"^\| ([A-Z]{3}-\d\d) (\|.*)", TABLE.read_text(), re.MULTILINE)
    cited = [(requirement, file) for requirement, row in rows for file in re.findall(r"\]\(([^)]+)\)", row)]
    assert len(rows) > 20
    assert {requirement for requirement, _ in cited} == {requirement for requirement, _ in rows}
    assert [each for each in cited if each[0] not in (TABLE.parent / each[1]).read_text()] == []
