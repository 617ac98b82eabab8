"""What two inventories of one system differ in: topology, versions, settings, and secrets by their names alone."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_values import HIDDEN_TEXT, SECRET, Leaf, Path

KINDS = ("topology", "version", "setting", "secret")
VERSION = re.compile(r"(?i)(^|_)(version|image|tag|release)$")
EVERYWHERE = "all"
Values = Mapping[str, Mapping[Path, Leaf]]
Seen = dict[str, Leaf | None]
Pair = tuple[Seen, Seen]


class Side(NamedTuple):
    """One of the inventories: hosts by group, roles by group, and the leaves of each variable by host."""

    label: str
    groups: Mapping[str, Sequence[str]]
    group_roles: Mapping[str, Sequence[str]]
    values: Mapping[str, Values]

    def hosts_of(self, role: str) -> list[str]:
        """Return the hosts that have a role; one of no group is everywhere."""
        groups = [group for group, roles in self.group_roles.items() if role in roles]
        chosen = {host for group in groups for host in self.groups.get(group, [])}
        return [host for host in self.values if host in chosen or not groups]


class Difference(NamedTuple):
    """A difference. The values of a side are more than one where hosts have their own, and none where it has none."""

    kind: str
    name: str
    groups: list[str]
    first: list[Any]
    second: list[Any]
    hidden: bool = False
    same: bool = False  # of secrets: each inventory must have its own


class Scope(NamedTuple):
    """Hosts of both inventories that are compared with each other."""

    group: str
    hosts: tuple[list[str], list[str]]


def topology(first: Side, second: Side) -> list[Difference]:
    """Return which groups have not as many hosts; that there are more hosts in all follows from those of the groups."""
    found = []
    for group in sorted({*first.groups, *second.groups}):
        one, other = (len(side.groups.get(group, [])) for side in (first, second))
        if one != other:
            found.append(Difference("topology", f"groups.{group}", [group], [one], [other]))
    return [each for each in found if each.groups != [EVERYWHERE]] or found


def _scopes(sides: tuple[Side, Side], hosts: tuple[list[str], list[str]]) -> list[Scope]:
    """Return all hosts that are compared, then those of each group that both inventories have."""
    found = [Scope(EVERYWHERE, hosts)]
    for group in sorted({*sides[0].groups} & {*sides[1].groups} - {EVERYWHERE}):
        members = [[host for host in own if host in side.groups[group]] for own, side in zip(hosts, sides, strict=True)]
        if all(members):
            found.append(Scope(group, (members[0], members[1])))
    return found


def _within(path: Path, start: Path) -> bool:
    return path[: len(start)] == start


def _seen(side: Side, hosts: list[str], path: Path) -> Seen:
    """Return the different values at a path, of the hosts that have the variable at all."""
    leaves = [side.values[host][path[0]].get(path) for host in hosts if path[0] in side.values[host]]
    return {leaf.key if leaf else "": leaf for leaf in leaves}


def _leaves(pair: Pair) -> list[Leaf]:
    return [leaf for seen in pair for leaf in seen.values() if leaf]


def _secret(pair: Pair) -> bool:
    return any(leaf.kind == SECRET for leaf in _leaves(pair))


def _differ(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Hosts of one group may have values of their own; with fewer hosts there are fewer of them."""
    if len(one) == len(other) == 1:
        return one.keys() != other.keys()
    return not (one.keys() <= other.keys() or other.keys() <= one.keys())


def _holders(sides: tuple[Side, Side], scopes: list[Scope], start: Path, role: str) -> list[str]:
    """Return the groups that say where a value is: those of its role, or those whose hosts are all that have it."""
    of_role = [group for group, roles in sides[0].group_roles.items() if role in roles]
    having = [
        {host for host, values in side.values.items() if any(_within(path, start) for path in values.get(start[0], ()))}
        for side in sides
    ]
    exact = [
        scope.group
        for scope in scopes
        if all(not have or have == {*hosts} for have, hosts in zip(having, scope.hosts, strict=True))
    ]
    return of_role or exact[: 1 if EVERYWHERE in exact else None] or [EVERYWHERE]


def _places(sides: tuple[Side, Side], scopes: list[Scope], path: Path) -> list[tuple[Scope, Pair]]:
    """Return where the values at a path are held against each other: by group, unless each inventory has one value."""
    pairs = []
    for scope in scopes:
        one, other = (_seen(side, hosts, path) for side, hosts in zip(sides, scope.hosts, strict=True))
        pairs.append((scope, (one, other)))
    first, second = pairs[0][1]
    at_once = len(first) == len(second) == 1 or _secret(pairs[0][1])
    return pairs[:1] if at_once else [(scope, pair) for scope, pair in pairs[1:] if all(pair)]


def _in_both(sides: tuple[Side, Side], scopes: list[Scope], path: Path, role: str) -> Iterator[Difference]:
    """Yield how a value differs; groups in which it differs alike are told together."""
    told: dict[str, Difference] = {}
    for scope, pair in _places(sides, scopes, path):
        one, other = pair
        secret = _secret(pair)
        shared = secret and bool({*one} & {*other} - {""})
        if shared or (not secret and _differ(one, other)):
            groups = _holders(sides, scopes, path, role) if scope is scopes[0] else [scope.group]
            key = json.dumps([[*one], [*other]])
            before = told[key].groups if key in told else []
            values = ([leaf.value for leaf in seen.values() if leaf] for seen in pair)
            hidden = any(leaf.kind for leaf in _leaves(pair))
            first, second = (_shown(each, hidden) for each in values)
            told[key] = Difference(_sort(path, secret), ".".join(path), before + groups, first, second, hidden, shared)
    yield from told.values()


def _shown(values: list[Any], hidden: bool) -> list[Any]:
    """Return what may leave this file."""
    return [HIDDEN_TEXT] if hidden and values else values


def _sort(path: Path, secret: bool) -> str:
    return "secret" if secret else "version" if VERSION.search(path[-1]) else "setting"


def _alone(sides: tuple[Side, Side], scopes: list[Scope], start: Path, which: int, role: str) -> Difference:
    """Return what one inventory alone has at a path, with everything below it."""
    side, hosts = sides[which], scopes[0].hosts[which]
    found: dict[str, Any] = {}
    every: list[Leaf] = []
    for host in hosts:
        tree = {path: leaf for path, leaf in side.values[host].get(start[0], {}).items() if _within(path, start)}
        every += tree.values()
        plain = {".".join(path[len(start) :]): leaf.value for path, leaf in tree.items()}
        if plain:
            found[json.dumps(plain, sort_keys=True, default=str)] = plain.get("", plain)
    kind = _sort(start, any(leaf.kind == SECRET for leaf in every))
    hidden = any(leaf.kind for leaf in every)
    values = _shown([*found.values()], hidden)
    first, second = ([], values) if which else (values, [])
    return Difference(kind, ".".join(start), _holders(sides, scopes, start, role), first, second, hidden)


def variable(sides: tuple[Side, Side], name: str, role: str) -> Iterator[Difference]:
    """Yield in what one variable differs.

    Of a role that one inventory has no host for only a secret that both have is told; all else is topology.
    """
    of_role = (sides[0].hosts_of(role), sides[1].hosts_of(role))
    scopes = _scopes(sides, of_role if all(of_role) else ([*sides[0].values], [*sides[1].values]))
    found = _all_parts(sides, scopes, name, role)
    yield from (each for each in found if each.same or all(of_role) or not any(of_role))


def _all_parts(sides: tuple[Side, Side], scopes: list[Scope], name: str, role: str) -> Iterator[Difference]:
    paths = [
        {path for host in hosts for path in side.values[host].get(name, {})}
        for side, hosts in zip(sides, scopes[0].hosts, strict=True)
    ]
    inner = [{path[:length] for path in own for length in range(1, len(path))} for own in paths]
    starts: dict[Path, int] = {}
    for which, other in ((0, 1), (1, 0)):
        for path in paths[which] - paths[other] - inner[other]:  # what is empty here, and not there, is told there
            known = paths[other] | inner[other]
            starts[next(path[:length] for length in range(1, len(path) + 1) if path[:length] not in known)] = which
    for path in sorted(paths[0] & paths[1] | starts.keys()):
        if path in starts:
            yield _alone(sides, scopes, path, starts[path], role)
        else:
            yield from _in_both(sides, scopes, path, role)


def differences(first: Side, second: Side, owners: Mapping[str, str]) -> list[Difference]:
    """Return every difference, by kind and name; ``owners`` tells whose option a variable is."""
    names = {name for side in (first, second) for values in side.values.values() for name in values}
    found = [each for name in sorted(names) for each in variable((first, second), name, owners.get(name, ""))]
    return [*topology(first, second), *sorted(found, key=lambda each: KINDS.index(each.kind))]


def expected(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a difference may be there: by its name, or the name of what it is in; `*` stands for anything."""
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") for pattern in patterns)
