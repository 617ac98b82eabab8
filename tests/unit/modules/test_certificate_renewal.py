"""Certificates of an ACME server: what is due, what may replace what, what is told (TLS-03, TLS-04, TLS-05, TLS-07).

A real openssl examines; lego is played by a script that signs with a CA of the test, as it is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "roles/certificates/files/usr/local/lib/holdfast/certificate-renewal"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"]
SIGN = ["-CA", "root.crt", "-CAkey", "root.key", "-days", "9", "-copy_extensions", "copy"]
NAMES = ["a.example", "b.example"]
# Signs the request with the CA of the directory, plus what a test wants; `says` makes it fail with these words.
LEGO = """#!/bin/sh
set -e
while [ $# -gt 1 ]; do
    case $1 in --server) server=${2##*/};; --path) path=$2;; --csr) request=$2;; esac
    shift
done
echo "$server" >> "$HOST/asked"
[ -z "$LEGO_CA_CERTIFICATES" ] || cp "$LEGO_CA_CERTIFICATES" "$HOST/trusted"
umask 077
mkdir -p "$path/accounts/acme.test" "$path/certificates"
if [ -s "$HOST/says" ]; then cat "$HOST/says" >&2; [ -e "$HOST/forgets" ] && rm "$HOST/says" "$HOST/forgets"; exit 1; fi
cd "$HOST/$server"
openssl x509 -req -in "$request" -CA middle.crt -CAkey middle.key $(cat "$HOST/sign") -out leaf.crt 2>/dev/null
cat $(cat "$HOST/chain") > "$path/certificates/a.example.crt"
cp middle.crt "$path/certificates/a.example.issuer.crt"
"""


def openssl(folder: Path, *argv: str) -> None:
    subprocess.run(["openssl", *argv], cwd=folder, capture_output=True, check=True)


def make_ca(folder: Path) -> Path:
    """Make a root and one authority below it, as public ones have."""
    folder.mkdir()
    usage = ["-addext", "keyUsage=critical,keyCertSign"]
    openssl(folder, "req", "-x509", "-days", "9", *NEW_KEY, "root.key", "-subj", f"/CN=root {folder.name}", *usage,
            "-out", "root.crt")  # fmt: skip
    openssl(folder, "req", "-new", *NEW_KEY, "middle.key", "-subj", f"/CN=middle {folder.name}", *usage,
            "-addext", "basicConstraints=critical,CA:TRUE", "-out", "middle.csr")  # fmt: skip
    openssl(folder, "x509", "-req", "-in", "middle.csr", *SIGN, "-out", "middle.crt")
    return folder


class Renewal:
    """The program on a pretended host."""

    def __init__(self, folder: Path, program: ModuleType, host: Any) -> None:
        self.folder, self.program, self.host = folder, program, host
        self.tls = folder / "tls"
        self.entry = {"name": "nginx", "names": NAMES, "group": host.my_group, "on_change": ["reload nginx.service"]}
        self.settings: dict[str, Any] = {
            "directory": "https://acme.test/good",
            "directory_ca": "",
            "trial_directory": "",
            "roots": (folder / "good/root.crt").read_text(),
            "email": "ops@example.org",
            "key_type": "ecdsa",
            "dns_command": "",
            "certificates": [self.entry],
        }

    def say(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def work(self) -> dict[str, Any]:
        record: dict[str, Any] = self.program.work(self.settings)
        return record

    def pair(self) -> tuple[str, str]:
        return (self.tls / "nginx.crt").read_text(), (self.tls / "nginx.key").read_text()

    def asked(self) -> list[str]:
        log = self.folder / "asked"
        lines = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def stand_in(self) -> None:
        """Have the private CA's own certificate in place, as role certificates puts it there."""
        names = "subjectAltName=DNS:a.example,DNS:b.example"
        openssl(self.folder / "own", "req", "-new", *NEW_KEY, str(self.tls / "nginx.key"), "-subj", "/CN=a.example",
                "-addext", names, "-out", "s.csr")  # fmt: skip
        openssl(self.folder / "own", "x509", "-req", "-in", "s.csr", *SIGN, "-out", str(self.tls / "nginx.crt"))
        (self.tls / "ca.crt").write_text((self.folder / "own/root.crt").read_text())


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authorities")
    for name in ("good", "strange", "own"):
        make_ca(folder / name)
    return folder


@pytest.fixture
def renewal(
    tmp_path: Path,
    host: Any,
    authorities: Path,
    monkeypatch: pytest.MonkeyPatch,
    load_program: Callable[[Path], ModuleType],
) -> Renewal:
    for name in ("good", "strange", "own"):
        (tmp_path / name).mkdir()
        for path in (authorities / name).iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    program = load_program(PROGRAM)
    host.move(program, monkeypatch)
    monkeypatch.setattr(program, "TLS", tmp_path / "tls")
    monkeypatch.setattr(program, "ACME", tmp_path / "acme")
    monkeypatch.setattr(program, "RECORD", tmp_path / "acme/renewal.json")
    monkeypatch.setattr(program, "SETTINGS", tmp_path / "settings.json")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(program, "EXPIRY", "expiry")
    host.tool("lego", LEGO)
    host.tool("expiry", '#!/bin/sh\nopenssl x509 -noout -fingerprint -in "$HOST/tls/nginx.crt" >"$HOST/told"\n')
    host.runs("nginx.service")
    pretended = Renewal(tmp_path, program, host)
    pretended.tls.mkdir()
    pretended.say(sign="-days 6 -copy_extensions copy", chain="leaf.crt middle.crt", **{"public.pem": ""})
    pretended.stand_in()
    return pretended


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")


@needs_root
def test_the_first_certificate_replaces_the_one_that_stands_in_and_keeps_the_key(renewal: Renewal) -> None:
    stood, key = renewal.pair()
    assert renewal.program.due(renewal.entry, renewal.settings) == "the private CA stands in"
    assert renewal.work()["obtained"] == {"nginx": "the private CA stands in"}
    assert renewal.pair()[0] != stood
    assert renewal.pair()[0].count("BEGIN CERTIFICATE") == 2
    assert renewal.pair()[1] == key
    assert (renewal.tls / "nginx.key").stat().st_mode & 0o777 == 0o640
    assert renewal.host.said() == ["reload-or-restart nginx.service"]


@needs_root
def test_the_metric_is_told_what_is_in_place(renewal: Renewal) -> None:
    renewal.work()
    new = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-in", renewal.tls / "nginx.crt"],
                         capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert (renewal.folder / "told").read_text() == new


@needs_root
def test_a_metric_that_cannot_be_told_keeps_nothing_from_being_renewed(
    renewal: Renewal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal.program, "EXPIRY", "/nowhere")
    assert renewal.work()["obtained"] == {"nginx": "the private CA stands in"}


@needs_root
def test_a_second_run_asks_nobody_and_changes_nothing(renewal: Renewal) -> None:
    renewal.work()
    before = renewal.pair()
    renewal.asked()
    renewal.host.said()
    assert renewal.work() | {"time": ""} == {"time": "", "obtained": {}, "failed": {}}
    assert (renewal.asked(), renewal.host.said(), renewal.pair()) == ([], [], before)


@needs_root
@pytest.mark.parametrize(("days_later", "reason"), [(0, ""), (3.9, ""), (4.1, "expires soon"), (7, "expires soon")])
def test_the_last_third_of_six_days_begins_after_four(
    renewal: Renewal, monkeypatch: pytest.MonkeyPatch, days_later: float, reason: str
) -> None:
    renewal.work()
    later = time.time() + days_later * 86400
    monkeypatch.setattr(renewal.program.time, "time", lambda: later)
    assert renewal.program.due(renewal.entry, renewal.settings) == reason


@needs_root
def test_other_names_and_another_type_of_key_are_due(renewal: Renewal) -> None:
    renewal.work()
    key = renewal.pair()[1]
    renewal.settings["key_type"] = "rsa"
    assert renewal.work()["obtained"] == {"nginx": "other type of key"}
    assert renewal.pair()[1] != key
    assert renewal.program.present("nginx").public_key == renewal.program.public_key(renewal.tls / "nginx.key")
    renewal.entry["names"] = ["a.example", "C.example"]
    assert renewal.work()["obtained"] == {"nginx": "other names"}
    assert renewal.program.present("nginx").names == {"a.example", "c.example"}
    (renewal.tls / "nginx.crt").unlink()
    assert renewal.program.due(renewal.entry, renewal.settings) == "missing"


@needs_root
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chain": "leaf.crt"}, "its chain does not lead to an authority that clients trust"),
        ({"chain": "middle.crt leaf.crt"}, "it does not fit the key"),
        ({"sign": "-days 0 -copy_extensions copy"}, "certificate has expired"),
        ({"directory": "strange"}, "its chain does not lead to an authority that clients trust"),
    ],
)
def test_a_bad_certificate_never_replaces_one_that_serves(renewal: Renewal, change: dict[str, str], words: str) -> None:
    renewal.work()
    before = renewal.pair()
    renewal.host.said()
    renewal.entry["names"] = ["b.example", "a.example", "c.example"]
    renewal.settings["directory"] = f"https://acme.test/{change.get('directory', 'good')}"
    renewal.say(**change)
    record = renewal.work()
    assert record["obtained"] == {}
    assert words in record["failed"]["nginx"]["message"]
    stays = f"The one in place stays, valid until {renewal.program.present('nginx').last_day()}."
    assert record["failed"]["nginx"]["message"].endswith(stays)
    assert (renewal.pair(), renewal.host.said()) == (before, [])


@needs_root
def test_names_that_the_server_left_out_are_missed(renewal: Renewal) -> None:
    renewal.say(sign=f"-days 6 -extfile {renewal.folder}/extensions", extensions="subjectAltName=DNS:a.example\n")
    message = renewal.work()["failed"]["nginx"]["message"]
    assert "it is not valid for b.example" in message


@needs_root
def test_what_the_world_trusts_is_not_replaced_by_what_it_does_not(renewal: Renewal) -> None:
    """As when the staging directory is named where a production certificate serves."""
    renewal.say(**{"public.pem": renewal.settings["roots"]})
    renewal.settings["roots"] = ""
    renewal.work()
    before = renewal.pair()
    renewal.settings |= {
        "directory": "https://acme.test/strange",
        "roots": (renewal.folder / "strange/root.crt").read_text(),
    }
    message = renewal.work()["failed"]["nginx"]["message"]
    assert "the one in place comes from a public authority and this one does not" in message
    assert renewal.pair() == before


@needs_root
def test_an_older_one_does_not_replace_a_newer_one(renewal: Renewal) -> None:
    renewal.work()
    renewal.entry["names"] = ["a.example"]
    new = renewal.program.Certificate(renewal.pair()[0])
    new.begins -= 86400
    assert (
        renewal.program.unfit(new, new.public_key, renewal.entry, renewal.settings)
        == "it is older than the one in place"
    )


@needs_root
def test_the_trial_comes_first_and_is_never_installed(renewal: Renewal) -> None:
    renewal.settings["trial_directory"] = "https://acme.test/strange"
    renewal.work()
    assert renewal.asked() == ["strange", "good"]
    assert renewal.program.present("nginx").problem(renewal.settings["roots"]) == ""
    renewal.say(says="Could not obtain certificates:\n\tacme:error:dns :: no such name")
    renewal.entry["names"] = ["new.example"]
    assert "https://acme.test/strange did not issue it" in renewal.work()["failed"]["nginx"]["message"]
    assert renewal.asked() == ["strange"]


@needs_root
@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ('Could not create client: get directory at "x": connection refused', "the server does not answer"),
        ("Could not create client: x509: certificate signed by unknown authority", "certificates_acme_directory_ca"),
        ("Could not obtain certificates:\n urn:ietf:params:acme:error:rateLimited :: too many", "too many requests"),
        ("Could not complete registration\n urn:ietf:params:acme:error:badNonce :: no", "the timer tries again"),
        ("Could not obtain certificates:\n urn:ietf:params:acme:error:connection :: refused", "port 80"),
        (
            'Could not obtain certificates:\n acme:error:connection :: could not resolve URL "x"',
            "the name is not in DNS",
        ),
        ("Could not obtain certificates:\n error presenting token: exit status 3", "certificates_acme_dns_command"),
        (
            "Could not obtain certificates:\n[a] acme:error:caa :: no\n[b] acme:error:connection :: refused",
            "a CAA record of the domain forbids this authority; change the record or the directory; the authority",
        ),
        ("what nobody has foreseen", "what nobody has foreseen"),
    ],
)
def test_a_failing_server_leaves_the_old_one_and_a_sentence(renewal: Renewal, said: str, cure: str) -> None:
    stood = renewal.pair()
    renewal.say(says=f"2026/11/21 19:00:00 [INFO] noise\n2026/11/21 19:00:00 {said}\n")
    first = renewal.work()["failed"]["nginx"]
    assert cure in first["message"]
    assert "noise" not in first["message"]
    assert "\n" not in first["message"]
    assert (
        f"The one in place stays, valid until {time.strftime('%Y-%m-', time.gmtime(time.time() + 9 * 86400))}"
        in first["message"]
    )
    assert renewal.pair() == stood
    assert renewal.work()["failed"]["nginx"]["since"] == first["since"]


@needs_root
def test_a_server_that_has_forgotten_the_account_gets_a_new_one(renewal: Renewal) -> None:
    renewal.say(says="Could not obtain certificates:\n acme:error:accountDoesNotExist", forgets="")
    (renewal.folder / "acme/accounts/acme.test/old").mkdir(parents=True)
    assert renewal.work()["failed"] == {}
    assert not (renewal.folder / "acme/accounts/acme.test/old").exists()


@needs_root
def test_an_account_that_is_gone_already_is_no_failure(renewal: Renewal) -> None:
    """Nothing is there to be removed: somebody has, or the server never knew us."""
    renewal.say(says="Could not obtain certificates:\n acme:error:accountDoesNotExist", forgets="")
    assert renewal.work()["failed"] == {}
    renewal.say(says="Could not obtain certificates:\n acme:error:accountDoesNotExist")
    renewal.entry["names"] = ["c.example"]
    assert "accountDoesNotExist" in renewal.work()["failed"]["nginx"]["message"]  # asked again once, not for ever


@needs_root
def test_the_authority_of_the_directory_reaches_the_client(renewal: Renewal) -> None:
    """A server inside of a company has a certificate that the public authorities do not vouch for."""
    renewal.settings["directory_ca"] = "the authority of the directory\n"
    assert renewal.work()["failed"] == {}
    assert (renewal.folder / "trusted").read_text() == "the authority of the directory\n"


@needs_root
def test_without_a_directory_ca_only_public_authorities_count(renewal: Renewal) -> None:
    renewal.work()
    assert not (renewal.folder / "trusted").exists()


@needs_root
@pytest.mark.parametrize("program", ["lego", "openssl"])
def test_a_program_that_is_missing_is_one_sentence_for_each_certificate(
    renewal: Renewal, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    real = renewal.program.subprocess.run

    def run(argv: Any, **options: Any) -> Any:
        if argv[0] == program:
            raise FileNotFoundError(2, "No such file or directory")
        return real(argv, **options)

    monkeypatch.setattr(renewal.program.subprocess, "run", run)
    renewal.settings["certificates"] = [renewal.entry, {**renewal.entry, "name": "shop"}]
    failed = renewal.work()["failed"]
    assert set(failed) == {"nginx", "shop"}
    assert f"nginx: {program}: No such file or directory. " in failed["nginx"]["message"]


@needs_root
def test_a_service_that_refuses_the_new_certificate_gets_the_old_one_back(renewal: Renewal) -> None:
    stood = renewal.pair()
    renewal.host.accept(f"cmp -s {renewal.tls}/nginx.crt {renewal.folder}/stood")
    renewal.say(stood=stood[0])
    message = renewal.work()["failed"]["nginx"]["message"]
    assert "Every file was put back and the old configuration is in force again" in message
    assert renewal.pair() == stood


@needs_root
def test_a_run_that_was_killed_before_the_reload_is_finished_by_the_next(renewal: Renewal) -> None:
    renewal.work()
    renewal.host.said()
    module = renewal.host.module
    module.Journal(module.STATE / "certificates", stage="activating", owed=["reload nginx.service"]).save()
    assert renewal.work()["obtained"] == {}
    assert renewal.host.said() == ["reload-or-restart nginx.service"]
    renewal.work()
    assert renewal.host.said() == []


@needs_root
def test_one_that_fails_does_not_keep_the_next_from_being_obtained(renewal: Renewal) -> None:
    bad = {**renewal.entry, "name": "bad", "group": "nobody-has-this-group"}
    renewal.settings["certificates"] = [bad, renewal.entry]
    record = renewal.work()
    assert list(record["failed"]) == ["bad"]
    assert list(record["obtained"]) == ["nginx"]
    assert "There is none in place." in record["failed"]["bad"]["message"]


@needs_root
def test_what_is_no_text_is_replaced_and_does_not_keep_the_next_from_being_renewed(renewal: Renewal) -> None:
    """As after a copy in DER, which no service reads."""
    other = {**renewal.entry, "name": "other"}
    renewal.settings["certificates"] = [renewal.entry, other]
    renewal.work()
    for tool, suffix in ("x509", "crt"), ("pkey", "key"):
        file = renewal.tls / f"nginx.{suffix}"
        openssl(renewal.folder, tool, "-in", str(file), "-outform", "DER", "-out", "der")
        (renewal.folder / "der").replace(file)
        (renewal.tls / "other.crt").unlink()
        renewal.host.said()
        reason = {"crt": "not a certificate in PEM", "key": "does not fit its key"}[suffix]
        assert renewal.work()["obtained"] == {"nginx": reason, "other": "missing"}
        new = renewal.program.present("nginx")
        assert new.public_key == renewal.program.public_key(renewal.tls / "nginx.key") != ""
        assert renewal.pair()[1].startswith("-----BEGIN PRIVATE KEY-----")
    (renewal.tls / "ca.crt").write_bytes(b"\xff")
    assert renewal.work()["obtained"] == {}


@needs_root
def test_what_is_no_text_and_cannot_be_replaced_is_told(renewal: Renewal) -> None:
    (renewal.tls / "nginx.crt").write_bytes(b"\x30\x82\xff")
    renewal.say(says="Could not obtain certificates:\n acme:error:connection :: refused")
    failed = renewal.work()["failed"]["nginx"]["message"]
    assert "look at DNS and firewalls" in failed
    assert failed.endswith("There is none in place.")
    assert renewal.program.recorded()["failed"]["nginx"]["message"] == failed


@needs_root
def test_a_client_that_leaves_no_certificate_is_a_failure_like_others(renewal: Renewal) -> None:
    renewal.host.tool("lego", "#!/bin/sh\nexit 0\n")
    message = renewal.work()["failed"]["nginx"]["message"]
    assert "lego says that it has the certificate from https://acme.test/good, and left none" in message


@needs_root
def test_a_name_that_the_authority_adds_is_no_reason_to_ask_again(renewal: Renewal) -> None:
    extensions = "subjectAltName=DNS:a.example,DNS:b.example,DNS:www.a.example\n"
    renewal.say(sign=f"-days 6 -extfile {renewal.folder}/extensions", extensions=extensions)
    assert renewal.work()["obtained"] == {"nginx": "the private CA stands in"}
    renewal.asked()
    assert renewal.work()["obtained"] == {}
    assert renewal.asked() == []


@needs_root
def test_nothing_secret_is_said(renewal: Renewal, capsys: pytest.CaptureFixture[str]) -> None:
    renewal.settings["key_type"] = "rsa"
    renewal.work()
    secret = renewal.pair()[1].splitlines()[1]
    said = capsys.readouterr()
    assert said.out.startswith("nginx: obtained")
    assert secret not in said.out + said.err + (renewal.folder / "acme/renewal.json").read_text()
    assert [
        path.name for path in (renewal.folder / "acme").rglob("*") if path.is_file() and secret in path.read_text()
    ] == []


@needs_root
def test_the_program_tells_what_is_due_and_starts_its_unit(
    renewal: Renewal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    renewal.program.SETTINGS.write_text(json.dumps(renewal.settings))

    def call(*argv: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["certificate-renewal", *argv])
        code = renewal.program.main()
        said = capsys.readouterr().out
        return code, json.loads(said) if argv else said

    assert call("due") == (0, {"obtained": {"nginx": "the private CA stands in"}, "failed": {}})
    assert renewal.asked() == []
    assert call() == (0, "nginx: obtained (the private CA stands in)\n")
    assert call("due") == (0, {"obtained": {}, "failed": {}})
    assert call("start")[1]["obtained"] == {"nginx": "the private CA stands in"}  # what the unit has recorded
    renewal.host.accept("false")
    assert call("start")[0] == 0  # the role reads the record and fails with its words
    assert "Job for holdfast-certificates.service failed." in str(call("start")[1]["failed"])


@needs_root
def test_what_fails_ends_with_1_so_that_the_unit_fails(
    renewal: Renewal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    renewal.program.SETTINGS.write_text(json.dumps(renewal.settings))
    monkeypatch.setattr(sys, "argv", ["certificate-renewal"])
    renewal.say(says="Could not create client: nobody answers\n")
    assert renewal.program.main() == 1

    def refuse(_settings: dict[str, Any]) -> dict[str, Any]:
        raise renewal.program.Refused("another run is under way")

    monkeypatch.setattr(renewal.program, "work", refuse)
    capsys.readouterr()
    assert renewal.program.main() == 1
    assert capsys.readouterr().err == "another run is under way\n"
