"""What was taken back is told by the variables that an operator has to look at (item 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
VARIABLES = {"/etc/ssh/keys.d*": "base_users", "/etc/*": "other variables"}


def message(changes: list[str], variables: dict[str, str]) -> str:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    plugin: Any = action_loader.get("config_transaction", class_only=True)
    arguments = {"files": [], "confirm_variables": variables}
    said: str = plugin.cut_off(arguments, {"changes": [{"dest": dest} for dest in changes]}, "refused", 0)
    return said.partition("Check ")[2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["/etc/ssh/keys.d/bob", "/etc/ssh/keys.d"], "base_users"),
        (["/etc/sudoers.d/x", "/etc/ssh/keys.d/bob", "/etc/issue"], "other variables, base_users"),
        (["/usr/lib/x", "/etc/issue"], "/usr/lib/x, other variables"),
        ([], "the change"),
    ],
)
def test_variables_are_named_once_in_place_of_files(changes: list[str], said: str) -> None:
    assert message(changes, VARIABLES) == f"{said} against the address, the port and the user that this run comes with"


@pytest.mark.parametrize("role", ["base", "firewall"])
def test_roles_that_have_to_be_confirmed_name_variables_that_exist(role: str) -> None:
    """Of every path, and each name that the sentence has is a variable of the role."""
    (task,) = yaml.safe_load((ROOT / f"roles/{role}/tasks/apply.yml").read_text())[:1]
    given = task["config_transaction"]["confirm_variables"]
    assert list(given)[-1] == "*"
    options = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    words = {word for said in given.values() for word in said.replace(",", " ").split() if word.startswith(f"{role}_")}
    assert words
    assert words - {"base_ssh_"} <= set(options)
