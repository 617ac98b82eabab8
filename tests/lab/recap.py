"""What an ansible-playbook run did, read from its recap."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(
    r"^(?P<host>\S+)\s*: ok=\d+\s+changed=(?P<changed>\d+)"
    r"\s+unreachable=(?P<unreachable>\d+)\s+failed=(?P<failed>\d+)"
)


@dataclass(frozen=True)
class Recap:
    """Counts per host."""

    changed: dict[str, int]
    failed: tuple[str, ...]

    def sentence(self) -> str:
        """Return what an operator wants to know first."""
        parts = [f"{host} {count}" for host, count in self.changed.items() if count]
        return f"changed: {', '.join(parts)}" if parts else "nothing changed"


def parse(output: str) -> Recap:
    """Read every recap in the output; several plays of one command add up."""
    changed: dict[str, int] = {}
    failed: list[str] = []
    for line in output.splitlines():
        match = LINE.match(line.strip())
        if match:
            host = match["host"]
            changed[host] = changed.get(host, 0) + int(match["changed"])
            if int(match["failed"]) or int(match["unreachable"]):
                failed.append(host)
    return Recap(changed, tuple(failed))
