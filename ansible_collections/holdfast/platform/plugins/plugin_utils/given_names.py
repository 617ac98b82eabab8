"""Names that inventories and command lines give, held against those that are known."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.option_values import did_you_mean

PUBLISHED = ("offer", "findings")  # what roles tell the play, not input
RESULT = "_result"  # so do names that end like this
# What others call our groups, by the product or the purpose
CALLED = {
    **dict.fromkeys(("nginx", "web", "webserver", "proxy", "loadbalancer", "lb"), "edge"),
    **dict.fromkeys(("docker", "application", "apps"), "app"),
    **dict.fromkeys(("postgresql", "postgres", "db"), "database"),
    **dict.fromkeys(("pgbouncer",), "pooler"),
    **dict.fromkeys(("redis",), "cache"),
    **dict.fromkeys(("pgbackrest",), "backup"),
}
LEFT = re.compile(r"(~|\.(bak|old|orig|rej|save|swp))$")  # what editors and people leave beside a file


def name_findings(
    role: str, options: Mapping[str, Any], names: Iterable[str], owners: Callable[[], Mapping[str, str]]
) -> Iterator[str]:
    """Yield variables that begin like the role's and are none of them; ``owners`` tells whose option each name is."""
    own = {f"{role}_{noun}" for noun in PUBLISHED} | set(options)
    for name in sorted(names):
        if name.startswith(f"{role}_") and name not in own and not name.endswith(RESULT):
            moved = same_noun(name.removeprefix(f"{role}_"), owners())
            otherwise = f"; names that begin with {role}_ belong to the role, call yours otherwise"
            meant = f"; did you mean {moved}?" if moved else did_you_mean(name, options, otherwise)
            yield f"{name} is not a variable of role {role}{meant}"


def same_noun(noun: str, owners: Mapping[str, str]) -> str:
    """Return the option of the only other role that has one of this noun: it was moved there, or looked for here."""
    found = [name for name, role in owners.items() if name == f"{role}_{noun}"]
    return found[0] if len(found) == 1 else ""


def misspelt(given: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for every name that can only be meant as a known one; all others are somebody's own."""
    found = {}
    for name in given:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close and name not in known and not name.startswith("ansible_") and close[0] not in name:
            found[name] = f"{name} is not a variable of {known[close[0]]}; did you mean {close[0]}?"
    return found


def strangers(given: Iterable[str], known: Mapping[str, str], variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield names that belong to no role and to no playbook; what begins like a role's is looked at with that role."""
    roles = {owner.removeprefix("role ") for owner in known.values() if owner.startswith("role ")}
    ours = ("__", "ansible_", "contract_", *(f"{role}_" for role in roles))
    return (name for name in given if not name.startswith(ours) and name not in variables)


def group_findings(host: str, groups: list[str], known: list[str]) -> Iterator[str]:
    for group in groups:
        close = difflib.get_close_matches(group, known, n=1, cutoff=0.75)
        meant = close[0] if close else CALLED.get(group, "")
        if group not in known and meant in known and (close or meant not in groups):
            yield f"group {group} of host {host} is unknown; did you mean {meant}?"
    if known and not set(groups) & set(known):
        yield f"host {host} is in none of the groups {', '.join(known)}; put it into one, or out of the inventory"


def files_beside(inventories: Iterable[str], folders: Iterable[str]) -> Iterator[Path]:
    """Yield the files and folders of variables that lie beside inventories."""
    for inventory in inventories:
        place = Path(inventory) if Path(inventory).is_dir() else Path(inventory).parent
        for folder in folders:
            yield from sorted((place / folder).glob("[!.]*"))


def folder_findings(paths: Iterable[Path], names: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield files and folders of variables that are nobody's, but called almost like somebody's."""
    for path in paths:
        known = list(names[path.parent.name])
        name = path.stem if path.suffix in {".yml", ".yaml", ".json"} else path.name
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        # A host that is gone, or of another inventory, is called like the others but for its number
        numbered = re.sub(r"\d+", "", name) in {re.sub(r"\d+", "", other) for other in known}
        if close and name not in known and not numbered and not LEFT.search(path.name):
            yield (
                f"{path.parent.name}/{path.name} is of nobody in the inventory; did you mean {close[0]}? "
                "Rename it, or remove it"
            )


def limit_findings(limit: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Yield names in the parts of --limit that are neither a group nor a host; patterns may match nothing."""
    for name in (part.strip().lstrip("!&") for part in limit):
        if re.fullmatch(r"[\w.-]+", name) and name not in known:
            yield f"--limit names {name}, no group or host of the inventory{did_you_mean(name, known, '; correct it')}"


def owner_findings(host: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Refuse to plan with the facts of another host: whatever mixed them up, no value that follows can be trusted."""
    owner = facts.get("inventory_name", host)
    if owner != host:
        yield f"the facts of {host} are those of {owner}; run with --limit {host}, and tell which ansible-core this is"
