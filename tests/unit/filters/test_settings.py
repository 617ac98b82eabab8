"""Further settings: those of the role are named with a cure, and the others can stand in a file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
ROLES = Path(__file__).parents[3] / "roles"
CURES = {"port": "set postgresql_port"}


@pytest.mark.parametrize("name", ["port", "Port", "PORT"])
def test_a_setting_of_the_role_is_named_with_its_cure(filters: Filters, name: str) -> None:
    sentence = f"postgresql_settings has {name}, which its role writes itself; set postgresql_port"
    assert filters["owned_settings"]({name: 1, "work_mem": "4MB"}, "postgresql_settings", CURES) == [sentence]


def test_other_settings_pass(filters: Filters, refusal: Refusal) -> None:
    assert filters["owned_settings"]({"port2": 1, "work_mem": "4MB"}, "postgresql_settings", CURES) == []
    assert filters["line_settings"]({"a.b": "x y", "c": 1.5, "d": False}, "v", "[a-z.]+") == []
    assert "must be dicts" in refusal("owned_settings", [], "v", {})
    assert "v must be a dict" in refusal("line_settings", [], "v", "x")


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
def test_what_is_no_line_is_refused(filters: Filters, settings: dict[Any, Any], said: str) -> None:
    (sentence,) = filters["line_settings"](settings, "v", "[a-z]+")
    assert said in sentence


@pytest.mark.parametrize("role", ["postgresql", "pgbouncer"])
def test_every_cure_names_a_variable_that_there_is(role: str) -> None:
    """`set postgresql_port` helps only while role postgresql has that variable."""
    own = yaml.safe_load((ROLES / role / "vars/main.yml").read_text())[f"__{role}_own_settings"]
    known = {name for path in ROLES.glob("*/defaults/main.yml") for name in yaml.safe_load(path.read_text()) or {}}
    known |= {"pgbouncer_servers", "pgbouncer_databases", "certificates_ca_certificate"}  # required ones
    for name, cure in own.items():
        words = set(re.findall(r"\b(?:postgresql|pgbouncer|backup|certificates)_[a-z_]+", cure))
        assert words <= known, name
        assert words or cure.startswith("take it out"), name
