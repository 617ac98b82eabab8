# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was released here and refused, one line each."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

LEDGER = Path("/var/lib/holdfast/releases.jsonl")
KEPT_VERSIONS = 4


def ledger_lines() -> list[dict[str, Any]]:
    try:
        return [
            json.loads(line) for line in LEDGER.read_text().splitlines() if line.startswith("{") and line.endswith("}")
        ]
    except FileNotFoundError:
        return []


def recorded_image(name: str) -> str:
    """Return the image that was released last, for a container that is gone."""
    images = [line["image"] for line in ledger_lines() if line.get("name") == name and line.get("result") == "released"]
    return str(images[-1]) if images else ""


def outdated_images() -> list[str]:
    """Return the images that were released or refused here and that nobody goes back to."""
    recent: dict[str, list[str]] = {}
    for line in reversed(ledger_lines()):
        images = recent.setdefault(line["name"], [])
        if line["result"] == "released" and line["image"] not in images and len(images) < KEPT_VERSIONS:
            images.append(line["image"])
    kept = {image for images in recent.values() for image in images}
    return sorted({line["image"] for line in ledger_lines()} - kept)


def tag_of(image: str) -> str:
    found = re.search(r":([^:/@]+)(@|$)", image)
    return found[1] if found else ""


def write_ledger(line: dict[str, Any]) -> None:
    stamped = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **line}
    LEDGER.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a") as stream:
        stream.write(json.dumps(stamped) + "\n")
        stream.flush()
        os.fsync(handle)
