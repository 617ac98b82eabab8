"""The example inventory with one host in all groups: what its comment says about memory is true."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "inventories/example"
COMMENT = (EXAMPLE / "hosts.yml").read_text()


def variables(small: bool) -> dict[str, Any]:
    """Defaults of the roles, then the example's own, then what its comment says of 2 GB."""
    files = [*ROOT.glob("roles/*/defaults/main.yml"), *EXAMPLE.glob("group_vars/*/main.yml")]
    found: dict[str, Any] = {}
    for file in files:
        found |= yaml.safe_load(file.read_text()) or {}
    said = re.findall(r"(app_memory_limit_mb|redis_maxmemory_mb|postgresql_max_connections): ([0-9]+)", COMMENT)
    assert len(said) == 3
    return found | ({name: int(value) for name, value in said} if small else {})


def claims(filters: Filters, total: int, cpus: int, small: bool) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What the roles of all groups claim, as their vars/main.yml compute it, and what grows with the host."""
    known = variables(small)
    connections, most = known["postgresql_max_connections"], known["redis_maxmemory_mb"]
    server = {"cpus": cpus, "version": 17, "workload": "web", "max_connections": connections, "huge_pages": True}
    pools = filters["pgbouncer_budget"](
        known["pgbouncer_databases"], [{"address": "10.0.0.1", "max_connections": connections}]
    )
    redis = filters["redis_memory"](total if most else total * known["redis_host_percent"] // 100, True, most)
    fixed = {
        "app": known["app_memory_limit_mb"],
        "backup": 384,
        "docker": 192,
        "nginx": 32 + cpus * (8 + known["nginx_worker_connections"] * 20 // 1024),
        "pgbouncer": pools["memory_mb"],
        "redis": redis["total_mb"],
    }
    postgresql = {"name": "postgresql", "share": 1, "minimum_mb": filters["postgresql_least_memory"](server)}
    growing = {} if most else {"redis": known["redis_host_percent"]}
    return [postgresql, *({"name": name, "memory_mb": size} for name, size in fixed.items())], growing


@pytest.mark.parametrize(("total", "small"), [(3900, False), (1950, True)])  # what a host of 4 or 2 GB has for us
@pytest.mark.parametrize("cpus", [1, 2])
def test_the_example_fits_where_it_says(filters: Filters, total: int, small: bool, cpus: int) -> None:
    needs, growing = claims(filters, total, cpus, small)
    assert filters["memory_plan"](needs, total, {}, True, growing)["free_mb"] >= 0


@pytest.mark.parametrize("total", [512, 1970, 2692, 3297])
def test_what_is_said_of_too_little_memory_is_accepted_the_next_time(
    filters: Filters, refusal: Refusal, total: int
) -> None:
    """512 MB said 2692, that said 3297, that said 3410: each was a cure for the size before."""
    needs, growing = claims(filters, total, 2, small=False)
    message = refusal("memory_plan", needs, total, {}, False, growing)
    cure = int(message.split("raise host_memory_mb to ")[1].split()[0])
    needs, growing = claims(filters, cure, 2, small=False)
    assert filters["memory_plan"](needs, cure, {}, False, growing)
    assert cure < 4096
