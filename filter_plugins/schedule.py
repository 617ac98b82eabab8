"""Checks cron expressions and spreads jobs of many hosts over time."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.cron import (
    cron_schedule,
    schedule_finding,
    stagger_minute,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def schedule_findings(options: dict[str, Any], host: str) -> list[str]:
    """Return what is wrong with each option of a role whose name ends with _schedule."""
    if not isinstance(options, dict):
        raise TypeError(f"schedule_findings takes the options of a role, got {options!r}")
    names = sorted(name for name in options if name.endswith("_schedule"))
    return [sentence for name in names for sentence in schedule_finding(name, options[name], host)]


FilterModule = filter_module(cron_schedule, schedule_findings, stagger_minute)
