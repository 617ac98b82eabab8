# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the files of group_vars and host_vars once before core does, whose errors name no file.

What is read stays in the loader's cache, so that nothing is parsed twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleParserError
from ansible.inventory.host import Host
from ansible.parsing.vault import AnsibleVaultError, AnsibleVaultFormatError
from ansible.plugins.vars import BaseVarsPlugin
from ansible.utils.path import basedir

DOCUMENTATION = """
    name: inventory_files
    version_added: "1.0"
    author: Holdfast
    short_description: names the file and the line of an inventory that cannot be read
    description: Reads what host_group_vars will read, and adds no variables.
    options:
      stage:
        description: Once, when the inventory is read.
        type: str
        choices: [all, inventory, task]
        default: inventory
"""
LISTING = ("syntax", "listhosts", "listtasks", "listtags")  # run nothing, and need no secrets
HOW = "put it into a file of yours alone and name it in ANSIBLE_VAULT_PASSWORD_FILE"
LOCKED = {
    True: f"is encrypted and there is no vault password; {HOW}",
    False: "does not open with this vault password; use the one it was made with",
}


def check_file(loader: Any, path: str) -> None:
    """Refuse a file that cannot be read or holds no variables; what is wrong with its YAML core says well here."""
    locked = not loader._vault.secrets
    try:
        found = loader.load_from_file(path, cache="all", unsafe=True, trusted_as_template=True)
    except AnsibleVaultFormatError as problem:
        raise AnsibleParserError(f"{path} is encrypted and cannot be read: {problem}") from None
    except AnsibleVaultError:
        if locked and any(map(context.CLIARGS.get, LISTING)):
            return
        raise AnsibleParserError(f"{path} {LOCKED[locked]}") from None
    if found and not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else "text"
        raise AnsibleParserError(
            f"{path} holds {kind} and no variables; write `name: value`, with a blank after the colon"
        )


class VarsModule(BaseVarsPlugin):  # type: ignore[misc]
    """Adds nothing."""

    def get_vars(self, loader: Any, path: str, entities: Any, cache: bool = True) -> dict[str, Any]:  # noqa: ARG002
        for entity in entities:
            place = Path(basedir(path)).resolve() / ("host_vars" if isinstance(entity, Host) else "group_vars")
            if place.is_dir() and not entity.name.startswith("/"):
                for found in loader.find_vars_files(str(place), entity.name):
                    check_file(loader, str(found))
        return {}
