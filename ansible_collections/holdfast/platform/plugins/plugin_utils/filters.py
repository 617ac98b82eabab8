"""How pure functions become filters; the last line of every file in filter_plugins/."""

import functools
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

Filter = Callable[..., object]


def _reported(core: Filter) -> Filter:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


def filter_module(*cores: Filter) -> type:
    """Return the class that Ansible looks for; each function is a filter of its own name."""
    named = {core.__name__: _reported(core) for core in cores}
    return type("FilterModule", (), {"filters": lambda _self: named})


def findings_of(core: Filter, *arguments: object) -> list[str]:
    """Return the sentence with which a function refuses its arguments, or none."""
    try:
        core(*arguments)
    except (TypeError, ValueError) as refusal:
        return [str(refusal)]
    return []
