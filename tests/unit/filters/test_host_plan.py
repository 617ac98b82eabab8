"""The plan of a host is whole, and knows no secret."""

from __future__ import annotations

from typing import Any

import pytest

from filter_plugins.host_plan import host_plan

OFFERS: dict[str, dict[str, Any]] = {
    "firewall": {"packages": ["nftables"], "units": ["holdfast-firewall.service"]},
    "certificates": {"authorities": ["certificates"]},
    "redis": {
        "units": ["redis-server.service", "holdfast-firewall.service"],
        "ports": [
            {"name": "redis", "port": 6379, "addresses": ["127.0.0.1"], "sources": ["app"]},
            {"name": "redis-more", "ports": [1, 2], "protocol": "udp"},
            {"name": "floating", "protocol": "vrrp"},
        ],
        "certificates": [{"name": "redis", "names": ["data1"], "group": "redis"}],
        "secrets": ["redis_password"],
        "seed_files": [{"dest": "/etc/x", "content": "hidden"}],
    },
}
FIREWALL: dict[str, Any] = {
    "rules": [
        {"name": "ssh", "protocol": "tcp", "ports": [22], "sources": ["public"]},
        {"name": "redis", "protocol": "tcp", "ports": [6379], "sources": ["app", "10.0.0.9"]},
    ],
    "addresses": {"app": ["10.0.0.1", "10.0.0.2"], "containers": []},
    "egress_policy": "accept",
    "egress": [],
}
DROP = {
    "egress_policy": "drop",
    "egress": [{"name": "dns", "protocol": "udp", "ports": [53], "destinations": ["public"]}],
}
PACKAGES = ["nftables", "redis-server"]
CHANGES = {"known": True, "reload": [], "restart": [], "text": "reload: 0, restart: 0"}


def planned(installed: list[str] | None = None, **more: Any) -> dict[str, Any]:
    facts = {} if installed is None else {"installed_packages": installed}
    return host_plan(OFFERS, facts, PACKAGES, FIREWALL, {"memory": {"total_mb": 1024}, **more})


def test_data() -> None:
    found = planned(["nftables", "vim"])
    assert found["roles"] == ["firewall", "certificates", "redis"]
    assert found["packages"] == {"wanted": PACKAGES, "missing": ["redis-server"]}
    assert found["units"] == ["holdfast-firewall.service", "redis-server.service"]
    assert found["certificates"] == [{"name": "redis", "names": ["data1"], "group": "redis"}]
    assert found["secrets"] == ["certificates_ca_key", "redis_password"]
    assert found["memory"] == {"total_mb": 1024}
    assert found["ports"] == [
        {"role": "redis", "name": "redis", "protocol": "tcp", "ports": [6379], "addresses": ["127.0.0.1"]},
        {"role": "redis", "name": "redis-more", "protocol": "udp", "ports": [1, 2], "addresses": []},
        {"role": "redis", "name": "floating", "protocol": "vrrp", "ports": [], "addresses": []},
    ]
    assert [rule["source_addresses"] for rule in found["firewall"]["rules"]] == [
        ["public"],
        ["10.0.0.1", "10.0.0.2", "10.0.0.9"],
    ]
    assert "hidden" not in repr(found)


def test_text() -> None:
    assert planned(PACKAGES)["text"].split("\n") == [
        "roles         firewall, certificates, redis",
        "packages      all 2 are installed",
        "units         holdfast-firewall.service, redis-server.service",
        "certificates  redis",
        "secrets       certificates_ca_key, redis_password",
        "ports",
        "  tcp 6379       redis on 127.0.0.1",
        "  udp 1, 2       redis-more",
        "  vrrp           floating",
        "who may connect",
        "  tcp 22         ssh: public",
        "  tcp 6379       redis: app, 10.0.0.9",
        "outgoing      everything",
        "to do         nothing to do for packages and settings of PostgreSQL; site.yml --check compares files",
    ]


def test_what_may_go_out() -> None:
    lines = host_plan(OFFERS, {}, [], {**FIREWALL, **DROP}, {})["text"].split("\n")
    assert lines[lines.index("outgoing      nothing but") + 1] == "  udp 53         dns: to public"


@pytest.mark.parametrize(
    ("installed", "changes", "to_do"),
    [
        (["nftables"], None, "install packages"),
        (PACKAGES, {**CHANGES, "reload": ["work_mem"]}, "reload PostgreSQL"),
        ([], {**CHANGES, "restart": ["port"]}, "install packages, restart PostgreSQL"),
        (PACKAGES, {**CHANGES, "known": False}, "unknown, the host lacks what would tell"),
        (None, None, "unknown, the host lacks what would tell"),
    ],
)
def test_what_a_run_would_do(installed: list[str] | None, changes: dict[str, Any] | None, to_do: str) -> None:
    assert planned(installed, **({"postgresql": {"changes": changes}} if changes else {}))["to_do"] == to_do


def test_packages_in_the_text() -> None:
    assert "packages      redis-server to install, of 2" in planned(["nftables"])["text"]
    assert "packages      nftables, redis-server" in planned()["text"]


def test_it_takes_offers_and_rules() -> None:
    with pytest.raises(TypeError, match="takes the offers"):
        host_plan([], {}, [], FIREWALL, {})  # type: ignore[arg-type]
