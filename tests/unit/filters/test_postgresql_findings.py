"""Options of role postgresql that cannot work, one sentence each (PGS-05, PGS-15)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
HOSTS = [{"name": "data1", "address": "10.0.0.1"}, {"name": "data-2.x", "address": "10.0.0.2"}]
OPTIONS: dict[str, Any] = {
    "listen_addresses": ["localhost", "10.0.0.1", "::1", "*", "db.example.org"],
    "max_connections": 4,
    "synchronous_standbys": 0,
    "initial_primary": "",
    "rebuild": "",
    "rejoin": "",
    "replication_hosts": HOSTS,
    "settings": {"work_mem": "4MB", "cron.database_name": "shop", "jit": False},
}


def found(filters: Filters, **options: Any) -> str:
    """Return the findings with some options, named without their prefix, as lines."""
    given = {f"postgresql_{name}": value for name, value in {**OPTIONS, **options}.items()}
    return "\n".join(filters["postgresql_findings"](given))


def test_what_can_work_passes(filters: Filters, refusal: Refusal) -> None:
    assert found(filters) == ""
    assert found(filters, initial_primary="data1", rejoin="data-2.x", rebuild="data1") == ""
    assert found(filters, replication_hosts=[]) == ""
    assert found(filters, replication_hosts=[{"name": "data1", "address": "db.example.org"}]) == ""
    assert "options must be a dict" in refusal("postgresql_findings", [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"listen_addresses": []}, "postgresql_listen_addresses is empty; give at least localhost"),
        ({"listen_addresses": ["10.0.0.300"]}, "postgresql_listen_addresses has '10.0.0.300'; give addresses"),
        ({"listen_addresses": ["eth 0"]}, "has 'eth 0'"),
        ({"listen_addresses": [""]}, "has ''"),
        ({"max_connections": 3}, "postgresql_max_connections is 3, and 3 of them are reserved for superusers; give 4"),
        ({"synchronous_standbys": -1}, "postgresql_synchronous_standbys is -1; give 0 or more"),
        ({"initial_primary": "data9"}, "postgresql_initial_primary is 'data9'; name one of data-2.x, data1"),
        ({"rebuild": "x"}, "postgresql_rebuild is 'x'; name one of"),
        ({"rejoin": "x"}, "postgresql_rejoin is 'x'; name one of"),
        (
            {"settings": {"port": 1234}},
            "postgresql_settings has port, which its role writes itself; set postgresql_port",
        ),
        (
            {"settings": {"Primary_Conninfo": "x"}},
            "postgresql_settings has Primary_Conninfo, which its role writes itself; set postgresql_initial_primary",
        ),
        ({"settings": {"work mem": 1}}, "postgresql_settings has 'work mem', which is not the name of a setting"),
        (
            {"settings": {"application_name": "a\nb"}},
            "postgresql_settings.application_name must be a number, a boolean",
        ),
    ],
)
def test_what_cannot_work(filters: Filters, options: dict[str, Any], said: str) -> None:
    sentence = found(filters, **options)
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("hosts", "more", "said"),
    [
        ([("a b", "10.0.0.1")], {}, "host 'a b' cannot replicate; give it a name of letters"),
        ([("größe", "10.0.0.1")], {}, "host 'größe' cannot replicate"),
        ([("a", "10.0.0.300")], {}, "postgresql_replication_hosts has the address '10.0.0.300' of a"),
        # pg_hba.conf of a cluster has the addresses of the others
        (
            [("a", "a.example.org"), ("b", "10.0.0.2")],
            {"initial_primary": "a"},
            "postgresql_replication_hosts has the address 'a.example.org' of a; give an IP address",
        ),
        (
            [("a", "10.0.0.1"), ("a", "10.0.0.2")],
            {},
            "postgresql_replication_hosts lists a twice; name each server once",
        ),
        (
            [("a-b", "10.0.0.1"), ("a.b", "10.0.0.2")],
            {},
            "hosts a-b and a.b would share the replication slot holdfast_a_b; give one another name",
        ),
    ],
)
def test_servers_that_could_not_be_told_apart(filters: Filters, hosts: Any, more: dict[str, Any], said: str) -> None:
    entries = [{"name": name, "address": address} for name, address in hosts]
    assert said in found(filters, replication_hosts=entries, **more)
