"""The controller's half of certificate_set: what it issues, when it writes, and what exactly."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

ROOT = Path(__file__).parents[3]
TELL = "run /usr/local/lib/holdfast/certificate-expiry"
MINUTE = datetime.timedelta(minutes=1)
OF_ROOT = {"owner": "root", "group": "root", "mode": "0644", "state": "file"}


def action(name: str) -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get(name, class_only=True).__module__]


@pytest.fixture(scope="module")
def authority() -> tuple[str, str]:
    pair: tuple[str, str] = action("secret_file").authority()
    return pair


def pair() -> tuple[str, str]:
    """Return a private key and its public one."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode(), public.decode()


class Controller:
    """The action with a pretended host: what it was asked, and what it says."""

    def __init__(self, authority: tuple[str, str], **task: bool) -> None:
        self.module = action("certificate_set")
        self.ca, self.ca_key = authority
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.said = {"ca_certificate": self.ca, "expiry_program": "program", "renewal": {"ends": "tonight"}}
        self.found: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.provided: dict[str, dict[str, str]] = {}
        self.answer: dict[str, Any] | None = None
        self.action = self.module.ActionModule.__new__(self.module.ActionModule)
        self.action._task = SimpleNamespace(**{"check_mode": False, "diff": False, **task})
        self.action.call = self.call

    def signed(self, public: str, name: str) -> str:
        signer = (
            x509.load_pem_x509_certificate(self.ca.encode()),
            serialization.load_pem_private_key(self.ca_key.encode(), None),
        )
        pem: str = self.module.issue(public, [name], signer, 90)
        return pem

    def add(self, name: str, provider: str = "private_ca", good: bool = True, **state: bool) -> str:
        """Have a certificate that is good, or none yet, and a key."""
        private, public = pair()
        pem = self.signed(public, f"{name}.example")
        old = pem if good else ""
        self.found[name] = {"certificate": old, "public_key": public, "key_changed": False, "drift": False, **state}
        entry = {"name": name, "names": [f"{name}.example"], "provider": provider, "group": "www-data"}
        self.entries.append({**entry, "on_change": [f"reload {name}.service"]})
        if provider == "provided":
            pem += self.ca  # the chain ends at the authority
            self.provided[name] = {"certificate": pem, "key": private}
        return pem

    def call(self, module: str, arguments: dict[str, Any], _task_vars: object) -> dict[str, Any]:
        self.asked.append((module, arguments))
        if module == "certificate_set":
            return self.answer or {"found": self.found, **self.said}
        return {"changed": False, "files": ["one"], "diff": ["secret"]}

    def act(self, **changes: Any) -> dict[str, Any]:
        arguments = {
            "ca_certificate": self.ca, "ca_key": self.ca_key, "provided": self.provided, "expiry_program": "program",
            "directory": "/etc/holdfast/tls", "lifetime_days": 90, "certificates": self.entries, **changes,
        }  # fmt: skip
        result: dict[str, Any] = self.action.act(arguments, {})
        return result

    def written(self) -> dict[str, dict[str, Any]]:
        """Return the files of the transaction by their names, nothing when there was none."""
        found = [arguments for module, arguments in self.asked if module == "config_transaction"]
        return {file["dest"]: file for arguments in found for file in arguments["files"]}


def test_what_is_good_is_one_look(authority: tuple[str, str]) -> None:
    controller = Controller(authority)
    pem = controller.add("nginx")
    result = controller.act()
    ends = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    assert (result["changed"], result["issued"], result["renewal"]) == (False, [], {"ends": "tonight"})
    assert result["expires"]["nginx"].startswith(f"{ends:%Y-%m-%d}")
    ((module, asked),) = controller.asked
    assert (module, asked) == (
        "certificate_set",
        {"directory": "/etc/holdfast/tls", "certificates": controller.entries},
    )


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "no"}, {"unreachable": True, "msg": "gone"}])
def test_a_look_that_fails_is_the_result(authority: tuple[str, str], answer: dict[str, Any]) -> None:
    controller = Controller(authority)
    controller.add("nginx")
    controller.answer = answer
    assert controller.act() == answer


@pytest.mark.parametrize(
    ("state", "said", "changed"),
    [
        ({}, {}, False),
        ({"drift": True}, {}, True),
        ({"key_changed": True}, {}, True),
        ({}, {"ca_certificate": "another"}, True),
        ({}, {"expiry_program": "another"}, True),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_what_is_written_again(
    authority: tuple[str, str], state: dict[str, bool], said: dict[str, str], changed: bool, check: bool
) -> None:
    controller = Controller(authority, check_mode=check)
    controller.add("nginx", "private_ca", **state)
    controller.said |= said
    result = controller.act()
    assert (result["changed"], result["issued"]) == (changed, [])
    assert bool(controller.written()) is (changed and not check)


def test_what_is_issued(authority: tuple[str, str]) -> None:
    controller = Controller(authority, diff=True)
    controller.add("nginx", good=False)
    before = datetime.datetime.now(datetime.UTC)
    result = controller.act(lifetime_days=30)
    assert result["issued"] == [{"name": "nginx", "reason": "missing"}]
    assert result["diff"] == {"prepared": "certificate nginx: missing\n"}
    assert (result["changed"], result["files"]) == (True, ["one"])
    pem = controller.written()["/etc/holdfast/tls/nginx.crt"]["content"]
    made = x509.load_pem_x509_certificate(pem.encode())
    assert -MINUTE < made.not_valid_before_utc - (before - 10 * MINUTE) < MINUTE
    assert -MINUTE < made.not_valid_after_utc - (before + datetime.timedelta(days=30)) < MINUTE
    use = made.extensions.get_extension_for_class(x509.KeyUsage)
    wanted = {"digital_signature"}
    names = {"digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"}
    assert {name for name in names | {"key_cert_sign", "crl_sign"} if getattr(use.value, name)} == wanted
    basic = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (use.critical, basic.critical, basic.value.ca, basic.value.path_length) == (True, True, False, None)
    alternative = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    extended = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    assert (alternative.critical, extended.critical, list(extended.value)) == (False, False, both)
    for kind in (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier):
        assert made.extensions.get_extension_for_class(kind).critical is False


def test_a_run_that_shows_no_differences_has_none(authority: tuple[str, str]) -> None:
    controller = Controller(authority)
    controller.add("nginx", good=False)
    assert "diff" not in controller.act()
    drifting = Controller(authority, diff=True)
    drifting.add("nginx", drift=True)
    assert "diff" not in drifting.act()


def test_a_certificate_of_an_acme_server_is_left_alone_while_it_is_good(authority: tuple[str, str]) -> None:
    controller = Controller(authority)
    controller.add("own", drift=True)
    controller.add("good", "acme")
    controller.add("drifted", "acme", drift=True)
    controller.add("missing", "acme", good=False)
    controller.act()
    names = {Path(dest).name for dest in controller.written()}
    assert {"own.crt", "drifted.crt", "missing.crt"} <= names
    assert "good.crt" not in names


def test_a_provided_certificate_comes_with_its_key(authority: tuple[str, str]) -> None:
    controller = Controller(authority)
    pem = controller.add("bought", "provided", good=False)
    assert controller.act()["issued"] == [{"name": "bought", "reason": "missing"}]
    told = [TELL, "reload bought.service"]
    files = controller.written()
    assert files["/etc/holdfast/tls/bought.key"] == {
        **OF_ROOT, "dest": "/etc/holdfast/tls/bought.key", "content": controller.provided["bought"]["key"],
        "mode": "0640", "group": "www-data", "secret": True, "on_change": told,
    }  # fmt: skip
    assert files["/etc/holdfast/tls/bought.crt"] == {
        **OF_ROOT, "dest": "/etc/holdfast/tls/bought.crt", "content": pem, "on_change": told,
    }  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"bought": {"certificate": "-----BEGIN CERTIFICATE-----", "key": "x"}}])
def test_a_provided_certificate_that_does_not_fit_stops_before_the_host_is_asked(
    authority: tuple[str, str], given: dict[str, Any]
) -> None:
    controller = Controller(authority)
    controller.add("bought", "provided")
    with pytest.raises(AnsibleActionFail, match=r"certificates_provided\.bought is not used: "):
        controller.act(provided=given)
    assert controller.asked == []


def test_the_transaction(authority: tuple[str, str]) -> None:
    controller = Controller(authority)
    pem = controller.add("nginx", drift=True)
    result = controller.act()
    assert (result["changed"], result["files"], "diff" in result) == (True, ["one"], False)
    ((_module, asked),) = controller.asked[1:]
    folder = {**OF_ROOT, "state": "directory", "mode": "0755", "on_change": [TELL]}
    told, ours = {**OF_ROOT, "on_change": [TELL]}, [TELL, "reload nginx.service"]
    assert asked == {
        "name": "certificates",
        "files": [
            {**folder, "dest": "/etc/holdfast"},
            {**folder, "dest": "/etc/holdfast/tls"},
            {**told, "dest": "/etc/holdfast/tls/ca.crt", "content": authority[0]},
            {**folder, "dest": "/usr/local/lib/holdfast"},
            {**told, "dest": TELL.split()[1], "content": "program", "mode": "0755"},
            {**told, "dest": "/etc/holdfast/tls/nginx.crt", "content": pem, "on_change": ours},
        ],
        "exclusive": [], "on_change": [], "test": [], "units": [],
    }  # fmt: skip
