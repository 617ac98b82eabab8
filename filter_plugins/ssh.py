"""Settings of sshd: its ports, whom it spares, what it would refuse, and with what nobody could connect."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

KINDS = {
    "ciphers": "cipher",
    "macs": "mac",
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "key-sig",
    "pubkeyacceptedalgorithms": "key-sig",
    "pubkeyacceptedkeytypes": "key-sig",
    "casignaturealgorithms": "key-sig",
}
OFFERED = ("ciphers", "kexalgorithms")  # as `ssh -G` calls them; MACs matter with some ciphers only


def _algorithms(settings: dict[str, Any]) -> list[tuple[str, str, str, list[str]]]:
    """Return each setting that names algorithms: its key, its name as written, the sign before the list, the list."""
    found = []
    for name, value in settings.items():
        key = str(name).lower()
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        if key in KINDS:
            sign = text[:1] if text[:1] in ("+", "-", "^") else ""
            found.append((key, str(name), sign, text.removeprefix(sign).split(",")))
    return found


def ssh_ports(settings: dict[str, Any]) -> list[str]:
    """Return the ports that sshd listens on by these settings."""
    if not isinstance(settings, dict):
        raise TypeError("ssh_ports takes the settings of sshd")
    given = [value for name, value in settings.items() if str(name).lower() == "port"]
    return [str(port) for value in given for port in (value if isinstance(value, list) else [value])] or ["22"]


def exempt_addresses(listed: list[str], client: str) -> list[str]:
    """Return who is never banned: those that are listed, otherwise the address that a run comes from."""
    if not isinstance(listed, list) or not isinstance(client, str):
        raise TypeError("exempt_addresses takes a list of addresses and the address of a client")
    return listed or [address for address in [client.partition("%")[0]] if address]


def _port_finding(settings: dict[str, Any], port: int) -> list[str]:
    """Say when sshd would not listen any more where this run comes in; 0 is nowhere."""
    ports = ssh_ports(settings)
    if not port or str(port) in ports or "port" not in map(str.lower, settings):
        return []
    return [
        f"base_ssh_settings has Port {', '.join(ports)}, but this run comes in through {port}; list both, "
        "let runs come through the new one (firewall_ssh_port, ansible_port), then drop the old one"
    ]


def ssh_findings(
    settings: dict[str, Any], known: dict[str, list[str]], offered: str, host: str, port: int = 0
) -> list[str]:
    """Return one sentence for what sshd would refuse, and for what would keep this run from coming in again."""
    if not isinstance(settings, dict) or not isinstance(known, dict) or not isinstance(offered, str):
        raise TypeError("ssh_findings takes settings, the algorithms a host knows, and what `ssh -G` says")
    ours = dict(line.split(" ", 1) for line in offered.splitlines() if " " in line)
    found = _port_finding(settings, port)
    for key, name, sign, algorithms in _algorithms(settings):
        what, has = f"base_ssh_settings.{name}", known.get(KINDS[key], [])
        odd = [one for one in algorithms if has and one not in has and sign != "-"]
        mine = [one for one in ours.get(key, "").split(",") if one and (one in has or not has)]
        if isinstance(settings[name], list) and len(algorithms) > 1:
            found.append(f"{what} is a list, of which sshd takes the first alone; write {','.join(algorithms)}")
        elif odd:
            found.append(f"{what} has {', '.join(odd)}, which sshd of {host} does not know; correct it, or take it out")
        elif key in OFFERED and not sign and mine and not set(mine) & set(algorithms):
            found.append(
                f"{what} is {','.join(algorithms)}, of which the ssh of this controller offers {host} nothing; "
                f"add one that it does, such as {mine[0]}"
            )
    return found


FilterModule = filter_module(ssh_findings, ssh_ports, exempt_addresses)
