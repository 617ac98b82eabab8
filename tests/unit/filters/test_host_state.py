"""What a host already has: packages of others, masked units, facts that could not be found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]


@pytest.mark.parametrize(
    ("have", "wanted", "found"),
    [
        (["docker-ce", "docker-ce-cli", "containerd.io"], "docker.io", ["docker-ce", "docker-ce-cli", "containerd.io"]),
        (["docker-ce-cli"], "docker.io", ["docker-ce-cli"]),
        (["podman-docker"], "docker.io", ["podman-docker"]),
        (["moby-engine", "moby-cli"], "docker.io", ["moby-engine", "moby-cli"]),
        (["systemd-cron"], "cron", ["systemd-cron"]),
        (["bcron"], "cron", ["bcron"]),
        (["cronie"], "cron", ["cronie"]),
        (["sudo-ldap"], "sudo", ["sudo-ldap"]),
        (["valkey-redis-compat"], "redis-server", ["valkey-redis-compat"]),
        (["docker-ce"], "nginx", []),  # a host without containers of ours
        (["docker.io", "docker-compose", "podman", "containerd", "runc"], "docker.io", []),
        (["postgresql-17", "postgresql-16", "pgdg-keyring"], "postgresql-17", []),
        ([], "docker.io", []),
    ],
)
def test_packages_that_cannot_stay_beside_ours(
    filters: Filters, have: list[str], wanted: str, found: list[str]
) -> None:
    sentences = filters["package_findings"]({"installed_packages": have}, ["base-files", wanted], "app1")
    assert len(sentences) == bool(found)
    for sentence in sentences:
        assert sentence.startswith(
            f"{', '.join(found)} of app1 cannot stay beside Debian's {wanted}, which this host needs; "
        )
        assert f"`apt-get remove {' '.join(found)}` there" in sentence
        assert ("what Docker keeps in /var/lib/docker stays" in sentence) is (wanted == "docker.io")


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        ("1.28.0-1~trixie", True),  # nginx.org, as its repository names them
        ("1.26.3-2~bookworm", True),
        ("1.26.3-3+deb13u1", False),
        ("1.22.1-9+deb12u3", False),
        ("1.26.3-3~bpo12+1", False),
        ("", False),
    ],
)
def test_nginx_of_nginx_org_is_told_by_its_version(filters: Filters, version: str, refused: bool) -> None:
    facts = {"installed_packages": ["nginx"], "package_versions": {"nginx": version} if version else {}}
    sentences = filters["package_findings"](facts, ["nginx"], "edge1")
    assert len(sentences) == refused
    for sentence in sentences:
        assert sentence.startswith(f"nginx {version} of edge1 comes from nginx.org")
        assert sentence.endswith("then `apt-get purge nginx && apt-get update`")
    assert filters["package_findings"](facts, ["redis-server"], "edge1") == []


def test_packages_of_apt_postgresql_org_are_fine(filters: Filters) -> None:
    facts = {"installed_packages": ["postgresql-17"], "package_versions": {"pgbackrest": "2.57.0-1.pgdg13+1"}}
    assert filters["package_findings"](facts, ["postgresql-17", "pgbackrest"], "data1") == []


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        ("2.55.1-1", "2.55.1-1.pgdg13+1", ""),  # the same program, from two sources
        (
            "2.57.0-1.pgdg13+1",
            "2.55.1-1",
            "data1 has pgBackRest 2.57.0, and backup1, which keeps its backups, 2.55.1; ",
        ),
        ("", "2.55.1-1", ""),
        ("2.55.1-1", "", ""),
    ],
)
def test_pgbackrest_has_one_version_at_both_ends(filters: Filters, here: str, there: str, words: str) -> None:
    facts = {"package_versions": {"pgbackrest": here}}
    for wanted in (["cron", "pgbackrest"], ["cron"]):
        sentences = filters["package_findings"](facts, wanted, "data1", "backup1", repository_version=there)
        assert len(sentences) == bool(words and "pgbackrest" in wanted)
        assert all(sentence.startswith(words) for sentence in sentences)


def test_nothing_is_known_of_a_host_without_facts(filters: Filters) -> None:
    assert filters["package_findings"]({}, ["docker.io", "nginx"], "app1") == []
    assert filters["unit_findings"]({}, {"nginx": ["nginx.service"]}, "app1") == []
    assert filters["fact_findings"]({}, "app1") == []


def test_a_masked_unit_that_a_role_starts_is_one_sentence_with_both_ways_out(filters: Filters) -> None:
    facts = {"masked_units": ["apt-daily.timer", "nginx.service", "plymouth-start.service"]}
    units = {"base": ["ssh.service", "apt-daily.timer"], "nginx": ["nginx.service"], "redis": ["redis-server.service"]}
    switches = {"apt-daily.timer": "base_upgrades_enabled: false", "auditd.service": "hardening_audit_enabled: false"}
    assert filters["unit_findings"](facts, units, "web1", switches) == [
        "apt-daily.timer of web1 is masked, and role base starts it; `systemctl unmask apt-daily.timer` there, "
        "or set base_upgrades_enabled: false",
        "nginx.service of web1 is masked, and role nginx starts it; `systemctl unmask nginx.service` there",
    ]
    assert filters["unit_findings"](facts, {"base": ["ssh.service"]}, "web1", switches) == []


def test_facts_that_failed_are_told_unless_nothing_needs_them(filters: Filters) -> None:
    facts = {"facts_failed": {"memory": "OSError: no", "PostgreSQL": "ValueError: x"}}
    assert filters["fact_findings"](facts, "web1", ["PostgreSQL"]) == [
        "memory of web1 could not be found out (OSError: no); look at it there, and run this again"
    ]
    assert len(filters["fact_findings"](facts, "web1")) == 2


@pytest.mark.parametrize("name", ["package_findings", "unit_findings", "fact_findings"])
def test_what_is_no_mapping_is_refused(refusal: Callable[..., str], name: str) -> None:
    arguments: dict[str, list[Any]] = {
        "package_findings": [[], "x"],
        "unit_findings": [{}, "x"],
        "fact_findings": ["x"],
    }
    assert f"{name} takes the facts" in refusal(name, "no facts", *arguments[name])
