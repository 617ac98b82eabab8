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
    told = bad_values.advice(ROLES, accepted[0], bad_values.still_open(ROLES))
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def test_what_is_accepted_is_told_with_the_file_to_change() -> None:
    found = [
        "redis_port (too large)",
        "redis_bind[] (a name)",
        "redis_settings{names} (a blank)",
        "the good host: x is 1; y",
    ]
    assert bad_values.advice(
        ROLES, found, ["redis_settings{names} (a blank)", "redis_bind[] (old)", "gone_x (old)"]
    ) == [
        "tests/contract/bad_values/*.yml: take `- gone_x (old)` out of `open`; it is refused now",
        "redis_bind[] (a name) is accepted; give `redis_bind[]` a form in roles/redis/meta/forms.yml, or a sentence "
        "that names it in a filter of `redis_findings`, see roles/redis/vars/main.yml, or take it out of "
        "tests/contract/bad_values/redis.yml",
        "tests/contract/bad_values/redis.yml: take `- redis_bind[] (old)` out of `open`; it is refused now",
        "redis_port (too large) is accepted; give `redis_port` a form in roles/redis/meta/forms.yml, or a sentence "
        "that names it in a filter of `redis_findings`, see roles/redis/vars/main.yml",
        "tests/contract/bad_values/hosts.yml: the good host: x is 1; y; set there what is right, or in "
        "tests/contract/bad_values/handed_over.yml",
    ]
    assert bad_values.advice(ROLES, [], []) == []


def test_a_finding_that_is_lost_is_missed(accepted: tuple[list[str], list[str]]) -> None:
    assert "floating_address_addresses[] (a prefix)" in accepted[1]
    assert "floating_address_router_id (above all)" not in accepted[1]  # a form, not a finding of the role


def test_an_option_that_nobody_tries_is_missed(tmp_path: Path) -> None:
    meta = tmp_path / "redis/meta"
    meta.mkdir(parents=True)
    spec = (ROOT / "roles/redis/meta/argument_specs.yml").read_text()
    (meta / "argument_specs.yml").write_text(spec.replace("      redis_port:", "      redis_prot:"))
    assert bad_values.unexplained(tmp_path / "redis") == [
        "tests/contract/bad_values/redis.yml: redis_prot has no bad value; write `redis_prot: {why it is bad: VALUE}` "
        "under `bad`, or `- redis_prot` under `any` if it takes whatever its type allows",
        "tests/contract/bad_values/redis.yml: redis_port is no option of role redis; correct the path, or take its "
        "line out",
    ]
