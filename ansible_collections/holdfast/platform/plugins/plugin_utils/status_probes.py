"""What deserves a look in the answers to the questions that roles offer (probes of docs/offers.md)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_findings import Finding
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_jobs import jobs
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_schedule import limit_hours

Map = Mapping[str, Any]
Limits = Mapping[str, int]
Found = Iterator[Finding]

UPGRADE_DAYS = 2  # within which serious security upgrades must be installed (HRD-07)
FULL_LIFE_DAYS = 63  # of a certificate that lives shorter the last third counts like 21 days (TLS-03)
STEPS = {7: "urgent", 14: "warning"}
NO_BACKUP = 2  # of the codes of `pgbackrest info`
HEALTHY = "200"
LEFT = ("-candidate", "-previous", "-migrate")  # of a release, while it runs
SICK = ("restarting", "dead", "removing")


def in_force(probe: Map, answer: Map, _limits: Limits) -> Found:
    if answer["differs"]:
        fix = "run site.yml, which puts our files into force"
        yield Finding(probe["what"], "in force differ from our files:", answer["differs"], fix)


def urgency(days: float, life_days: float, soon: int = 21) -> str:
    """Return how urgent the end of a certificate is, in steps."""
    scale = min(life_days / FULL_LIFE_DAYS, 1)
    if days < 0:
        return "ended"
    if days >= soon * scale:
        return ""
    return next((word for step, word in STEPS.items() if days < step * scale), "soon")


def certificates(_probe: Map, answer: Map, limits: Limits) -> Found:
    soon = limits["certificate_days"]
    for name, found in answer["certificates"].items():
        word = urgency(found["days"], found["life_days"], soon)
        if word:
            limit = soon * min(found["life_days"] / FULL_LIFE_DAYS, 1)
            value = f"{found['days'] // 1:.0f} days left ({word})"
            yield Finding(f"certificate {name}", "has", value, "run site.yml, which renews it", f"{limit:.0f} days")
    for name, failure in answer["renewals"].items():
        fix = "`journalctl -u holdfast-certificates` there says more"
        yield Finding(f"renewal of certificate {name}", "fails since", f"{failure['since']}: {failure['message']}", fix)


def sites(_probe: Map, answer: Map, _limits: Limits) -> Found:
    for name, until in answer["closed"].items():
        fix = f"maintenance.yml -e maintenance=off -e maintenance_sites={name} opens it"
        yield Finding(f"site {name}", "is", f"closed for maintenance{f' until {until}' if until else ''}", fix)
    for name, servers in answer["drained"].items():
        fix = "give them a weight above 0 in the inventory, then run site.yml"
        yield Finding(f"pool {name}", "sends nothing to", ", ".join(servers), fix)
    for name, why in answer["silent"].items():
        fix = "`tail /var/log/nginx/error.log` there and the state of its servers say why"
        yield Finding(f"site {name}", "has no page for visitors, it", why, fix, follows=True)


def upgrades(_probe: Map, answer: Map, _limits: Limits) -> Found:
    if answer["days"] is not None and answer["days"] > UPGRADE_DAYS:
        value, fix = f"{answer['days']:.0f} days", "`journalctl -u apt-daily-upgrade` there says why"
        yield Finding("security upgrades", "have not succeeded for", value, fix, f"{UPGRADE_DAYS} days")


def containers(_probe: Map, answer: Map, _limits: Limits) -> Found:
    if answer["problem"]:
        fix = "`journalctl -u docker` there says more"
        yield Finding("Docker", "does not answer:", answer["problem"], fix, follows=True)
    for name, found in answer["containers"].items():
        ours = next((name.removesuffix(end) for end in LEFT if name.endswith(end)), "")
        if ours in answer["containers"]:
            fix = "run site.yml, which removes it"
            yield Finding(f"container {name}", "is", "left of a release that was killed", fix)
        elif found["state"] in SICK or "(unhealthy)" in found["status"]:
            fix = f"`docker logs {name}` there says why"
            yield Finding(f"container {name}", "is", found["status"], fix)


def application(probe: Map, answer: Map, _limits: Limits) -> Found:
    if answer["health"] != HEALTHY:
        fix = f"`docker logs {probe['name']}` there says why; rollback.yml goes back to the version before"
        yield Finding(f"application {probe['name']}", "answers", answer["health"], fix)


def postgresql(probe: Map, answer: Map, _limits: Limits) -> Found:
    if "silent" in answer:
        fix = "`journalctl -u postgresql@*` and /var/log/postgresql there say why"
        yield Finding("PostgreSQL", "does not answer:", answer["silent"], fix, follows=True)
        return
    if answer["pending_restart"]:
        fix = "run site.yml when postgresql_restart_policy allows a restart"
        yield Finding("PostgreSQL", "waits for a restart to change", ", ".join(answer["pending_restart"]), fix)
    part, _blank, lag = answer["part"].partition(" ")
    limit = probe.get("lag_seconds", 0)
    if part == "standby" and not lag.isdecimal():
        fix = "look at the leading server and at /var/log/postgresql there; failover.yml lists the cluster"
        yield Finding("replication", "is", "down, nothing arrives from the leading server", fix, f"{limit} s")
    elif part == "standby" and int(lag) > limit:
        fix = "look for long queries here and for load on the leading server"
        yield Finding("replication", "is behind by", f"{lag} s", fix, f"{limit} s")
    elif part == "primary" and answer["streaming"] < probe.get("standbys", 0):
        few = f"{answer['streaming']} of {probe['standbys']} standbys"
        fix = "look at PostgreSQL of the hosts that are missing; site.yml brings them back"
        yield Finding("replication", "reaches", few, fix, f"{probe['standbys']}")


def archive(probe: Map, answer: Map, _limits: Limits) -> Found:
    fix = "the log of PostgreSQL there says why; `pgbackrest check` as postgres tries it"
    if answer.get("failed"):
        yield Finding("the WAL archive", "takes nothing, it last failed at", answer["failed"], fix)
    elif (answer.get("seconds") or 0) > probe["limit_minutes"] * 60:
        value, limit = f"{answer['seconds'] // 60} minutes", f"{probe['limit_minutes']} minutes"
        yield Finding("the WAL archive", "has taken nothing for", value, fix, limit)


def pooler(_probe: Map, answer: Map, _limits: Limits) -> Found:
    if "silent" in answer:
        fix = "`journalctl -u pgbouncer` there says why"
        yield Finding("pgbouncer", "does not answer:", answer["silent"], fix, follows=True)
    elif answer["paused"]:
        fix = "`pgbouncer-console -c RESUME` there lets them go on"
        yield Finding("pgbouncer", "lets clients wait that want", ", ".join(answer["paused"]), fix)


def _stanza(name: str, found: Map | None, limit: float) -> Found:
    what, log = f"the newest backup of stanza {name}", "/var/log/pgbackrest there says why"
    if found is None:
        yield Finding(f"stanza {name}", "is", "not in the repository", "run site.yml, which creates it")
    elif found["code"] == NO_BACKUP:
        if not found["running"]:
            yield Finding(f"stanza {name}", "has", "no backup", f"site.yml starts the first; {log}")
    elif found["code"]:
        yield Finding(f"stanza {name}", "is not usable:", found["message"], f"{log}; `pgbackrest info` tells more")
    elif limit and found["hours"] is not None and found["hours"] > limit:
        value = f"{found['hours']:.1f} hours old"
        yield Finding(what, "is", value, f"{log}; look whether cron runs", f"{limit:.1f} hours")


def _restore_test(test: Map, limit: float) -> Found:
    fix = "/usr/local/lib/holdfast/restore-test there runs it now"
    if test["ok"] is False:
        errors = "".join(f", {stanza}: {error}" for stanza, error in test["failed"].items())
        yield Finding("the restore test", "failed at", f"{test['finished']}{errors}", fix)
    elif limit and test["hours"] > limit:
        said = "has not passed for" if test["ok"] else "has never run in"
        yield Finding("the restore test", said, f"{test['hours'] / 24:.1f} days", fix, f"{limit / 24:.1f} days")


def backups(probe: Map, answer: Map, _limits: Limits) -> Found:
    if "silent" in answer:
        yield Finding("the backup repository", "does not answer:", answer["silent"], "run site.yml, or look there")
    if "stanzas" not in answer:
        return
    # Those that pgBackRest did not tell of, because it broke, are not missing
    told = {name: found for name, found in answer["stanzas"].items() if found or "silent" not in answer}
    limit = limit_hours(probe["schedules"])
    for name, found in told.items():
        yield from _stanza(name, found, limit)
    yield from _restore_test(answer["restore_test"], limit_hours([probe["test_schedule"]]))


JUDGES: dict[str, Callable[[Map, Map, Limits], Found]] = {
    "application": application,
    "archive": archive,
    "backups": backups,
    "certificates": certificates,
    "containers": containers,
    "in_force": in_force,
    "jobs": jobs,
    "pooler": pooler,
    "postgresql": postgresql,
    "sites": sites,
    "upgrades": upgrades,
}


def probe_findings(probe: Map, answer: Map, limits: Limits) -> Found:
    if "broken" in answer:
        fix = "look there, and run this again"
        yield Finding(f"the answer to probe {probe['kind']}", "could not be had:", answer["broken"], fix, follows=True)
    else:
        yield from JUDGES[probe["kind"]](probe, answer, limits)
