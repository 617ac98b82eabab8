"""Jobs that cron runs: the files of a host's jobs, what status asks of them, and what is wrong with them."""

import json
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.jobs import (
    DEFINITIONS,
    LOGS,
    RECORDS,
    RUN_JOB,
    Job,
    job_findings,
    job_name,
    job_schedule,
)

Entry = dict[str, Any]
MARK = "# Managed by Holdfast; changes made here are overwritten.\n"
# Cron looks for changed files itself; it needs no signal. The journal has a line about each run
CRON = "{schedule} root systemd-cat -t holdfast-job {run_job} {name}\n"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
# A run that still writes goes on in the rotated file, so that one is compressed a day later
ROTATE = """\
{logs}/{owner}-*.log {{
    daily
    rotate 14
    missingok
    notifempty
    compress
    delaycompress
}}
"""


def _folders() -> list[Entry]:
    folders: list[Entry] = [
        {"dest": path.rpartition("/")[0], "state": "directory", "mode": "0755"} for path in (RUN_JOB, DEFINITIONS)
    ]
    folders += [{"dest": path, "state": "directory", "mode": "0700"} for path in (DEFINITIONS, RECORDS)]
    return folders + [{"dest": path, "state": "directory", "mode": "0750"} for path in (LOGS.rpartition("/")[0], LOGS)]


def _definition(job: Job, owner: str, host: str) -> Entry:
    """Return the file that run-job reads. It has the schedule too: a changed one makes it new, and status knows."""
    said = {
        "argv": list(job["argv"]),
        "environment_file": job.get("environment_file") or "",
        "hidden_files": list(job.get("hidden_files") or []),
        "schedule": job_schedule(job, host),
        "stop_argv": list(job.get("stop_argv") or []),
        "timeout_seconds": job["timeout_seconds"],
    }
    return {"dest": f"{DEFINITIONS}/{job_name(owner, job)}.json", "content": json.dumps(said, indent=2) + "\n"}


def _lists(jobs: list[Job], owner: str, host: str) -> dict[str, str]:
    """Return the files of cron and logrotate with their texts."""
    lines = [CRON.format(schedule=job_schedule(job, host), run_job=RUN_JOB, name=job_name(owner, job)) for job in jobs]
    return {
        f"/etc/cron.d/holdfast-jobs-{owner}": "".join([MARK, PATH, *lines]),
        f"/etc/logrotate.d/holdfast-jobs-{owner}": MARK + ROTATE.format(logs=LOGS, owner=owner),
    }


def job_files(jobs: list[Job], owner: str, host: str) -> dict[str, list[Entry]]:
    """Return everything that the jobs of an owner are on a host, and what goes when they go."""
    if not isinstance(jobs, list):
        raise TypeError(f"job_files takes a list of jobs, got {jobs!r}")
    jobs = sorted(jobs, key=lambda job: str(job["name"]))
    names = [job_name(owner, job) for job in jobs]
    kept = [f"{name}.{end}" for name in names for end in ("json", "lock")]
    lists = _lists(jobs, owner, host)
    exclusive: list[Entry] = [
        {"path": DEFINITIONS, "pattern": f"{owner}-*.json"},
        {"path": RECORDS, "pattern": f"{owner}-*", "keep": kept},
    ]
    if not jobs:
        return {"files": [{"dest": path, "state": "absent", "on_change": []} for path in lists], "exclusive": exclusive}
    files: list[Entry] = [{"dest": RUN_JOB, "program": "run_job", "on_change": []}]
    files += [{**_definition(job, owner, host), "mode": "0600", "on_change": []} for job in jobs]
    files += [{"dest": path, "content": text, "on_change": []} for path, text in lists.items()]
    return {"files": _folders() + files, "exclusive": exclusive}


def job_probes(jobs: list[Job], owner: str, host: str) -> list[Entry]:
    """Return what status asks of the jobs of an owner, for the probes of an offer."""
    if not isinstance(jobs, list):
        raise TypeError(f"job_probes takes a list of jobs, got {jobs!r}")
    asked = [
        {"name": job_name(owner, job), "schedule": job_schedule(job, host), "timeout_seconds": job["timeout_seconds"]}
        for job in sorted(jobs, key=lambda job: str(job["name"]))
    ]
    return [{"kind": "jobs", "jobs": asked}] * bool(asked)


FilterModule = filter_module(job_files, job_findings, job_probes)
