"""Jobs that cron runs on hosts: their names, when they run, and what is wrong with them.

A job has name, schedule, argv and timeout_seconds; it may have spread_minutes, stop_argv, environment_file and
hidden_files.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.cron import (
    cron_schedule,
    later_schedule,
    schedule_finding,
)

RUN_JOB = "/usr/local/lib/holdfast/run-job"
DEFINITIONS = "/etc/holdfast/jobs"
RECORDS = "/var/lib/holdfast/jobs"
LOGS = "/var/log/holdfast/jobs"
NAME = r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?"
# Without a dash: whatever its jobs are called, none has the name of another owner's
OWNER = r"[a-z][a-z0-9]{0,14}"
MOST_SECONDS = 7 * 86400
MOST_MINUTES = 60

Job = Mapping[str, Any]


def job_name(owner: str, job: Job) -> str:
    """Return the name of a job that no other job of a host has."""
    if not isinstance(owner, str) or not re.fullmatch(OWNER, owner):
        raise ValueError(f"owner is {owner!r}; use at most 15 lower-case letters and digits, the first a letter")
    if not re.fullmatch(NAME, str(job.get("name"))):
        raise ValueError(f"a job has the name {job.get('name')!r}; use lower-case letters, digits and dashes")
    return f"{owner}-{job['name']}"


def job_schedule(job: Job, host: str) -> str:
    """Return when a job runs on this host, in one spelling; the minute H is another one for each job."""
    if job.get("spread_minutes"):
        return later_schedule(job["schedule"], host, job["spread_minutes"])
    return cron_schedule(job["schedule"], f"{host} {job['name']}")


def _name(where: str, name: Any) -> Iterator[str]:
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        yield f"{where}.name is {name!r}; use at most 48 lower-case letters, digits and dashes, at both ends no dash"


def _schedule(where: str, job: Job, host: str) -> Iterator[str]:
    wrong = schedule_finding(f"{where}.schedule", job["schedule"], host)
    yield from wrong
    minutes = job.get("spread_minutes") or 0
    if not 0 <= minutes <= MOST_MINUTES:
        yield f"{where}.spread_minutes is {minutes}; give 0 to {MOST_MINUTES}"
    elif minutes and not wrong:
        if job["schedule"].split()[0] == "H":
            yield f"{where}.spread_minutes is {minutes}, and the minute H spreads already; remove one of them"
            return
        try:
            later_schedule(job["schedule"], host, minutes)
        except ValueError as problem:
            yield f"{where}.spread_minutes is {minutes}: {problem}"


def _command(where: str, argv: Any, what: str) -> Iterator[str]:
    texts = isinstance(argv, list) and all(isinstance(word, str) for word in argv)
    if not texts or not argv or not argv[0].strip():
        yield f"{where} is {argv!r}; give a list of texts, {what} and its arguments"
    elif any("\0" in word for word in argv):
        yield f"{where} has a NUL character, which no command can be given; take it out"


def _files(where: str, job: Job) -> Iterator[str]:
    named = [("environment_file", job.get("environment_file") or "/")]
    named += [(f"hidden_files[{at}]", path) for at, path in enumerate(job.get("hidden_files") or [])]
    for name, path in named:
        if not path.startswith("/"):
            yield f"{where}.{name} is {path!r}; give its absolute path on the host"


def job_findings(jobs: list[Job], variable: str, host: str) -> list[str]:
    """Return one sentence for everything in jobs that cron or the host could not work with."""
    if not isinstance(jobs, list):
        raise TypeError(f"job_findings takes a list of jobs, got {jobs!r}")
    found = []
    for at, job in enumerate(jobs):
        where, seconds = f"{variable}[{at}]", job["timeout_seconds"]
        found += [*_name(where, job["name"]), *_schedule(where, job, f"{host} {job['name']}")]
        found += _command(f"{where}.argv", job["argv"], "the program")
        if job.get("stop_argv"):
            found += _command(f"{where}.stop_argv", job["stop_argv"], "the program that ends the job")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= MOST_SECONDS:
            found.append(f"{where}.timeout_seconds is {seconds!r}; give 1 to {MOST_SECONDS} whole seconds")
        found += _files(where, job)
    names = Counter(job["name"] for job in jobs)
    return found + [f"{variable} has the name {name} twice; name each job once" for name in names if names[name] > 1]
