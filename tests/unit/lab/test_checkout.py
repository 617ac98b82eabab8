"""Several checkouts on one machine: whose something is, what goes and what stays."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import checkout, cleanup, engine, images, networks, process
from tests.lab.checkout import Thing
from tests.lab.console import Console
from tests.lab.paths import LabError, Presence, write_json

OWN, OTHER, GONE = "/srv/own", "/srv/other", "/srv/gone"
ALL = ("test", "demo", "bench", "probe")


@pytest.fixture(autouse=True)
def _two_checkouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "is_gone", lambda path: path == GONE)


def host(name: str, kind: str = "test", owner: str = OWN, networks: tuple[str, ...] = ()) -> Thing:
    return Thing("container", name, kind, owner, networks)


def names(found: list[Thing]) -> list[str]:
    return [thing.name for thing in found]


def test_every_place_has_an_identity_of_its_own_and_a_link_has_that_of_its_target(tmp_path: Path) -> None:
    first, second, link = tmp_path / "a", tmp_path / "b", tmp_path / "link"
    first.mkdir()
    second.mkdir()
    link.symlink_to(first)
    assert re.fullmatch("[0-9a-f]{8}", checkout.identity(first))
    assert checkout.identity(first) == checkout.identity(link) != checkout.identity(second)


@pytest.mark.parametrize(
    ("line", "thing"),
    [
        (
            "h\tbridge,net\ttest\t/srv/own\t\t/srv/own/molecule/redis/inventory\t.",
            host("h", networks=("bridge", "net")),
        ),
        ("h\tnet\t\t\tdemo\t/srv/other/inventories/demo\t.", host("h", "demo", OTHER, ("net",))),
        ("h\t\t\t\ttest\t/srv/a/molecule/b/molecule/c/inventory\t.", host("h", owner="/srv/a/molecule/b")),
        ("h\t\t\t\ttest\t/srv/other/tests/runner/inventory\t.", host("h", owner=OTHER)),
        ("h\t\t\t\tbench\t/srv/other/.cache/bench/inventory\t.", host("h", "bench", OTHER)),
        ("h\t\t\t\tprobe\t\t.", host("h", "probe", "")),
        ("web\tbridge\t\t\t\t\t.", None),  # somebody's own container
    ],
)
def test_whose_a_container_is_follows_from_its_labels(line: str, thing: Thing | None) -> None:
    assert checkout.parsed("container", line) == thing


@pytest.mark.parametrize(
    ("inside", "owner"), [([OTHER, OTHER], OTHER), ([OWN, OTHER], ""), ([], "")], ids=["one", "two", "nobody"]
)
def test_a_network_without_an_owner_is_that_of_the_hosts_in_it(inside: list[str], owner: str) -> None:
    hosts = [host(str(number), owner=path, networks=("net",)) for number, path in enumerate(inside)]
    found = [*hosts, host("cache", "cache", "", ("bridge", "net")), Thing("network", "net", "test", "")]
    assert checkout.adopted(found)[-1].checkout == owner


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        (("test", "probe"), ["own-test", "gone-demo", "gone-net"]),  # the end of a test run: our demo stays
        (ALL, ["own-test", "own-demo", "gone-demo", "gone-net"]),  # demo-down, and the first step of a build server
        ((), ["gone-demo", "gone-net"]),  # before a network is made
    ],
)
def test_only_our_own_goes_and_what_a_checkout_that_is_gone_has_left(kinds: tuple[str, ...], left: list[str]) -> None:
    found = [
        host("own-test"),
        host("own-demo", "demo"),
        host("other-test", owner=OTHER),
        host("other-demo", "demo", OTHER),
        host("gone-demo", "demo", GONE),
        Thing("network", "gone-net", "test", GONE),
        Thing("network", "nobodys-net", "test", ""),
        host("cache", "cache", ""),
    ]
    assert names(checkout.leaving(found, kinds, OWN)) == left


def test_a_network_that_nobody_made_goes_unless_hosts_are_in_it() -> None:
    found = [
        Thing("network", "empty", "test", ""),
        Thing("network", "used", "test", ""),
        Thing("network", "other", "test", OTHER),
        host("h", owner="", networks=("used",)),
        host("cache", "cache", "", ("bridge", "empty")),
    ]
    assert names(checkout.unclaimed(found)) == ["empty"]


def test_the_package_cache_stays_as_long_as_a_network_has_it() -> None:
    used, idle = host("used", "cache", "", ("bridge", "net")), host("idle", "cache", "", ("bridge",))
    assert checkout.idle_caches([used, idle, host("h", networks=("bridge",))]) == [idle]


def test_hosts_go_before_their_network_and_the_cache_leaves_it(
    monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    did: list[str] = []
    monkeypatch.setattr(cleanup, "passes", lambda argv: did.append(" ".join(argv)))
    monkeypatch.setattr(cleanup, "follow", lambda _, argv: did.append(" ".join(argv)))
    mine = [Thing("network", "net", "test", OWN), host("h", networks=("net",))]
    cache = host("cache", "cache", "", ("bridge", "net", "others"))
    assert cleanup.remove(console, mine, [*mine, cache]) == 2
    assert did == [
        "docker network disconnect --force net cache",
        "docker rm --force --volumes h",
        "docker network rm net",
    ]


def test_a_checkout_that_we_may_not_look_into_is_not_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (tmp_path / "there/tests/lab").mkdir(parents=True)
    (tmp_path / "file").touch()
    paths = [str(tmp_path / name) for name in ("there", "gone", "file")]
    assert [checkout.is_gone(path) for path in paths] == [False, True, True]

    def refused(_: Path) -> os.stat_result:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", refused)
    assert not checkout.is_gone(paths[1])


def test_images_that_another_checkout_uses_are_known_until_it_is_gone(tmp_path: Path) -> None:
    claims = tmp_path / "claims"
    claims.mkdir()
    for name in ("own", "other", "cleaned"):
        (claims / name).symlink_to(tmp_path / name / "bed.json")
    write_json(tmp_path / "own/bed.json", {"lab_cache_image": "cache:own"})
    bed = {"lab_images": {"trixie": "debian:1", "bookworm": None}, "lab_runtime_image": "run:1", "lab_cap_drop": []}
    write_json(tmp_path / "other/bed.json", bed)
    assert checkout.claimed_by_others(claims, "own") == {"debian:1", "run:1"}
    assert checkout.claimed_by_others(tmp_path / "nothing", "own") == set()


def test_make_clean_leaves_the_images_of_others() -> None:
    tags = ["holdfast/debian:trixie", "holdfast/debian:trixie-1", "holdfast/debian:trixie-2", "sample-app:1.0.0"]
    assert images.removable(tags, set()) == tags
    assert images.removable(tags, {"holdfast/debian:trixie-1"}) == ["holdfast/debian:trixie-2"]


def test_two_checkouts_begin_at_places_of_their_own_and_pass_the_whole_range() -> None:
    assert networks.order("00000000")[:2] == [64, 65]
    assert networks.order("0000009f") == [223, *range(64, 223)]
    assert networks.order("000000a0") == networks.order("00000000")
    fixed = {10, 20, 30}  # the demo's, and what earlier commits took for tests and benchmarks
    assert not fixed & set(networks.order("00000000"))


def test_a_network_that_overlaps_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "identity", lambda: "0000009f")
    answers = iter(["Pool overlaps with other one on this address space", ""])
    made = networks._made("test", lambda _: next(answers))
    assert (made.name, made.net4, made.net6) == ("holdfast-test-0000009f", "172.30.64", "fd30:64")
    assert made.cache == "172.30.64.2"


@pytest.mark.parametrize(("kind", "said"), [("test", "no permission"), ("demo", "Pool overlaps with other one")])
def test_a_network_that_cannot_be_made_is_refused(kind: str, said: str) -> None:
    with pytest.raises(LabError, match=f"cannot be made: {said}"):
        networks._made(kind, lambda _: said)


def test_the_second_demo_on_a_machine_says_whose_the_first_is() -> None:
    theirs = [Thing("network", "holdfast-demo", "demo", OTHER), host("app1", "demo", OTHER, ("holdfast-demo",))]
    mine = [Thing("network", "holdfast-demo", "demo", OWN), host("x", owner=OTHER, networks=("elsewhere",))]
    nobodys = [Thing("network", "holdfast-demo", "demo", ""), host("cache", "cache", "", ("holdfast-demo",))]
    networks.refuse_foreign("demo", mine, OWN)
    networks.refuse_foreign("demo", nobodys, OWN)
    with pytest.raises(LabError, match="the demo of /srv/other runs on this machine") as refused:
        networks.refuse_foreign("demo", theirs, OWN)
    assert refused.value.cure == "make -C /srv/other demo-down; then run this again"


@pytest.mark.parametrize(
    ("subnets", "number"),
    [("172.30.77.0/24 fd30:77::/64 ", 77), ("fd30:77::/64 172.30.77.0/24 ", 77), ("10.0.0.0/8", None), ("", None)],
)
def test_the_number_of_a_network_is_read_from_its_subnets(subnets: str, number: int | None) -> None:
    assert networks.number_of(subnets) == number


@pytest.mark.parametrize(("running", "busy"), [("", True), ("abc\n", False)])
def test_the_engine_is_not_stopped_while_others_use_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, console: Console, running: str, busy: bool
) -> None:
    users, other = Presence("unit"), Presence("unit")
    users.path = other.path = tmp_path / "users.lock"
    monkeypatch.setattr(engine, "USERS", users)
    monkeypatch.setattr(engine, "is_ours", lambda: True)
    monkeypatch.setattr(engine, "read", lambda _: running)
    stopped: list[Callable[..., None]] = []
    monkeypatch.setattr(process, "stop", stopped.append)
    if busy:
        other.begin()
    engine.stop_if_ours(console)
    assert stopped == []
    if other.handle:
        other.handle.close()
    monkeypatch.setattr(engine, "read", lambda _: "")
    engine.stop_if_ours(console)
    assert len(stopped) == 1


def test_scenarios_name_no_network_and_no_host_of_the_engine() -> None:
    root = Path(__file__).parents[3]
    fixed = re.compile(r"172\.30\.\d|fd30:\d|holdfast-test-\w")
    files = [path for folder in ("molecule", "tests/runner") for path in (root / folder).rglob("*") if path.is_file()]
    found = {str(path) for path in files if path.suffix in (".yml", ".py") and fixed.search(path.read_text())}
    assert found == set()
