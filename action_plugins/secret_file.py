# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generate missing secrets into a vault file, on the controller. The documentation is in library/."""

from __future__ import annotations

import datetime
import os
import re
import secrets
from pathlib import Path
from typing import Any, ClassVar

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.loader import action_loader
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
CA_YEARS = 10
NO_VAULT = "there is no vault password; put one into a file of yours alone and name it in ANSIBLE_VAULT_PASSWORD_FILE"
NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
PLACEHOLDER = re.compile(r"(?i)\W*(change.?\w*|pass(word)?|secret|example|placeholder|todo|x+|<.*>)?\W*\d*\W*")


def authority() -> tuple[str, str]:
    """Return certificate and key of a new private CA, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Holdfast private CA {secrets.token_hex(4)}")])
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), private.decode()


def complete(stored: dict[str, Any], passwords: list[str], authorities: list[str]) -> dict[str, Any]:
    """Return what is missing; a CA is only made whole."""
    for name, value in stored.items():
        if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
            raise AnsibleActionFail(
                f"{name} holds a placeholder; remove the line (`ansible-vault edit`) and it is generated"
            )
    for name in passwords:
        if not NAME.fullmatch(name):
            raise AnsibleActionFail(f"{name!r} cannot be a variable; use letters, digits and _ (secrets_more)")
    missing: dict[str, Any] = {name: secrets.token_urlsafe(32) for name in passwords if name not in stored}
    for prefix in authorities:
        names = {f"{prefix}_ca_certificate", f"{prefix}_ca_key"}
        if len(names & set(stored)) == 1:
            raise AnsibleActionFail(
                f"of {' and '.join(sorted(names))} only one is there; bring the other back from a copy. Both are made "
                "anew once both are gone, and whoever trusts the old CA then refuses every service"
            )
        if not names & set(stored):
            missing[f"{prefix}_ca_certificate"], missing[f"{prefix}_ca_key"] = authority()
    return missing


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Read, complete, write: nothing that is stored ever changes."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "path": {"type": "path", "required": True},
        "passwords": {"type": "list", "elements": "str", "default": []},
        "authorities": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any], _task_vars: dict[str, Any]) -> dict[str, Any]:
        path = Path(arguments["path"])
        vault = self._loader._vault
        if not vault.secrets:
            raise AnsibleActionFail(NO_VAULT)
        stored = self.stored(path, vault)
        missing = complete(stored, arguments["passwords"], arguments["authorities"])
        if missing and not self._task.check_mode:
            text = yaml.safe_dump(self.plain({**stored, **missing}), sort_keys=True, width=200)
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = path.with_name(f".{path.name}.new")
            staged.unlink(missing_ok=True)
            with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(vault.encrypt(text))
                os.fsync(stream.fileno())
            staged.replace(path)
        return {"changed": bool(missing), "generated": sorted(missing)}

    def stored(self, path: Path, vault: Any) -> dict[str, Any]:
        if not path.exists():
            return {}
        data = path.read_bytes()
        if not is_encrypted(data):
            raise AnsibleActionFail(f"{path} is not encrypted; run `ansible-vault encrypt {path}` first")
        try:
            return yaml.safe_load(vault.decrypt(data)) or {}
        except AnsibleError:
            raise AnsibleActionFail(
                f"{path} does not open with this vault password; use the one it was made with"
            ) from None
