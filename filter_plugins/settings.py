"""Finds among further settings of a service those that its role writes itself."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def owned_settings(settings: dict[str, Any], variable: str, cures: dict[str, str]) -> list[str]:
    """Return one sentence for every setting that belongs to the role, however it is spelled, with its cure."""
    if not isinstance(settings, dict) or not isinstance(cures, dict):
        raise TypeError("settings and cures must be dicts")
    return [
        f"{variable} has {name}, which its role writes itself; {cures[str(name).lower()]}"
        for name in sorted(settings, key=str)
        if str(name).lower() in cures
    ]


def line_settings(settings: dict[str, Any], variable: str, name_pattern: str) -> list[str]:
    """Return one sentence for every setting that cannot stand as one line `name = value` in a file."""
    if not isinstance(settings, dict):
        raise TypeError(f"{variable} must be a dict, got {type(settings).__name__}")
    found = []
    for name, value in settings.items():
        if not isinstance(name, str) or not re.fullmatch(name_pattern, name):
            found.append(f"{variable} has {name!r}, which is not the name of a setting; spell it as upstream does")
        elif not isinstance(value, (str, int, float)) or re.search(r"[\x00-\x1f\x7f]", str(value)):
            found.append(f"{variable}.{name} must be a number, a boolean or one line of text; write it as one")
    return found


FilterModule = filter_module(owned_settings, line_settings)
