"""A masked unit stops a run in preflight, so preflight has to know every unit that a role starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def wanted(node: Any) -> list[str]:
    """Return the names of units in tasks that are to run; those that an expression names are taken as it is written."""
    if isinstance(node, dict):
        if "name" in node and (node.get("enabled") is True or node.get("state") == "started"):
            return [str(node["name"])]
        return [name for value in node.values() for name in wanted(value)]
    return [name for value in node for name in wanted(value)] if isinstance(node, list) else []


def unknown(roles: dict[str, list[str]], known: dict[str, Any]) -> list[str]:
    return [
        f"role {role} starts {name}, and {role}_offer.units does not have it"
        for role, names in roles.items()
        for name in names
        if name.strip("{} ") not in str(known.get(role, ""))
    ]


def test_preflight_knows_the_units_of_every_role() -> None:
    known = {
        role.name: yaml.safe_load((role / "vars/main.yml").read_text())[f"{role.name}_offer"].get("units", [])
        for role in sorted((ROOT / "roles").iterdir())
    }
    roles = {
        role.name: [name for file in role.glob("tasks/*.yml") for name in wanted(yaml.safe_load(file.read_text()))]
        for role in sorted((ROOT / "roles").iterdir())
    }
    assert unknown(roles, known) == []
    assert roles["nginx"] == ["nginx.service"]
    assert [role for role, names in known.items() if not names] == ["app"]  # its containers are no units


def test_a_unit_that_preflight_does_not_know_is_found() -> None:
    assert unknown({"web": ["a.service", "{{ __web_unit }}"]}, {"web": ["a.service", "{{ __web_unit }}"]}) == []
    assert len(unknown({"web": ["b.service", "{{ __web_unit }}"]}, {"web": ["a.service"]})) == 2
