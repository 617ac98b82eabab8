# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the jobs of a host fare, in the time of the host's zone: that is the one in which cron reads a schedule."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.job_record import DEFINITIONS, observed_record
from ansible_collections.holdfast.platform.plugins.module_utils.status_data import seconds_of

MOMENTS: tuple[str, ...] = ("started", "finished", "skipped")
TOLD = ("seconds", "exit_code", "result")


def wall_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def told_job(name: str) -> dict[str, Any]:
    """Return since when a job is as it is, and how its last run went."""
    path, record = DEFINITIONS / f"{name}.json", observed_record(name)
    moments = {name: wall_time(seconds_of(record[name])) for name in MOMENTS if name in record}
    return {
        "installed": wall_time(path.stat().st_mtime) if path.exists() else "",
        **{key: record[key] for key in TOLD if key in record},
        **moments,
        "said": next((line for line in reversed(record.get("last_lines", [])) if line.strip()), ""),
    }


def jobs(probe: dict[str, Any]) -> dict[str, Any]:
    return {"now": wall_time(time.time()), "jobs": {job["name"]: told_job(job["name"]) for job in probe["jobs"]}}
