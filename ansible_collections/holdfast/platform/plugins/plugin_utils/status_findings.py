"""What deserves a look in the state of a host: a finding, and those that every host may have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]
OURS = "holdfast-"  # begin the names of units that only roles of ours write

# What an operator may change as status_<name>. Disks: ext4 keeps 5 % for root, so that at 90 % services have as much.
# Memory: by MemAvailable of proc(5), which is what programs can be given before the host swaps or ends one of them.
# Certificates: TLS-03; a third of 63 days and more, and before that the renewals of ACME should have succeeded
DEFAULT_LIMITS = {"disk_percent": 90, "memory_percent": 95, "certificate_days": 21}


@dataclass(frozen=True)
class Finding:
    """One thing that deserves a look: what, what it says, from where on that is told, and how to mend it."""

    what: str
    says: str  # the words between what and value
    value: str
    fix: str
    limit: str = ""
    follows: bool = False  # of a unit of the same role that does not run

    def entry(self, host: str) -> dict[str, str]:
        limit = f" (limit {self.limit})" if self.limit else ""
        text = f"{host}: {self.what} {self.says} {self.value}{limit}; {self.fix}"
        return {
            "host": host,
            "what": self.what,
            "value": self.value,
            "limit": self.limit,
            "fix": self.fix,
            "text": text,
        }


def unit_state(state: State) -> tuple[str, str]:
    """Return what is wrong with a unit that a role starts, and how to mend it; nothing when it does what it can."""
    if state["load"] == "masked" or state["file"].startswith("masked"):
        return "masked", "`systemctl unmask {}` there, then run site.yml"
    if state["load"] == "not-found":
        return "not there", "run site.yml, which installs it"
    if state["active"] == "failed":
        return "failed", "`journalctl -u {}` there says why, and site.yml starts it"
    if state["sub"].startswith("auto-restart"):
        return "ending again and again", "`journalctl -u {}` there says why"
    if state["running"] or state["well"]:
        return "", ""
    return f"{state['active']} ({state['sub']})", "run site.yml, which starts it"


def unit_findings(units: list[str], states: Mapping[str, State]) -> Iterator[Finding]:
    for name in units:
        value, fix = unit_state(states[name]) if name in states else ("", "")
        if value:
            yield Finding(name, "is", value, fix.format(name))


def disk_findings(disks: list[State], limit: int) -> Iterator[Finding]:
    for disk in disks:
        for key, words in (("percent", "full"), ("files_percent", "of its files in use")):
            if disk[key] >= limit:
                fix = "make room or enlarge it; status_disk_percent is the limit"
                yield Finding(f"disk {disk['path']}", "is", f"{disk[key]} % {words}", fix, f"{limit} %")


def memory_findings(memory: State, limit: int) -> Iterator[Finding]:
    used = 100 * (memory["total_mb"] - memory["available_mb"]) // memory["total_mb"]
    if used >= limit:
        left = f"{used} % in use, {memory['available_mb']} of {memory['total_mb']} MB are left"
        fix = "`ps -eo rss,args --sort=-rss | head` there says by whom; status_memory_percent is the limit"
        yield Finding("memory", "is", left, fix, f"{limit} %")


STAGES = {
    "unconfirmed": ("not confirmed", "it is taken back by itself soon; then run site.yml again"),
    "reverted": ("taken back, since nobody confirmed it", "look at the connection to the host, then run site.yml"),
}
KILLED = ("left unfinished by a run that was killed", "run site.yml, which finishes it or takes it back")


def unfinished_findings(state: State) -> Iterator[Finding]:
    """Name what waits for somebody: changes, services of new packages, a restart of the host."""
    for name, stage in state.get("unfinished", {}).items():
        value, fix = STAGES.get(stage, KILLED)
        yield Finding(f"change {name}", "is", value, fix)
    if state.get("held_units"):
        held = ", ".join(state["held_units"])
        yield Finding("a run that was killed", "holds back", held, "run site.yml, which configures and starts them")
    if state.get("restart_wanted_by"):
        wanted = f"a restart, wanted by {', '.join(state['restart_wanted_by'])}"
        yield Finding("the host", "waits for", wanted, "restart it when it suits: `systemctl reboot`")


def failed_findings(failed: list[str], of_roles: set[str]) -> Iterator[Finding]:
    for name in failed:
        if name.startswith(OURS) and name not in of_roles:
            yield Finding(name, "has", "failed", f"`journalctl -u {name}` there says why")


def remarks(host: str, failed: list[str], of_roles: set[str]) -> list[str]:
    """Return a sentence for every failed unit that is nobody's of ours."""
    return [
        f"{host}: {name} has failed, which is of no role; `systemctl status {name}` there says more"
        for name in failed
        if not name.startswith(OURS) and name not in of_roles
    ]


def host_findings(state: State, of_roles: set[str], limits: Mapping[str, int]) -> Iterator[Finding]:
    """Judge what every host has; its units are judged by role."""
    for name, why in state["broken"].items():
        yield Finding(name.replace("_", " "), "could not be found out:", why, "look there, and run this again")
    yield from disk_findings(state.get("disks", []), limits["disk_percent"])
    if "memory" in state:
        yield from memory_findings(state["memory"], limits["memory_percent"])
    yield from unfinished_findings(state)
    yield from failed_findings(state.get("failed_units", []), of_roles)
