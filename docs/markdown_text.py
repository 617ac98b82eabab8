"""Descriptions, values and tables in Markdown, for docs/generate.py."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

# Ansible's markup: one argument in code, in bold, in italics; a link with its address.
CODE = re.compile(r"\b[CVOEMP]\(((?:[^()]|\([^()]*\))*)\)|\bRV\(([^()]*)\)")
STRONG, EMPHASIS = re.compile(r"\bB\(([^()]*)\)"), re.compile(r"\bI\(([^()]*)\)")
LINK, ADDRESS = re.compile(r"\bL\(([^,()]*), *([^()]*)\)"), re.compile(r"\bU\(([^()]*)\)")


def markdown(text: Any) -> str:
    """Return a description, one paragraph or several, on one line of Markdown."""
    line = (
        " ".join(" ".join(str(part) for part in text).split())
        if isinstance(text, list)
        else " ".join(str(text or "").split())
    )
    line = LINK.sub(r"[\1](\2)", line)
    line = ADDRESS.sub(r"<\1>", line)
    line = STRONG.sub(r"**\1**", line)
    line = EMPHASIS.sub(r"*\1*", line)
    return CODE.sub(lambda found: f"`{(found[1] or found[2]).partition('#')[0]}`", line)


def sentence(text: Any) -> str:
    line = markdown(text).rstrip(".")
    return f"{line[:1].upper()}{line[1:]}."


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def short(value: Any) -> str:
    """Return a value the way one would write it in YAML, on one line."""
    if isinstance(value, str):
        plain = value and not re.search(r"[\n:#{}\[\],&*!|>'\"%@`]", value) and isinstance(yaml.safe_load(value), str)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        f"| {' | '.join(line)} |"
        for line in [head, ["---"] * len(head), *([cell(item) for item in row] for row in rows)]
    ]
