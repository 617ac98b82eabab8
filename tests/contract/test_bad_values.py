"""Every public variable of every role is fed values that its documentation forbids; preflight alone refuses each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.contracts import bad_values, repo

ROOT = Path(__file__).resolve().parents[2]
ROLES = repo.roles(ROOT)


def test_every_option_is_tried() -> None:
    assert [finding for role in ROLES for finding in bad_values.unexplained(role)] == []


@pytest.fixture(scope="module")
def accepted() -> tuple[list[str], list[str]]:
    """Return what is accepted, as it is and with findings lost; whoever judges needs seconds before the first case."""
    return bad_values.accepted(ROOT, ROLES, {"floating_address": ["floating_address_findings"]})


def test_preflight_refuses_what_the_documentation_forbids(accepted: tuple[list[str], list[str]]) -> None:
    """What is under `open` is known to be accepted; whoever mends it takes it out there."""
    found, known = accepted[0], bad_values.still_open(ROLES)
    assert sorted(set(found) - set(known)) == []
    assert sorted(set(known) - set(found)) == [], "is refused now; take it out of `open`"


def test_a_finding_that_is_lost_is_missed(accepted: tuple[list[str], list[str]]) -> None:
    assert "floating_address_addresses[] (a prefix)" in accepted[1]
    assert "floating_address_router_id (above all)" not in accepted[1]  # a form, not a finding of the role


def test_an_option_that_nobody_tries_is_missed(tmp_path: Path) -> None:
    meta = tmp_path / "redis/meta"
    meta.mkdir(parents=True)
    spec = (ROOT / "roles/redis/meta/argument_specs.yml").read_text()
    (meta / "argument_specs.yml").write_text(spec.replace("      redis_port:", "      redis_prot:"))
    assert bad_values.unexplained(tmp_path / "redis") == [
        "redis: redis_prot has no bad value in bad_values/redis.yml; give one, or name it under any",
        "redis: redis_port is no option",
    ]
