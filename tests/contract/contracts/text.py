"""What no file of the repository may contain."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

# In pieces, so that this file keeps its own rule.
FORBIDDEN = {
    "an open end": re.compile(r"(?:#|//|--|\{#).*\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|\b(?:TO" r"DO|FIX" r"ME)[:(]"),
    "somebody's home": re.compile(
        r"(?<![\w.$}~-])/(?:home|Users)/(?!(?:operator|alice|bob|carol|deploy)\b|\{\{|\$|<)\w+"
    ),
    "a hidden error": re.compile(r"ignore_" r"errors: *(?:true|yes)", re.IGNORECASE),
    "a private package index": re.compile(
        r"(?:extra-)?index-"
        r"url\s*[=:]\s*['\"]?https?://(?!pypi\.org)"
        r"|\b(?:artifactory|nexus|devpi|verdaccio|pkgs?|registry|mirror)[\w-]*(?:\.[\w-]+)*\.(?:internal|corp|intra|lan|local|svc)\b"
    ),
    "a cluster where Debian puts it, whose data may be elsewhere (postgresql-data tells)": re.compile(
        r"/var/lib/postgresql/\{" r"\{[^}]*\}\}/main"
    ),
    "another word for fix": re.compile(r"\bCu" r"re: "),
    "a merge conflict": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}
SKIPPED_FOLDERS = {".git", ".venv", ".cache", ".ansible", "__pycache__"}


def tracked(root: Path) -> list[Path]:
    """Return the files git knows or would take; without git, all but caches."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        paths = [path for path in root.rglob("*") if not SKIPPED_FOLDERS & set(path.relative_to(root).parts)]
    else:
        paths = [root / name for name in listed.stdout.split("\0") if name]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink() and path.suffix != ".pyc")


def findings(root: Path) -> list[str]:
    """Name every forbidden text and the line it stands in."""
    found = []
    for path in tracked(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not a text
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(root)}:{line}: {what}: {match.group()}")
    return found
