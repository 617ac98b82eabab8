"""Options of role pgbouncer that cannot work (PGS-12)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
OPTIONS: dict[str, Any] = {
    "listen_addresses": ["127.0.0.1", "::1", "*"],
    "servers": [{"address": "10.0.0.31"}, {"address": "fd00::31"}, {"address": "data1.example.org"}],
    "databases": [{"name": "d" * 63, "database": "e" * 63}, {"name": "shop"}],
    "pause_units": ["postgresql@17-main.service"],
    "pause_seconds": 80,
    "max_prepared_statements": 0,
    "settings": {"query_wait_timeout": 60, "stats_period": "60"},
}


def found(filters: Filters, **options: Any) -> list[str]:
    """Return the findings with some options, named without their prefix."""
    given = {f"pgbouncer_{name}": value for name, value in {**OPTIONS, **options}.items()}
    result: list[str] = filters["pgbouncer_findings"](given)
    return result


def test_what_can_work_passes(filters: Filters, refusal: Refusal) -> None:
    assert found(filters) == []
    assert "options must be a dict" in refusal("pgbouncer_findings", [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"listen_addresses": []}, "pgbouncer_listen_addresses is empty; give at least 127.0.0.1"),
        ({"listen_addresses": ["eth0"]}, "pgbouncer_listen_addresses has eth0; give addresses of this host"),
        ({"listen_addresses": ["10.0.0.300"]}, "pgbouncer_listen_addresses has 10.0.0.300"),
        ({"listen_addresses": ["localhost"]}, "pgbouncer_listen_addresses has localhost"),
        ({"servers": [{"address": "10.0.0.300"}]}, "pgbouncer_servers has the address '10.0.0.300'"),
        ({"servers": [{"address": "a b"}]}, "pgbouncer_servers has the address 'a b'"),
        ({"databases": [{"name": "d" * 64}]}, "name of pgbouncer_databases is 'dddd"),
        ({"databases": [{"name": "d", "database": "e" * 64}]}, "database of pgbouncer_databases is 'eeee"),
        ({"pause_units": ["postgresql"]}, "pgbouncer_pause_units has 'postgresql'; give units of systemd"),
        ({"pause_units": ["a b.service"]}, "pgbouncer_pause_units has 'a b.service'"),
        ({"pause_seconds": 81}, "pgbouncer_pause_seconds is 81; give 80 or less"),
        ({"max_prepared_statements": -1}, "pgbouncer_max_prepared_statements is -1; give 0"),
        (
            {"settings": {"auth_type": "trust"}},
            "has auth_type, which its role writes itself; take it out, passwords are proven by SCRAM",
        ),
        ({"settings": {"Auth_User": "postgres"}}, "pgbouncer_settings has Auth_User, which its role writes itself"),
        ({"settings": {"a b": 1}}, "pgbouncer_settings has 'a b', which is not the name of a setting"),
        ({"settings": {"server_check_query": "a\nb"}}, "pgbouncer_settings.server_check_query must be a number"),
    ],
)
def test_what_cannot_work_is_named(filters: Filters, options: dict[str, Any], said: str) -> None:
    (sentence,) = found(filters, **options)
    assert said in sentence


@pytest.mark.parametrize("name", ["conffile", "logfile", "pidfile", "user"])
def test_what_needs_a_restart_and_is_not_in_the_list_of_the_role_is_refused(filters: Filters, name: str) -> None:
    """The scenario compares that list with the server's, but for these."""
    (sentence,) = found(filters, settings={name: "x"})
    assert sentence.startswith(f"pgbouncer_settings has {name}, which its role writes itself; take it out")


def test_the_rest_is_said_without_what_is_required(filters: Filters) -> None:
    """What is missing has a sentence of its own."""
    options = {f"pgbouncer_{name}": value for name, value in OPTIONS.items() if name not in ("servers", "databases")}
    assert filters["pgbouncer_findings"](options) == []
    assert filters["pgbouncer_budget_findings"](options) == []
