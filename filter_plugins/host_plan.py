"""The plan of a host: what a run would give it, as data and as text. Names of secrets are in it, never their values."""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Offers = Mapping[str, Mapping[str, Any]]
Rule = Mapping[str, Any]


def _listed(offers: Offers, part: str) -> list[Any]:
    """Return what the roles list in a part, each thing once."""
    found: list[Any] = []
    for entry in (entry for offer in offers.values() for entry in offer.get(part) or []):
        if entry not in found:
            found.append(entry)
    return found


def _secrets(offers: Offers) -> list[str]:
    keys = [f"{name}_ca_key" for name in _listed(offers, "authorities")]
    return sorted({*_listed(offers, "secrets"), *keys})


def _ports(offers: Offers) -> list[dict[str, Any]]:
    """Return what listens, and where."""
    return [
        {
            "role": role,
            "name": port["name"],
            "protocol": port.get("protocol", "tcp"),
            "ports": list(port.get("ports", [port["port"]] if "port" in port else [])),
            "addresses": list(port.get("addresses") or []),
        }
        for role, offer in offers.items()
        for port in offer.get("ports") or []
    ]


def _resolved(ends: list[str], groups: Mapping[str, list[str]]) -> list[str]:
    """Return addresses and names that are none; a group stands for its addresses."""
    return list(dict.fromkeys(address for end in ends for address in groups.get(end) or [end]))


def _rules(firewall: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups = firewall["addresses"]
    return [{**rule, "source_addresses": _resolved(rule["sources"], groups)} for rule in firewall["rules"]]


def _sockets(entry: Rule) -> str:
    return f"{entry['protocol']} {', '.join(map(str, entry.get('ports') or []))}".strip()


def _row(label: str, text: str) -> str:
    return f"{label:<13} {text or 'none'}"


def _of_packages(plan: Mapping[str, Any]) -> str:
    wanted, missing = plan["packages"]["wanted"], plan["packages"]["missing"]
    if missing is None:
        return ", ".join(wanted)
    return f"{', '.join(missing)} to install, of {len(wanted)}" if missing else f"all {len(wanted)} are installed"


def _rows(plan: Mapping[str, Any]) -> Iterator[str]:
    yield _row("roles", ", ".join(plan["roles"]))
    yield _row("packages", _of_packages(plan))
    yield _row("units", ", ".join(plan["units"]))
    yield _row("certificates", ", ".join(str(each["name"]) for each in plan["certificates"]))
    yield _row("secrets", ", ".join(plan["secrets"]))
    yield "ports"
    for port in plan["ports"]:
        where = f" on {', '.join(map(str, port['addresses']))}" if port["addresses"] else ""
        yield f"  {_sockets(port):<14} {port['name']}{where}"
    yield "who may connect"
    for rule in plan["firewall"]["rules"]:
        yield f"  {_sockets(rule):<14} {rule['name']}: {', '.join(rule['sources']) or 'nobody'}"
    yield _row("outgoing", "everything" if plan["firewall"]["egress_policy"] != "drop" else "nothing but")
    if plan["firewall"]["egress_policy"] == "drop":
        for rule in plan["firewall"]["egress"]:
            yield f"  {_sockets(rule):<14} {rule['name']}: to {', '.join(rule['destinations'])}"


def _to_do(plan: Mapping[str, Any]) -> str:
    """Return what a run would do, as far as facts of the host say; files are compared by site.yml --check alone."""
    missing = plan["packages"]["missing"]
    changes = plan.get("postgresql", {}).get("changes", {"known": True, "reload": [], "restart": []})
    if missing is None or not changes["known"]:
        return "unknown, the host lacks what would tell"
    known = ["install packages"] * bool(missing) + ["reload PostgreSQL"] * bool(changes["reload"])
    known += ["restart PostgreSQL"] * bool(changes["restart"])
    return ", ".join(known) or "nothing to do for packages and settings of PostgreSQL; site.yml --check compares files"


def host_plan(
    offers: Offers, facts: Mapping[str, Any], packages: list[str], firewall: Mapping[str, Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the whole plan of a host. ``more`` has memory, and postgresql where the host has it."""
    if not isinstance(offers, Mapping) or not isinstance(firewall, Mapping):
        raise TypeError("host_plan takes the offers of a host's roles, and what role firewall has published")
    installed = facts.get("installed_packages")
    missing = None if installed is None else sorted(set(packages) - set(installed))
    plan: dict[str, Any] = {
        "roles": list(offers),
        "packages": {"wanted": list(packages), "missing": missing},
        "units": _listed(offers, "units"),
        "certificates": _listed(offers, "certificates"),
        "secrets": _secrets(offers),
        "ports": _ports(offers),
        "firewall": {
            "rules": _rules(firewall),
            "egress_policy": firewall["egress_policy"],
            "egress": list(firewall["egress"]),
        },
        **more,
    }
    plan["to_do"] = _to_do(plan)
    return {**plan, "text": "\n".join([*_rows(plan), _row("to do", plan["to_do"])])}


FilterModule = filter_module(host_plan)
