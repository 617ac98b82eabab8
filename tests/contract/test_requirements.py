"""The tables of requirements name tests that cite them, and requirement_values.yml the values that these assert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "molecule"
TABLES = sorted(FOLDER.glob("*/README.md"))
VALUES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("requirement_values.yml").read_text())
FAMILIES = "ALR BAK DEP DKR DRP ENV FLT FWL HDR HRD HST LOG MIG MNT MOL MON NGX PGS RBK RED SCL SEC SLO TLS"
ID = re.compile(rf"\b(?:{FAMILIES.replace(' ', '|')})-\d\d\b")
ROW = re.compile(r"^\| ([A-Z]{3}-\d\d) (\|.*)", re.MULTILINE)


def cited_in(table: Path) -> list[tuple[str, Path]]:
    """Return the requirements of a table, each with every file that its row leads to."""
    rows = ROW.findall(table.read_text())
    links = [(name, file) for name, row in rows for file in re.findall(r"\]\(([^)]+)\)", row)]
    return [(name, (table.parent / file).resolve()) for name, file in links]


def said(path: Path) -> str:
    """Return what a file does, without whole lines of comment and with single spaces."""
    lines = path.read_text().splitlines()
    return " ".join(" ".join(line for line in lines if not line.lstrip().startswith("#")).split())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.parent.name)
def test_every_row_names_files_that_cite_the_requirement(table: Path) -> None:
    rows = ROW.findall(table.read_text())
    cited = cited_in(table)
    assert len(rows) > 10
    assert {name for name, _ in cited} == {name for name, _ in rows}
    assert [each for each in cited if each[0] not in each[1].read_text()] == []


def test_every_requirement_that_a_test_cites_has_a_value() -> None:
    """Whoever cites a requirement says what it demands, by hand, and where that is asserted."""
    files = [*FOLDER.rglob("*.yml"), *(ROOT / "tests/unit").rglob("*.py"), *(ROOT / "tests/runner").rglob("*.py")]
    cited = {name: path for path in files for name in ID.findall(path.read_text())}
    cited |= {name: table for table in TABLES for name, _ in cited_in(table)}
    known = {entry["id"] for entry in VALUES}
    assert {name: str(path.relative_to(ROOT)) for name, path in cited.items() if name not in known} == {}
    assert known - set(cited) == set()


@pytest.mark.parametrize("entry", VALUES, ids=lambda entry: f"{entry['id']} {entry['value']}")
def test_the_value_that_a_requirement_demands_is_asserted(entry: dict[str, Any]) -> None:
    place = ROOT / entry["place"]
    assert entry["id"] in ID.findall(place.read_text()), f"{entry['place']} does not cite it"
    asserted = " ".join(entry["asserts"].split())
    assert asserted in said(place), f"{entry['place']} does not assert it"
    value = rf"(?<!\w)(?<!\d\.){re.escape(entry['value'])}(?!\w|\.\d)"
    assert re.search(value, asserted), "that is not about the value"
    places = [path for table in TABLES for name, path in cited_in(table) if name == entry["id"]]
    assert not places or place in places, f"no table leads from it to {entry['place']}"
