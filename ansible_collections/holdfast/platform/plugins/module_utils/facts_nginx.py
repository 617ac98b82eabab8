# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody else has made of nginx."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import OURS, output

NGINX = Path("/etc/nginx")
NGINX_TOKEN = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:[^\s;{}"'\\]|\\.)+""")


def nginx_directives(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the directives of a configuration as words, each with the number of blocks it stands in."""
    depth, words = 0, list[str]()
    for part in NGINX_TOKEN.findall(text):
        if part == "}":
            depth -= 1
        elif part in ("{", ";"):
            yield depth, words
            depth, words = depth + (part == "{"), []
        elif not part.startswith("#"):
            words.append(part.strip("\"'"))


def nginx_file(path: Path) -> dict[str, Any]:
    """Return what a file of somebody else claims: ports as default server, names, directives outside all blocks."""
    said = [(depth, words) for depth, words in nginx_directives(path.read_text(errors="replace")) if words]
    listens = [words[1:] for _depth, words in said if words[0] == "listen" and len(words) > 1]
    ports = [
        re.fullmatch(r"(?:\*:|0\.0\.0\.0:|\[::\]:)?(80|443)", words[0])
        for words in listens
        if "default_server" in words
    ]
    return {
        "path": str(path),
        "default_ports": sorted({int(port[1]) for port in ports if port}),
        "names": sorted({name.lower() for _depth, words in said if words[0] == "server_name" for name in words[1:]}),
        "directives": sorted({words[0] for depth, words in said if depth == 0}),
    }


def nginx() -> dict[str, Any]:
    """Return what somebody else has made of nginx: files that differ from the package's, and files beside them."""
    if not (NGINX / "nginx.conf").exists() and not (NGINX / "sites-enabled").exists():
        return {}
    conffiles = output("dpkg-query", "-W", "-f", "${Conffiles}\n", "nginx-common", "nginx")
    packaged = dict(re.findall(r"^ (\S+) ([0-9a-f]{32})", conffiles, re.MULTILINE))
    changed, foreign = [], []
    for path, original in (("nginx.conf", "nginx.conf"), ("sites-enabled/default", "sites-available/default")):
        with contextlib.suppress(OSError):
            content = (NGINX / path).read_bytes()
            known = packaged.get(f"/etc/nginx/{original}") == hashlib.md5(content, usedforsecurity=False).hexdigest()
            if not known and OURS.encode() not in content[:200]:
                changed.append(f"/etc/nginx/{path}")
    for file in sorted([*(NGINX / "conf.d").glob("*.conf"), *(NGINX / "sites-enabled").glob("*")]):
        if not file.name.startswith("holdfast-") and file != NGINX / "sites-enabled/default":
            with contextlib.suppress(OSError):
                foreign.append(nginx_file(file))
    return {"changed": changed, "foreign": foreign}
