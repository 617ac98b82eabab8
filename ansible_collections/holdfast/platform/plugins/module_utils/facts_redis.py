# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a redis.conf of somebody else says."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import OURS, contents

REDIS = Path("/etc/redis/redis.conf")
REDIS_SECRETS = ("requirepass", "masterauth", "user", "tls-key-file-pass", "tls-client-key-file-pass")


def redis() -> dict[str, list[str]]:
    """Return what a redis.conf that is not ours says, by directive; of passwords only that they are there."""
    text = contents(REDIS)
    if OURS in text[:200]:
        return {}
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _blank, value = line.strip().partition(" ")
        if value and not name.startswith("#"):
            said = "hidden" if name.lower() in REDIS_SECRETS else value.strip().strip("\"'")
            found.setdefault(name.lower(), []).append(said)
    return found
