"""Variables that the playbooks compute, and an inventory that sets them too."""

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def handed_findings(names: list[str], handed: dict[str, Any], repository: str) -> list[str]:
    """Return a sentence for each variable that somebody sets and a playbook would overrule without a word."""
    if not isinstance(handed, dict):
        raise TypeError("handed_findings takes what playbooks compute and how it is changed, a mapping")
    return [
        f"{name} is set, and the playbooks compute it themselves; remove it, and {handed[name]} instead"
        for name in names
        # Without a repository of backups somebody else's archiving stays as it is
        if name in handed and (repository or not name.startswith("postgresql_archive_"))
    ]


FILTERS = (handed_findings,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
