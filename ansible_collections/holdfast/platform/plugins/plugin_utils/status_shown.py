"""What status tells of a host beside what deserves a look: words by topic, and the table of them."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_jobs import shown_jobs

Map = Mapping[str, Any]
TOPICS = (
    *("containers", "sites", "units", "disks", "certificates"),
    *("upgrades", "postgresql", "replication", "backups", "jobs"),
)


def _disk(disk: Map) -> str:
    return f"{disk['percent']} % full, {disk['files_percent']} % of its files in use"


def _of_host(state: Map) -> dict[str, Any]:
    return {
        "units": {
            name: "masked" if unit["load"] == "masked" else f"{unit['active']} {unit['sub']}"
            for name, unit in state.get("units", {}).items()
        },
        "disks": {disk["path"]: _disk(disk) for disk in state.get("disks", [])},
        "memory": state.get("memory", {}),
    }


def _server(answer: Map) -> dict[str, str]:
    if "silent" in answer:
        return {"server": "does not answer"}
    return {
        **{f"size of {name}": size for name, size in (answer["sizes"] or {}).items()},
        **({"waits for a restart": ", ".join(answer["pending_restart"])} if answer["pending_restart"] else {}),
        **({"set by ALTER SYSTEM": ", ".join(answer["altered"])} if answer["altered"] else {}),
        **({} if answer["checksums"] else {"page checksums": "off"}),
    }


def _backups(answer: Map) -> dict[str, str]:
    words = {name: found and found["hours"] for name, found in answer.get("stanzas", {}).items()}
    found = {name: "none yet" if hours is None else f"{hours:.1f} hours old" for name, hours in words.items()}
    test = answer.get("restore_test", {"ok": None})
    if test["ok"] is None:
        return {**found, "restore test": "not yet"}
    return {**found, "restore test": f"{'passed' if test['ok'] else 'FAILED'} at {test['finished']}"}


def _certificates(answer: Map) -> dict[str, int]:
    return {name: int(found["days"] // 1) for name, found in answer["certificates"].items()}


def _containers(answer: Map) -> dict[str, str]:
    return {name: f"{found['image']}, {found['status']}" for name, found in answer["containers"].items()}


def _upgrades(answer: Map) -> dict[str, str]:
    return {"security": ", ".join(answer["waiting"])} if answer["waiting"] else {}


def _replication(answer: Map) -> dict[str, str]:
    return {"postgresql": answer["part"]} if answer["part"] else {}


# What the answer to each kind of probe tells, by topic
WORDS: dict[str, dict[str, Callable[[Map], Any]]] = {
    "application": {name: itemgetter(name) for name in ("health", "release", "refused")},
    "backups": {"backups": _backups},
    "certificates": {"certificates": _certificates},
    "containers": {"containers": _containers},
    "jobs": {"jobs": shown_jobs},
    "postgresql": {"postgresql": _server, "replication": _replication},
    "sites": {"sites": itemgetter("silent")},
    "upgrades": {"upgrades": _upgrades},
}


def status_shown(state: Map, answers: list[tuple[str, Map]]) -> dict[str, Any]:
    """Return everything that is told of a host by topic; a topic that nobody has asked for is empty."""
    found: dict[str, Any] = {**{topic: {} for topic in TOPICS}, **_of_host(state)}
    for kind, answer in answers:
        if "broken" not in answer:
            found |= {topic: words(answer) for topic, words in WORDS.get(kind, {}).items()}
    return found


def _application(status: Map) -> list[str]:
    if "health" not in status:
        return []
    release, refused = status["release"], status["refused"]
    since = f"{release.get('version', 'no release')}, since {release.get('time', 'never')}"
    rows = [f"  application   {since}, answers {status['health']}"]
    if refused:
        rows.append(f"  refused       {refused['version']} at {refused['time']}: {refused.get('reason', '')}")
    return rows


def status_table(host: str, status: Map) -> str:
    """Return the state of a host as people read it."""
    rows = [host, *_application(status)]
    for topic in TOPICS:
        for number, (name, value) in enumerate(sorted(status[topic].items())):
            left = " days left" if topic == "certificates" else ""
            rows.append(f"  {'' if number else topic:<13} {name}: {value}{left}")
    return "\n".join(rows)
