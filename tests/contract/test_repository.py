"""The contracts, held against this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.contracts import repo, targets
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


def test_git_is_asked_what_it_tracks() -> None:
    if targets.git_knows(ROOT) is None:
        pytest.skip(
            "no git here, as in an unpacked archive: contract targets cannot know what git tracks, it looks for files"
        )
    assert "tests/contract/test_repository.py" in (targets.git_knows(ROOT) or ())
