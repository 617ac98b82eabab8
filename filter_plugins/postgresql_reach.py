"""Says what the lines of pg_hba.conf mean: the first that matches decides, so who gets in, and which line is dead."""

import ipaddress
import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import Network
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
COLUMN = r'((?:[^ "]|"[^"]*")+)'  # names that need it stand in quotation marks
LINE = re.compile(f"(local|host|hostssl|hostnossl) {COLUMN} {COLUMN} (.+)")
NAMES = re.compile(r'(?:[^,"]|"[^"]*")+')


class Attempt(NamedTuple):
    """Somebody who connects; without an address it is through the socket."""

    database: str
    user: str
    groups: frozenset[str]
    address: Address | None
    tls: bool


class Line(NamedTuple):
    """One line of the file."""

    text: str
    type: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    networks: tuple[Network, ...]
    method: str

    def matches(self, attempt: Attempt) -> bool:
        """Tell whether PostgreSQL stops at this line; `all` does not mean the replication of the whole server."""
        named = attempt.database in self.databases
        return (
            self._matches_way(attempt)
            and (named or ("all" in self.databases and attempt.database != "replication"))
            and (
                bool({"all", attempt.user} & set(self.users))
                or any(f"+{group}" in self.users for group in attempt.groups)
            )
        )

    def _matches_way(self, attempt: Attempt) -> bool:
        if self.type == "local" or attempt.address is None:
            return self.type == "local" and attempt.address is None
        if self.type != "host" and (self.type == "hostssl") != attempt.tls:
            return False
        return any(attempt.address in network for network in self.networks)


def _read(lines: list[str]) -> list[Line]:
    """Return what filter postgresql_hba has written."""
    if not isinstance(lines, list):
        raise TypeError(f"lines must be a list, got {type(lines).__name__}")
    read = []
    for text in lines:
        found = LINE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"{text!r} is not a line of pg_hba.conf as filter postgresql_hba writes it")
        kind, rest = found[1], found[4].split(" ")
        where = [] if kind == "local" else [rest.pop(0)]
        networks = EVERYWHERE if where == ["all"] else tuple(map(ipaddress.ip_network, where))
        databases, users = (tuple(name.replace('"', "") for name in NAMES.findall(found[part])) for part in (2, 3))
        read.append(Line(str(text), kind, databases, users, networks, rest[0]))
    return read


def _groups(user: str, memberships: dict[str, list[str]]) -> frozenset[str]:
    """Return every role a role is a member of, itself included, as PostgreSQL counts it."""
    found, waiting = set(), [user]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += memberships.get(name, [])
    return frozenset(found)


def _hardest(line: Line, before: list[Line], memberships: dict[str, list[str]]) -> Iterator[Attempt]:
    """Yield attempts that match a line and that earlier ones are least likely to match.

    For `all` that is a name nobody mentions, for a group a member that is in nothing else: a line that matches those
    matches every other one too. Of addresses, only the first of each part into which the earlier networks cut this one.
    """
    nobody = ""  # no role and no database has this name
    users = [
        (nobody, _groups(user[1:], memberships)) if user.startswith("+") else (user, _groups(user, memberships))
        for user in ("" if user == "all" else user for user in line.users)
    ]
    databases = [nobody if database == "all" else database for database in line.databases]
    addresses = (
        [None] if line.type == "local" else [address for net in line.networks for address in _parts(net, before)]
    )
    ways = {"host": (True, False), "hostssl": (True,)}.get(line.type, (False,))
    for database, (user, groups), address, tls in itertools.product(databases, users, addresses, ways):
        yield Attempt(database, user, groups, address, tls)


def _parts(network: Network, before: list[Line]) -> list[Address]:
    """Return the first address of each part into which the networks of earlier lines cut this one."""
    cuts = [network[0]]
    for other in (net for line in before for net in line.networks if net.version == network.version):
        cuts += [other[0], *([other[-1] + 1] if int(other[-1]) < 2**other.max_prefixlen - 1 else [])]
    return [address for address in dict.fromkeys(cuts) if address in network]


def postgresql_live_lines(lines: list[str], memberships: dict[str, list[str]] | None = None) -> list[str]:
    """Return the lines, all of them, when each decides about somebody; refuse one that earlier ones hide."""
    read = _read(lines)
    for number, line in enumerate(read):
        before = read[:number]
        hiding: list[str] = []
        for attempt in _hardest(line, before, memberships or {}):
            first = next((earlier.text for earlier in before if earlier.matches(attempt)), None)
            if first is None:
                break
            hiding.append(first)
        else:
            names = " and ".join(f"'{text}'" for text in dict.fromkeys(hiding))
            raise ValueError(
                f"'{line.text}' never decides: {names} before it takes all it would match; remove or move it"
            )
    return [line.text for line in read]


def postgresql_live_findings(lines: list[str], memberships: dict[str, list[str]]) -> list[str]:
    """Return which line never decides about anybody, in one sentence."""
    return findings_of(postgresql_live_lines, lines, memberships)


def postgresql_reach(
    lines: list[str], who: dict[str, Any], memberships: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """Return whether somebody may try to log in, and which line decides; the number is 0 when none does."""
    if (
        not isinstance(who, dict)
        or set(who) - {"user", "database", "address", "tls"}
        or not {"user", "database"} <= set(who)
    ):
        raise ValueError(f"who needs user and database, and may have address and tls, got {who!r}")
    address = ipaddress.ip_address(who["address"]) if who.get("address") else None
    user = str(who["user"])
    attempt = Attempt(
        str(who["database"]), user, _groups(user, memberships or {}), address, who.get("tls", True) is not False
    )
    for number, line in enumerate(_read(lines), start=1):
        if line.matches(attempt):
            return {"reaches": line.method != "reject", "number": number, "line": line.text, "method": line.method}
    return {"reaches": False, "number": 0, "line": "", "method": ""}


FilterModule = filter_module(postgresql_live_lines, postgresql_reach, postgresql_live_findings)
