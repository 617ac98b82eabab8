"""What roles say of themselves in their files, also roles that a play does not enter."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

COLLECTION = str(Path(__file__).parents[2] / "roles")
SPECIFICATION = "meta/argument_specs.yml"
FORMS = "meta/forms.yml"  # which text an option takes, by its path


def role_folders(paths: Iterable[str]) -> dict[str, Path]:
    """Return the folder of every role by its name; of two roles of one name the first is in force.

    The first of all are the roles of the collection that this file is installed with; the checkout has none there.
    """
    folders = [folder for path in (COLLECTION, *paths) for folder in sorted(Path(path).glob("*/"))]
    return {folder.name: folder for folder in reversed(folders)}


class RoleFiles:
    """The files of roles. A file that is missing, or holds nothing but comments, is an empty mapping."""

    def __init__(self, load: Callable[..., Any], paths: Iterable[str]) -> None:
        self.load = load
        self.paths = list(paths)

    @functools.cached_property
    def folders(self) -> dict[str, Path]:
        return role_folders(self.paths)

    def mapping(self, role: str, name: str, **how: bool) -> dict[str, Any]:
        path = self.folders[role] / name if role in self.folders else None
        # unsafe means: not a copy of what this process, or its parent, has parsed before
        found = self.load(str(path), unsafe=True, **how) if path and path.exists() else {}
        return found if isinstance(found, dict) else {}

    def variables(self, role: str, part: str) -> dict[str, Any]:
        """Return the variables in ``defaults`` or ``vars`` of a role."""
        return self.mapping(role, f"{part}/main.yml", trusted_as_template=True)

    def options(self, role: str) -> dict[str, Any] | None:
        """Return the options of a role, nothing when it has no specification."""
        found = self.mapping(role, SPECIFICATION)
        options: dict[str, Any] | None = found["argument_specs"]["main"]["options"] if found else None
        return options

    def forms(self, role: str) -> dict[str, str]:
        """Return the forms that a role's options have, by path."""
        return dict(self.mapping(role, FORMS))

    @functools.cached_property
    def offering(self) -> dict[str, dict[str, Any]]:
        """Return the internal variables of roles that offer something; others are somebody's own."""
        found = {role: self.variables(role, "vars") for role in sorted(self.folders)}
        return {role: internal for role, internal in found.items() if f"{role}_offer" in internal}

    def owners(self) -> dict[str, str]:
        """Return whose option each known name is."""
        return {name: role for role in sorted(self.folders) for name in self.options(role) or ()}


def of_all(offers: Iterable[Mapping[str, Any]], part: str) -> list[str]:
    """Return what offers list in a part that does not depend on a host."""
    return sorted({name for offer in offers for name in offer.get(part, [])})


def generated(offers: list[Mapping[str, Any]]) -> list[str]:
    """Return what `make secrets` generates without being told so."""
    authorities = [f"{name}_ca_{part}" for name in of_all(offers, "authorities") for part in ("certificate", "key")]
    return of_all(offers, "secrets") + authorities


def known_offers(offers: Mapping[str, Mapping[str, Any]], template: Callable[[Any], Any]) -> dict[str, Any]:
    """Return what is known of all roles, also of those that a host does not have."""
    certificates = [offer.get("certificates", []) for offer in offers.values()]
    held_by: dict[str, list[str]] = {}
    for role, offer in offers.items():
        # It may follow from a variable that only hosts with this role have
        with contextlib.suppress(AnsibleError):
            held_by[role] = template(offer.get("held_by", []))
    return {
        "held_by": held_by,
        # Without those that follow from the input of a host: the edges name theirs
        "certificates": [each["name"] for listed in certificates if isinstance(listed, list) for each in listed],
        "secrets": of_all(offers.values(), "secrets"),
        "authorities": of_all(offers.values(), "authorities"),
    }
