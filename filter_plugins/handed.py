"""Variables that the playbooks compute, and an inventory that sets them too."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


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


FilterModule = filter_module(handed_findings)
