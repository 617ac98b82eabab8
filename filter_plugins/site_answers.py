"""What the edge hosts said when they were asked for their sites."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def silent_sites(hosts: list[Mapping[str, Any]], register: str) -> dict[str, Any]:
    """Return the sites that do not answer as one line per host, and their URLs; who was not asked says nothing."""
    rows, urls = {}, []
    for host in hosts:
        said = host[register].get("stdout") if register in host else ""
        told = json.loads(said) if said else {"silent": {}, "urls": []}
        if told["silent"]:
            rows[host["inventory_hostname"]] = ", ".join(f"{site} {why}" for site, why in told["silent"].items())
        urls += told["urls"]
    return {"rows": rows, "urls": sorted(set(urls))}


FILTERS = (silent_sites,)


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
