# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who renews certificates here, and the private CA that this host trusts."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import output

AUTHORITY = Path("/etc/holdfast/tls/ca.crt")
CERTBOT = Path("/etc/letsencrypt/renewal")
ACME_SH = Path("/root/.acme.sh")


def certificate_clients() -> list[dict[str, Any]]:
    """Return the certificates that certbot and acme.sh renew here, with their names and the way they are proved."""
    found = []
    for file in sorted(CERTBOT.glob("*.conf")):
        with contextlib.suppress(OSError):
            said = dict(re.findall(r"^(\w+) = (.+?) *$", file.read_text(errors="replace"), re.MULTILINE))
            names = output("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", said.get("cert", "/dev/null"))
            ways = {said.get("authenticator", "standalone"), said.get("installer", "None")} - {"None"}
            known = re.findall(r"DNS:([^,\s]+)", names) or [file.stem]
            found.append({"client": "certbot", "path": str(file), "names": known, "ways": sorted(ways)})
    for file in sorted(ACME_SH.glob("*/*.conf")):
        with contextlib.suppress(OSError):
            said = dict(re.findall(r"^(Le_\w+)='?(.*?)'?$", file.read_text(errors="replace"), re.MULTILINE))
            if "Le_Domain" in said:
                alias = [said["Le_Domain"], *(name for name in said.get("Le_Alt", "no").split(",") if name != "no")]
                way = "standalone" if said.get("Le_Webroot", "no") == "no" else said["Le_Webroot"]
                found.append({"client": "acme.sh", "path": str(file), "names": alias, "ways": [way]})
    return found


def authority() -> str:
    """Return the SHA-256 fingerprint of the private CA that this host trusts, or nothing."""
    try:
        lines = AUTHORITY.read_text().partition("-----END")[0].splitlines()[1:]
        return hashlib.sha256(base64.b64decode("".join(lines))).hexdigest() if lines else ""
    except (OSError, ValueError):
        return ""
