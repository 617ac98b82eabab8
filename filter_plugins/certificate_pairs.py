"""Certificates and keys from the vault: those that would be refused when a host is to get them."""

import datetime
import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleFilterError
from ansible.plugins.loader import action_loader


def certificate_pair_findings(
    provided: Mapping[str, Any], wanted: list[Mapping[str, Any]], authority: Mapping[str, str], epoch: int
) -> list[str]:
    """Return one sentence, with its cure, for every pair that module certificate_set would refuse at this time.

    ``wanted`` are those with every key; without a CA, or without a pair, it is somebody else's finding.
    """
    module = sys.modules[action_loader.get("certificate_set", class_only=True).__module__]
    now, findings = datetime.datetime.fromtimestamp(epoch, datetime.UTC), []
    try:
        if authority["certificate"] and authority["key"]:
            module.authority_of(authority["certificate"], authority["key"], now)
    except AnsibleActionFail as problem:
        findings.append(str(problem))
    for entry in wanted:
        pair = provided.get(entry["name"])
        if entry["provider"] == "provided" and pair is not None:
            reason = module.unfit_pair(pair, entry["names"], now)
            findings += [f"certificates_provided.{entry['name']} is not used: {reason}"] if reason else []
    return findings


FILTERS = (certificate_pair_findings,)


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
