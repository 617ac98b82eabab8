"""Further settings: those of the role are named with what to do instead, and the others can stand in a file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.holdfast.platform.plugins.plugin_utils.settings import setting_findings

Filters = dict[str, Callable[..., Any]]
ROLES = Path(__file__).parents[3] / "roles"
OWNED = {"port": "set postgresql_port"}


def found(settings: dict[Any, Any], pattern: str = "[A-Za-z0-9._]+") -> list[str]:
    return list(setting_findings("v", settings, pattern, OWNED))


@pytest.mark.parametrize("name", ["port", "Port", "PORT"])
def test_a_setting_of_the_role_is_named_with_what_to_do_instead(name: str) -> None:
    assert found({name: 1, "work_mem": "4MB"}) == [f"v has {name}, which its role writes itself; set postgresql_port"]


def test_other_settings_pass() -> None:
    assert found({"port2": 1, "work_mem": "4MB"}) == []
    assert found({"a.b": "x y", "c": 1.5, "d": False}, "[a-z.]+") == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"a b": 1}, "v has 'a b', which is not the name of a setting"),
        ({"": 1}, "v has ''"),
        ({1: 1}, "v has 1"),
        ({"ab": "x\ny"}, "v.ab must be a number, a boolean or one line of text"),
        ({"ab": "x\ty"}, "v.ab must be"),
        ({"ab": None}, "v.ab must be"),
        ({"ab": ["x"]}, "v.ab must be"),
    ],
)
def test_what_is_not_a_line_is_refused(settings: dict[Any, Any], said: str) -> None:
    (sentence,) = found(settings, "[a-z]+")
    assert said in sentence


@pytest.mark.parametrize("role", ["postgresql", "pgbouncer"])
def test_every_fix_names_a_variable_that_there_is(filters: Filters, role: str) -> None:
    """`set postgresql_port` helps only while role postgresql has that variable."""
    module = filters[f"{role}_findings"].__wrapped__  # type: ignore[attr-defined]
    owned = module.__globals__["OWNED"]
    known = {name for path in ROLES.glob("*/defaults/main.yml") for name in yaml.safe_load(path.read_text()) or {}}
    known |= {"pgbouncer_servers", "pgbouncer_databases", "certificates_ca_certificate"}  # required ones
    for name, fix in owned.items():
        words = set(re.findall(r"\b(?:postgresql|pgbouncer|backup|certificates)_[a-z_]+", fix))
        assert words <= known, name
        assert words or fix.startswith("take it out"), name
