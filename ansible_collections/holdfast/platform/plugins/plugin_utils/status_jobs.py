"""What deserves a look in the runs of jobs. All times are those of the host's zone, as cron reads a schedule."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.jobs import LOGS, RUN_JOB
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_findings import Finding
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_schedule import last_due

Map = Mapping[str, Any]

GRACE = datetime.timedelta(minutes=5)  # within which a run begins when it is due, and ends when it is ended
MINUTE = datetime.timedelta(minutes=1)  # within which cron has read a new file
RUNNING, SUCCEEDED, FAILED, TIMED_OUT, INTERRUPTED = "running", "succeeded", "failed", "timed out", "interrupted"


def _moment(found: Map, name: str) -> datetime.datetime:
    """Return a moment that is known of a job; one that is not was before all others."""
    return datetime.datetime.fromisoformat(found.get(name) or "0001-01-01")


def _missed(job: Map, found: Map, now: datetime.datetime) -> Iterator[Finding]:
    """Tell of a time at which the job was due and did not begin; while a run goes, none could."""
    due = last_due(job["schedule"], now - GRACE)
    is_known = due is not None and due >= _moment(found, "installed") + MINUTE
    if due is None or not is_known or found.get("result") == RUNNING or _moment(found, "started") >= due:
        return
    what, value, run = f"job {job['name']}", f"{due:%Y-%m-%d %H:%M}", f"`{RUN_JOB} {job['name']}` there runs it now"
    if not found.get("started"):
        yield Finding(what, "has never run, it was due at", value, f"look whether cron runs; {run}")
    elif _moment(found, "skipped") >= due:
        fix = f"give it more time between its runs, or a shorter timeout_seconds; {run}"
        yield Finding(what, "has skipped its run of", f"{value}, because the one before still went", fix)
    else:
        yield Finding(what, "has missed its run of", value, f"look whether cron runs; {run}")


def _last_run(job: Map, found: Map, now: datetime.datetime) -> Iterator[Finding]:
    name, result, most = job["name"], found.get("result"), job["timeout_seconds"]
    what, fix = f"job {name}", f"`tail {LOGS}/{name}.log` there says why; `{RUN_JOB} {name}` runs it again"
    if result == RUNNING:
        goes = now - _moment(found, "started")
        if goes > datetime.timedelta(seconds=most) + GRACE:
            fix = "`systemctl status cron` there names its processes; end them"
            yield Finding(what, "has been running for", f"{goes.total_seconds() // 60:.0f} minutes", fix, f"{most} s")
    elif result == FAILED:
        said = f": {found['said']}" if found["said"] else ""
        yield Finding(what, "failed at", f"{found['finished']} with exit code {found['exit_code']}{said}", fix)
    elif result == TIMED_OUT:
        yield Finding(what, "took too long and was ended at", found["finished"], fix, f"{most} s")
    elif result == INTERRUPTED:
        yield Finding(what, "was interrupted in its run of", found["started"], fix)


def jobs(probe: Map, answer: Map, _limits: Mapping[str, int]) -> Iterator[Finding]:
    now = datetime.datetime.fromisoformat(answer["now"])
    for job in probe["jobs"]:
        found = answer["jobs"][job["name"]]
        if not found["installed"]:
            yield Finding(f"job {job['name']}", "is", "not there", "run site.yml, which installs it")
        else:
            yield from _last_run(job, found, now)
            yield from _missed(job, found, now)


def shown_jobs(answer: Map) -> dict[str, str]:
    """Return how the last run of each job went, in words."""
    words = {}
    for name, found in answer["jobs"].items():
        if found.get("result") == RUNNING:
            words[name] = f"running since {found['started']}"
        elif "result" in found:
            words[name] = f"{found['result']} at {found.get('finished', found['started'])}"
        else:
            words[name] = "not yet"
    return words
