"""Ordered SQL files; each is applied once, in its own transaction unless its first line says otherwise."""

from __future__ import annotations

from pathlib import Path

OUTSIDE = "-- outside a transaction\n"


def known() -> dict[str, str]:
    """Return every migration this version brings, by name, in order."""
    return {path.name: path.read_text() for path in sorted(Path(__file__).parent.glob("*.sql"))}


def statements(script: str) -> list[str]:
    """Split a script that runs outside a transaction: sent together its statements would share one."""
    lines = [line for line in script.splitlines() if line and not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]
