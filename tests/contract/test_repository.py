"""The contracts, held against this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.contracts import repo, role_vars
from tests.contract.contracts.registry import PROJECT, ROLE, Contract

ROOT = Path(__file__).resolve().parents[2]


def report(contract: Contract, subject: Path) -> None:
    try:
        findings = contract(subject)
    except ValueError as error:  # a file that cannot be read at all
        findings = [str(error)]
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)


@pytest.mark.parametrize("contract", sorted(ROLE))
@pytest.mark.parametrize("role", repo.roles(ROOT), ids=lambda role: role.name)
def test_role(role: Path, contract: str) -> None:
    report(ROLE[contract], role)


@pytest.mark.parametrize("contract", sorted(PROJECT))
def test_project(contract: str) -> None:
    report(PROJECT[contract], ROOT)


@pytest.mark.parametrize(
    ("listed", "contract"),
    [
        (role_vars.LONG_FILES, role_vars.long_file),
        (role_vars.LONG_EXPRESSIONS, role_vars.long_expressions),
        (role_vars.ACCUMULATING, role_vars.accumulators),
    ],
)
def test_what_has_become_short_is_no_exception_any_more(listed: set[str], contract: Contract) -> None:
    assert {role.name for role in repo.roles(ROOT) if contract(role)} >= listed
