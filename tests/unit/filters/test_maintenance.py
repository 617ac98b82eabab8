"""Extra variables of maintenance.yml that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from filter_plugins.maintenance import maintenance_findings

GOOD = {"maintenance": "on", "sites": ["shop"], "message": "Back soon."}


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, None),
        ({"maintenance": "off", "sites": [], "message": "x" * 800}, None),
        ({"maintenance": ""}, "maintenance is not set; say on or off, as in -e maintenance=on"),
        ({"maintenance": "yes"}, "maintenance is yes; say on or off, as in -e maintenance=on"),
        ({"maintenance": True}, "maintenance is True; say on or off, as in -e maintenance=on"),
        ({"sites": ["shop", "blog", "wiki"]}, "maintenance_sites has blog, wiki; this inventory has shop, api"),
        ({"message": "x" * 801}, "maintenance_message is not a text of up to 800 characters; give one line"),
        ({"message": 5}, "maintenance_message is not a text of up to 800 characters; give one line"),
    ],
)
def test_findings(change: dict[str, Any], finding: str | None) -> None:
    assert maintenance_findings({**GOOD, **change}, ["shop", "api"]) == ([finding] if finding else [])


def test_all_are_said_at_once() -> None:
    assert len(maintenance_findings({"maintenance": 0, "sites": ["x"], "message": 0}, [])) == 3


def test_it_takes_a_mapping() -> None:
    with pytest.raises(TypeError, match="takes a mapping"):
        maintenance_findings({"maintenance": "on"}, [])
