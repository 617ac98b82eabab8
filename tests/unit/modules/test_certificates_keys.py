"""Where keys and secrets are made: by the host for its certificates, on the controller for an inventory."""

from __future__ import annotations

import grp
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.constants import DEFAULT_VAULT_IDENTITY
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
MINE = grp.getgrgid(os.getegid()).gr_name


# ---------------------------------------------------------------- keys of certificates


@pytest.fixture
def keys(load_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module for whoever runs the tests: what root owns there, they own here."""
    module = load_module("certificate_set")
    monkeypatch.setattr(module, "is_as", lambda path, mode, _group: stat.S_IMODE(path.stat().st_mode) == mode)
    monkeypatch.setattr(module.os, "fchown", lambda *_: None)
    monkeypatch.setattr(module.os, "chown", lambda *_: None)
    return module


def entry(**more: str) -> dict[str, str]:
    return {"name": "nginx", "group": MINE, "provider": "private_ca", **more}


def test_a_missing_key_is_made_once_for_its_group(keys: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "holdfast/tls"
    foretold = keys.look_at(folder, entry(), True)
    assert foretold == {"public_key": "", "certificate": "", "key_changed": True, "drift": True}
    assert not folder.exists()
    first = keys.look_at(folder, entry(), False)
    key = folder / "nginx.key"
    shown = subprocess.run(
        ["openssl", "pkey", "-in", key, "-pubout", "-text"], capture_output=True, text=True, check=True
    )
    assert "prime256v1" in shown.stdout
    assert first["public_key"] in shown.stdout
    assert (first["key_changed"], stat.S_IMODE(key.stat().st_mode)) == (True, 0o640)
    again = keys.look_at(folder, entry(), False)
    assert (again["key_changed"], again["public_key"]) == (False, first["public_key"])


def test_a_key_with_another_mode_is_kept_and_put_right(keys: ModuleType, tmp_path: Path) -> None:
    first = keys.look_at(tmp_path, entry(), False)
    key = tmp_path / "nginx.key"
    key.chmod(0o644)
    foretold = keys.look_at(tmp_path, entry(), True)
    assert (foretold["key_changed"], stat.S_IMODE(key.stat().st_mode)) == (True, 0o644)
    found = keys.look_at(tmp_path, entry(), False)
    assert (found["key_changed"], found["public_key"]) == (True, first["public_key"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o640


def test_a_key_of_somebody_else_is_not_made_here(keys: ModuleType, tmp_path: Path) -> None:
    found = keys.look_at(tmp_path, entry(provider="provided"), False)
    assert (found["key_changed"], found["public_key"]) == (True, "")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_does_not_stop_the_next(keys: ModuleType, tmp_path: Path) -> None:
    (tmp_path / ".nginx.key.holdfast").write_text("half")
    assert keys.look_at(tmp_path, entry(), False)["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert [path.name for path in tmp_path.iterdir()] == ["nginx.key"]


@pytest.mark.parametrize(("mode", "drift"), [(0o644, False), (0o600, True)])
def test_a_certificate_that_not_everybody_reads_has_drifted(
    keys: ModuleType, tmp_path: Path, mode: int, drift: bool
) -> None:
    (tmp_path / "nginx.crt").write_text("text")
    (tmp_path / "nginx.crt").chmod(mode)
    found = keys.look_at(tmp_path, entry(), True)
    assert (found["certificate"], found["drift"]) == ("text", drift)


def test_a_file_is_as_it_should_be_when_mode_owner_and_group_are(load_module: Callable[[str], ModuleType]) -> None:
    module = load_module("certificate_set")
    for mode, uid, gid, good in ((0o640, 0, 7, True), (0o644, 0, 7, False), (0o640, 1, 7, False), (0o640, 0, 8, False)):
        path = SimpleNamespace(stat=lambda status=(mode, uid, gid): SimpleNamespace(
            st_mode=0o100000 | status[0], st_uid=status[1], st_gid=status[2]))  # fmt: skip
        assert module.is_as(path, 0o640, 7) is good


def called(module: Any, check: bool, folder: Path, *entries: dict[str, str]) -> Any:
    given = {"directory": str(folder), "certificates": list(entries)}
    return module.called(given, check)


def test_a_call_tells_what_is_there(keys: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    monkeypatch.setattr(keys, "EXPIRY", tmp_path / "expiry")
    assert called(keys, True, folder, entry()) == {
        "changed": False,
        "found": {"nginx": {"public_key": "", "certificate": "", "key_changed": True, "drift": True}},
        "ca_certificate": "",
        "renewal": False,
        "expiry_program": "",
    }
    (folder / "ca.crt").write_text("authority")
    (tmp_path / "expiry").write_text("program")
    (tmp_path / "certificate-renewal.json").write_text("{}")
    assert called(keys, False, folder) == {
        "changed": False,
        "found": {},
        "ca_certificate": "authority",
        "renewal": True,
        "expiry_program": "program",
    }


def test_a_group_that_is_not_there_yet_is_tolerated_in_check_mode_alone(keys: ModuleType, tmp_path: Path) -> None:
    stranger = entry(group="nobody-we-know")
    assert called(keys, True, tmp_path, stranger)["found"]["nginx"]["drift"] is True
    assert called(keys, False, tmp_path, stranger) == {
        "failed": True,
        "changed": False,
        "msg": "group nobody-we-know of certificate nginx does not exist; install its service first",
    }


# ---------------------------------------------------------------- secrets of an inventory


@pytest.fixture
def secrets_of() -> Any:
    """Call secret_file with a vault password, or with none."""
    action_loader.add_directory(str(ROOT / "action_plugins"))
    module = sys.modules[action_loader.get("secret_file", class_only=True).__module__]

    def call(path: Path, words: str = "ours", check: bool = False, **more: Any) -> dict[str, Any]:
        known = [(DEFAULT_VAULT_IDENTITY, VaultSecret(words.encode()))] if words else []
        plugin = module.ActionModule.__new__(module.ActionModule)
        plugin._loader = SimpleNamespace(_vault=VaultLib(known))
        plugin._task = SimpleNamespace(check_mode=check)
        result: dict[str, Any] = plugin.act({"path": str(path), "passwords": [], "authorities": [], **more}, {})
        return result

    def read(path: Path) -> dict[str, Any]:
        vault = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(b"ours"))])
        stored: dict[str, Any] = yaml.safe_load(vault.decrypt(path.read_bytes()))
        return stored

    return SimpleNamespace(call=call, read=read, failure=module.AnsibleActionFail)


def test_secrets_are_added_to_an_encrypted_file_for_its_owner_alone(secrets_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "group_vars/all/vault.yml"
    wanted = {"passwords": ["b_password", "a_password"], "authorities": ["certificates"]}
    names = ["a_password", "b_password", "certificates_ca_certificate", "certificates_ca_key"]
    assert secrets_of.call(path, check=True, **wanted) == {"changed": True, "generated": names}
    assert not path.exists()
    assert secrets_of.call(path, **wanted) == {"changed": True, "generated": names}
    before = path.read_bytes()
    assert before.startswith(b"$ANSIBLE_VAULT;")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = secrets_of.read(path)
    assert sorted(stored) == names
    assert len(stored["a_password"]) == 43
    assert stored["a_password"] != stored["b_password"]
    assert secrets_of.call(path, **wanted) == {"changed": False, "generated": []}
    assert path.read_bytes() == before
    path.with_name(".vault.yml.new").write_text("half")  # of a killed run
    assert secrets_of.call(path, passwords=["c_password"])["generated"] == ["c_password"]
    assert {name: secrets_of.read(path)[name] for name in names} == stored
    assert [each.name for each in path.parent.iterdir()] == ["vault.yml"]


def test_an_authority_lasts_ten_years_and_signs_certificates_alone(secrets_of: Any, tmp_path: Path) -> None:
    secrets_of.call(tmp_path / "vault.yml", authorities=["x"])
    (tmp_path / "ca.crt").write_text(secrets_of.read(tmp_path / "vault.yml")["x_ca_certificate"])
    argv = ["openssl", "x509", "-noout", "-text", "-in", str(tmp_path / "ca.crt")]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "CA:TRUE, pathlen:0" in text
    assert "Certificate Sign, CRL Sign\n" in text
    assert "Key Agreement" not in text
    for days, code in ((10 * 365 - 1, 0), (10 * 365 + 1, 1)):
        end = ["openssl", "x509", "-noout", "-checkend", str(days * 86400), "-in", str(tmp_path / "ca.crt")]
        assert subprocess.run(end, capture_output=True, check=False).returncode == code


def test_without_a_password_or_with_another_one_nothing_is_written(secrets_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "vault.yml"
    with pytest.raises(secrets_of.failure, match="there is no vault password"):
        secrets_of.call(path, words="", passwords=["a"])
    secrets_of.call(path, passwords=["a"])
    before = path.read_bytes()
    with pytest.raises(secrets_of.failure, match="does not open with this vault password"):
        secrets_of.call(path, words="theirs", passwords=["b"])
    assert path.read_bytes() == before
    path.write_text("a: plain\n")
    with pytest.raises(secrets_of.failure, match="is not encrypted; run `ansible-vault encrypt"):
        secrets_of.call(path, passwords=["b"])
    assert path.read_text() == "a: plain\n"
