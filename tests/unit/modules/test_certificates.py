"""Private CA: when a certificate is issued anew, what it holds, and that OpenSSL accepts it (TLS-05, TLS-07, SEC-*)."""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.holdfast.platform.plugins.plugin_utils import certificate_checks as checks

ROOT = Path(__file__).parents[3]
# When somebody looks: later than now, because on a slow machine the certificates are made long after this is read
NOW = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)


def action(name: str) -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get(name, class_only=True).__module__]


@pytest.fixture(scope="module")
def certificates() -> ModuleType:
    return action("certificate_set")


@pytest.fixture(scope="module")
def secret_file() -> ModuleType:
    return action("secret_file")


@pytest.fixture(scope="module")
def authority(secret_file: ModuleType) -> tuple[str, str]:
    pair: tuple[str, str] = secret_file.authority()
    return pair


@pytest.fixture(scope="module")
def signer(authority: tuple[str, str]) -> tuple[x509.Certificate, Any]:
    certificate, key = authority
    return (
        x509.load_pem_x509_certificate(certificate.encode()),
        serialization.load_pem_private_key(key.encode(), password=None),
    )


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form).decode()


def test_openssl_accepts_the_chain_and_the_names(
    certificates: ModuleType, authority: tuple[str, str], signer: Any, tmp_path: Path
) -> None:
    leaf = certificates.issue(public_key(), ["api.example.org", "10.0.0.1", "fd00::1"], signer, 90)
    (tmp_path / "ca.crt").write_text(authority[0])
    (tmp_path / "leaf.crt").write_text(leaf)
    for names in (["-verify_hostname", "api.example.org"], ["-verify_ip", "10.0.0.1"], ["-verify_ip", "fd00::1"]):
        verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.crt", *names, "leaf.crt"]
        assert subprocess.run(verify, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    other = ["openssl", "verify", "-CAfile", "ca.crt", "-verify_hostname", "other.example.org", "leaf.crt"]
    assert subprocess.run(other, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_an_address_can_be_written_as_a_dns_name() -> None:
    assert checks.general_name("DNS:10.0.0.1") == x509.DNSName("10.0.0.1")
    assert checks.general_name("10.0.0.1") == x509.IPAddress(ipaddress.ip_address("10.0.0.1"))


def test_a_good_certificate_stays(certificates: ModuleType, signer: Any) -> None:
    key = public_key()
    leaf = certificates.issue(key, ["a.example", "10.0.0.1"], signer, 90)
    assert checks.reason_to_issue(leaf, key, ["10.0.0.1", "a.example"], signer[0], NOW) == ""


@pytest.mark.parametrize(("days_later", "reason"), [(0, ""), (59, ""), (61, "expires soon"), (91, "expires soon")])
def test_the_last_third_of_ninety_days_begins_after_sixty(
    certificates: ModuleType, signer: Any, days_later: int, reason: str
) -> None:
    key = public_key()
    leaf = certificates.issue(key, ["a.example"], signer, 90)
    later = NOW + datetime.timedelta(days=days_later)
    assert checks.reason_to_issue(leaf, key, ["a.example"], signer[0], later) == reason


@pytest.mark.parametrize(("begin", "end"), [(-9, -1), (1, 9)])
def test_a_ca_that_is_not_valid_today_issues_nothing(
    certificates: ModuleType, signer: Any, begin: int, end: int
) -> None:
    ca, key = authority_below(signer, begin, end)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    arguments = {
        "ca_certificate": ca.public_bytes(serialization.Encoding.PEM).decode(),
        "ca_key": key.private_bytes(*form).decode(),
    }
    action = certificates.ActionModule.__new__(certificates.ActionModule)
    with pytest.raises(AnsibleActionFail, match=r"certificates_ca_certificate is valid from .*, not today; remove it"):
        action.authority(arguments, NOW)
    then = NOW + datetime.timedelta(days=(begin + end) / 2)
    assert action.authority(arguments, then)[0] == ca


def test_nothing_is_valid_for_longer_than_its_ca(certificates: ModuleType, signer: Any) -> None:
    """What is shorter for that reason is good for two thirds of its life as any other."""
    short = authority_below(signer, end=10)
    key = public_key()
    leaf = certificates.issue(key, ["a.example"], short, 90)
    assert x509.load_pem_x509_certificate(leaf.encode()).not_valid_after_utc == short[0].not_valid_after_utc
    for days, reason in (0, ""), (6, ""), (7, "expires soon"):
        later = NOW + datetime.timedelta(days=days)
        assert checks.reason_to_issue(leaf, key, ["a.example"], short[0], later) == reason


def test_every_other_reason_is_named(certificates: ModuleType, secret_file: ModuleType, signer: Any) -> None:
    key, ca = public_key(), signer[0]
    leaf = certificates.issue(key, ["a.example"], signer, 90)
    stranger = x509.load_pem_x509_certificate(secret_file.authority()[0].encode())
    assert checks.reason_to_issue("", key, ["a.example"], ca, NOW) == "missing"
    assert checks.reason_to_issue("rubbish", key, ["a.example"], ca, NOW) == "not issued by this CA"
    assert checks.reason_to_issue(leaf, key, ["a.example"], stranger, NOW) == "not issued by this CA"
    assert checks.reason_to_issue(leaf, public_key(), ["a.example"], ca, NOW) == "does not fit its key"
    assert checks.reason_to_issue(leaf, key, ["a.example", "b.example"], ca, NOW) == "other names"


def test_a_name_over_the_limit_of_a_common_name_is_shortened_as_everywhere(
    certificates: ModuleType, signer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pgBackRest compares the common name with a list that the same filter shortens; the names themselves are whole."""
    long, key = "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.customers.example.net", public_key()
    leaf = certificates.issue(key, [long, "10.0.0.1"], signer, 90)
    certificate = x509.load_pem_x509_certificate(leaf.encode())
    assert certificate.subject.rfc4514_string() == "CN=2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.custome-0b365856"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [long]
    assert checks.reason_to_issue(leaf, key, [long, "10.0.0.1"], signer[0], NOW) == ""
    # As an earlier version cut it off, which nobody compares with
    monkeypatch.setattr(certificates, "common_name_of", lambda name: name[:64])
    cut = certificates.issue(key, [long], signer, 90)
    monkeypatch.undo()
    assert checks.reason_to_issue(cut, key, [long], signer[0], NOW) == "other names"


def test_a_name_that_just_fits_is_its_common_name(certificates: ModuleType, signer: Any) -> None:
    key = public_key()
    for name in ("a" * 63, "a" * 64):
        subject = x509.load_pem_x509_certificate(certificates.issue(key, [name], signer, 90).encode()).subject
        assert subject.rfc4514_string() == f"CN={name}"


def test_the_ca_stands_in_for_an_acme_server_and_never_replaces_its_certificate(
    certificates: ModuleType, secret_file: ModuleType, signer: Any
) -> None:
    key, ca = public_key(), signer[0]
    own = certificates.issue(key, ["a.example"], signer, 90)
    other_ca, other_key = secret_file.authority()
    other_signer = (
        x509.load_pem_x509_certificate(other_ca.encode()),
        serialization.load_pem_private_key(other_key.encode(), password=None),
    )
    public = certificates.issue(key, ["a.example"], other_signer, 90)
    acme = {"names": ["a.example"], "provider": "acme"}

    def reason(entry: dict[str, Any], pem: str, key: str = key) -> Any:
        return checks.reason_for(entry, pem, key, ca, NOW)

    assert reason(acme, "") == "missing"
    assert reason(acme, own) == ""
    assert reason(acme, public) == ""
    assert reason(acme | {"names": ["b.example"]}, own) == "other names"
    assert reason(acme | {"names": ["b.example"]}, public) == ""
    assert reason(acme, public, public_key()) == "not issued by this CA"
    assert reason(acme, "rubbish") == "not issued by this CA"
    assert reason(acme | {"provider": "private_ca"}, public) == "not issued by this CA"


def test_missing_secrets_are_generated_once_and_nothing_else_changes(secret_file: ModuleType) -> None:
    stored = {"redis_password": "kept-as-it-is-0123456789"}
    missing = secret_file.complete(stored, ["redis_password", "database_password"], ["certificates"])
    assert sorted(missing) == ["certificates_ca_certificate", "certificates_ca_key", "database_password"]
    assert len(missing["database_password"]) == 43
    assert missing["certificates_ca_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert secret_file.complete(stored | missing, ["redis_password", "database_password"], ["certificates"]) == {}


@pytest.mark.parametrize("value", ["changeme", "CHANGE_ME!", "password1", "", "xxxx", "<secret>", "TODO"])
def test_placeholders_are_refused_without_being_shown(secret_file: ModuleType, value: str) -> None:
    with pytest.raises(AnsibleActionFail, match="redis_password holds a placeholder"):
        secret_file.complete({"redis_password": value}, ["redis_password"], [])


def test_half_an_authority_is_refused(secret_file: ModuleType) -> None:
    with pytest.raises(AnsibleActionFail, match="only one is there"):
        secret_file.complete({"certificates_ca_key": "-----BEGIN PRIVATE KEY-----"}, [], ["certificates"])


def test_the_ends_of_all_certificates_are_told_to_prometheus(tmp_path: Path) -> None:
    """The program as it is, with folders of the test; the expected number was worked out by hand."""
    tls, told = tmp_path / "tls", tmp_path / "prometheus/node-exporter"
    program = ROOT / "roles/certificates/files/usr/local/lib/holdfast/certificate-expiry"
    text = program.read_text().replace("/etc/holdfast/tls", str(tls)).replace("/var/lib/prometheus", str(told.parent))

    def tell() -> list[str]:
        assert subprocess.run(["sh", "-c", text], capture_output=True, check=False, umask=0o077).returncode == 0
        return (told / "holdfast_certificates.prom").read_text().splitlines()[2:]

    tls.mkdir()
    assert tell() == []
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 1)
        .not_valid_before(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2027, 1, 2, 3, 4, 5, tzinfo=datetime.UTC))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    for name, content in (("broken", b"rubbish"), ("ca", pem), ("nginx", pem + pem)):
        (tls / f"{name}.crt").write_bytes(content)
    assert tell() == [
        'holdfast_certificate_not_after_seconds{certificate="ca"} 1798859045',
        'holdfast_certificate_not_after_seconds{certificate="nginx"} 1798859045',
    ]
    assert [(path.name, path.stat().st_mode & 0o777) for path in told.iterdir()] == [
        ("holdfast_certificates.prom", 0o644)
    ]


@pytest.mark.parametrize("kind", ["certificate", "key"])
def test_what_is_no_text_is_as_if_it_fitted_nothing(
    load_module: Callable[[str], ModuleType], tmp_path: Path, authority: tuple[str, str], kind: str
) -> None:
    """As after a copy in DER, which no service reads."""
    module, entry = load_module("certificate_set"), {"name": "nginx", "group": "root", "provider": "private_ca"}
    pem = {"certificate": (tmp_path / "nginx.crt", authority[0]), "key": (tmp_path / "nginx.key", authority[1])}
    for path, text in pem.values():
        path.write_text(text)
    found = module.look_at(tmp_path, entry, True)
    assert found["certificate"] == authority[0]
    assert found["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    openssl = ["openssl", {"certificate": "x509", "key": "pkey"}[kind], "-outform", "DER"]
    der = subprocess.run([*openssl, "-in", pem[kind][0]], capture_output=True, check=True).stdout
    pem[kind][0].write_bytes(der)
    found = module.look_at(tmp_path, entry, True)
    assert (found["certificate"] == authority[0], found["public_key"] != "") == (kind == "key", kind == "certificate")


def test_a_broken_certificate_without_its_key_does_not_stop_check_mode(
    certificates: ModuleType, authority: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"public_key": "", "certificate": "\ufffd", "key_changed": True, "drift": False}
    look = {"found": {"nginx": state}, "ca_certificate": authority[0], "expiry_program": "text", "renewal": False}
    monkeypatch.setattr(certificates.ActionModule, "call", lambda *_: look)
    action = certificates.ActionModule.__new__(certificates.ActionModule)
    action._task = SimpleNamespace(check_mode=True, diff=False)
    arguments = {
        "ca_certificate": authority[0],
        "ca_key": authority[1],
        "directory": "/etc/holdfast/tls",
        "lifetime_days": 90,
        "expiry_program": "text",
        "certificates": [{"name": "nginx", "names": ["a.example"], "provider": "private_ca"}],
    }
    result = action.act(arguments, {})
    assert result["issued"] == [{"name": "nginx", "reason": "not issued by this CA"}]
    assert result["expires"] == {}


def test_every_changed_certificate_is_told(certificates: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those that stay, and not the keys alone."""
    calls: list[dict[str, Any]] = []

    def call(_self: object, _module: str, arguments: dict[str, Any], _task_vars: object) -> dict[str, Any]:
        calls.append(arguments)
        return {}

    monkeypatch.setattr(certificates.ActionModule, "call", call)
    entry = {"name": "nginx", "provider": "private_ca", "on_change": ["reload nginx.service"]}
    arguments = {
        "directory": "/etc/holdfast/tls",
        "ca_certificate": "ca",
        "expiry_program": "text",
        "certificates": [entry],
    }
    action = certificates.ActionModule.__new__(certificates.ActionModule)
    action.swap(arguments, {"nginx": "pem"}, {})
    tell = "run /usr/local/lib/holdfast/certificate-expiry"
    noticed = {file["dest"]: file["on_change"] for file in calls[0]["files"] if file["state"] == "file"}
    assert noticed == {
        "/etc/holdfast/tls/ca.crt": [tell],
        "/usr/local/lib/holdfast/certificate-expiry": [tell],
        "/etc/holdfast/tls/nginx.crt": [tell, "reload nginx.service"],
    }


def authority_below(
    signer: tuple[x509.Certificate, Any], begin: int = -1, end: int = 30, ca: bool | None = True
) -> tuple[x509.Certificate, Any]:
    """Return an authority that another one has signed, valid from one day to another, seen from today."""
    above, above_key = signer
    key: Any = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "middle")])
    builder = x509.CertificateBuilder(above.subject, name, key.public_key(), 2)
    builder = builder.not_valid_before(NOW + datetime.timedelta(days=begin))
    builder = builder.not_valid_after(NOW + datetime.timedelta(days=end))
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(above_key, hashes.SHA256()), key


def self_signed(name: str = "alone") -> tuple[str, str]:
    """Return a certificate that its own key has signed, and its public key."""
    key: Any = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    itself = x509.CertificateBuilder(subject, subject, key.public_key(), 3)
    itself = itself.not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=1))
    public = key.public_key().public_bytes(*checks.PUBLIC_FORMAT).decode()
    pem = itself.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return pem, public


class Bought:
    """A root, an authority below it, and a certificate with its key, as they are bought."""

    def __init__(self, certificates: ModuleType, secret_file: ModuleType, names: list[str], days: int = 30) -> None:
        root, root_key = secret_file.authority()
        signer = (
            x509.load_pem_x509_certificate(root.encode()),
            serialization.load_pem_private_key(root_key.encode(), password=None),
        )
        key: Any = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.key = key.private_bytes(*form).decode()
        self.public = key.public_key().public_bytes(*checks.PUBLIC_FORMAT).decode()
        self.leaf, self.root = certificates.issue(self.public, names, signer, days), root


@pytest.fixture(scope="module")
def bought(certificates: ModuleType, secret_file: ModuleType) -> Bought:
    return Bought(certificates, secret_file, ["a.example", "*.b.example"])


def test_a_provided_certificate_has_to_be_whole(
    certificates: ModuleType, secret_file: ModuleType, bought: Bought
) -> None:
    chain, names = bought.leaf + bought.root, ["a.example", "x.b.example", "*.b.example"]

    def say(chain: str = chain, key: str = bought.key, names: list[str] = names, days: int = 0) -> Any:
        return checks.unfit(chain, key, names, NOW + datetime.timedelta(days=days))

    other = Bought(certificates, secret_file, ["a.example"])
    assert say() == ""
    assert say(key=other.key) == "the key does not fit the certificate; take both from the same place"
    assert say(names=["a.example", "b.example", "x.y.b.example"]).startswith(
        "it is not valid for b.example, x.y.b.example;"
    )
    assert say(days=31).endswith("not today; renew it")
    assert say(chain=bought.leaf).startswith("the chain ends at the server; append the certificate of CN=")
    assert "is not issued by the next one; order the chain" in say(chain=bought.leaf + other.root)
    assert say(chain=bought.root + bought.leaf).startswith("the first certificate has no names")
    words = "certificate or key is not PEM, or the key has a passphrase; give both as PEM texts without one"
    assert say(chain="rubbish") == say(key="rubbish") == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"ca": False}, "CN=middle is no authority; take the chain that your authority offers"),
        ({"ca": None}, "CN=middle is no authority; take the chain that your authority offers"),
        ({"begin": -9, "end": -1}, "not today; take the chain that your authority offers"),
        ({"begin": 1}, "not today; take the chain that your authority offers"),
    ],
)
def test_everything_in_a_chain_has_to_be_an_authority_today(
    certificates: ModuleType, signer: Any, change: dict[str, Any], words: str
) -> None:
    """With and without its root, which may be expired or wrong as well."""
    middle, middle_key = authority_below(signer, **change)
    above = middle.public_bytes(serialization.Encoding.PEM).decode()
    key = public_key()
    longer = SimpleNamespace(
        subject=middle.subject, public_key=middle.public_key, not_valid_after_utc=NOW + datetime.timedelta(days=99)
    )
    leaf = certificates.issue(key, ["a.example"], (longer, middle_key), 90)
    chain = [x509.load_pem_x509_certificate(pem.encode()) for pem in (leaf, above)]
    for certs in (chain, [*chain, signer[0]]):
        found = checks.broken_link(certs, NOW)
        assert found.endswith(words)
        assert bool(found) == bool(words)
    assert checks.broken_link(chain, NOW + datetime.timedelta(days=31)) != ""


def test_what_is_self_signed_does_not_replace_what_somebody_vouches_for(
    certificates: ModuleType, signer: Any, bought: Bought
) -> None:
    alone, public = self_signed()
    vouched = certificates.issue(public, ["a.example"], signer, 2)

    def say(old: str, days: int = 0) -> Any:
        later = NOW + datetime.timedelta(days=days)
        return checks.reason_to_replace("nginx", alone, old, public, later)

    with pytest.raises(AnsibleActionFail) as refusal:
        say(vouched)
    assert str(refusal.value).startswith(
        "certificates_provided.nginx is self-signed, and the one in place, which CN=Holdfast"
    )
    assert str(refusal.value).endswith(
        "give one that an authority has issued, or remove nginx.crt from the host if the self-signed one is meant"
    )
    assert say(vouched, days=3) == "another one is provided"  # nobody takes it any more
    assert say("") == "missing"
    assert say(alone) == ""
    other, key = self_signed("other")
    for better in (alone, bought.leaf + bought.root):
        assert checks.reason_to_replace("nginx", better, other, key, NOW) == "another one is provided"


def test_a_provided_certificate_replaces_another_one_but_not_a_newer_one(
    certificates: ModuleType, signer: Any, bought: Bought
) -> None:
    chain = bought.leaf + bought.root
    own = certificates.issue(bought.public, ["a.example"], signer, 90)
    assert checks.reason_to_replace("nginx", chain, "", "", NOW) == "missing"
    assert checks.reason_to_replace("nginx", chain, chain, bought.public, NOW) == ""
    assert checks.reason_to_replace("nginx", chain, chain, public_key(), NOW) == "does not fit its key"
    assert checks.reason_to_replace("nginx", chain, own, bought.public, NOW) == "another one is provided"
    key = public_key()
    newer = certificates.issue(key, ["a.example"], signer, 90)
    older = newer
    while (
        x509.load_pem_x509_certificate(older.encode()).not_valid_before_utc
        >= x509.load_pem_x509_certificate(newer.encode()).not_valid_before_utc
    ):
        newer = certificates.issue(key, ["a.example"], signer, 90)
    with pytest.raises(AnsibleActionFail, match=r"certificates_provided\.nginx is older than the one in place"):
        checks.reason_to_replace("nginx", older, newer, key, NOW)


def test_names_of_hosts_have_no_case(certificates: ModuleType, signer: tuple[x509.Certificate, Any]) -> None:
    """`API.Example.org` of a site is in a certificate for `*.example.org`; a spelling is no reason."""
    dns = x509.DNSName
    assert checks.covered("API.Example.org", {dns("*.example.org")})
    assert checks.covered("API.Example.org", {dns("api.example.org")})
    assert not checks.covered("API.Example.org", {dns("*.example.net")})
    assert not checks.covered("a.b.example.org", {dns("*.example.org")})
    key = public_key()
    pem = certificates.issue(key, ["API.Example.org", "192.0.2.1"], signer, 90)
    assert checks.reason_to_issue(pem, key, ["API.Example.org", "192.0.2.1"], signer[0], NOW) == ""
    # The common name alone keeps its spelling: PostgreSQL and pgBackRest compare it to the letter
    assert checks.reason_to_issue(pem, key, ["192.0.2.1", "api.example.org"], signer[0], NOW) == "other names"
    assert checks.reason_to_issue(pem, key, ["API.Example.org", "192.0.2.1"][::-1], signer[0], NOW) == ""
    assert checks.reason_to_issue(pem, key, ["api.example.net"], signer[0], NOW) == "other names"
