"""What role backup refuses before anything is changed, and what it tells of backups that are there."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]

CLIENT = {"name": "data1", "address": "192.0.2.31", "stanza": "main"}
GOOD: dict[str, Any] = {
    "roles": ["repository"],
    "stanza": "main",
    "repository": {"name": "backup1", "address": "192.0.2.41"},
    "clients": [CLIENT],
    "passphrase": "Vier-Wochen/unter=dem:Meer 2",
    "rpo_minutes": 60,
    "archive_timeout_seconds": 300,
    "retention_days": 30,
    "processes": 2,
    "restore_test_queries": [{"database": "shop", "query": "select count(*) from orders", "minimum": 1}],
}
QUERY = GOOD["restore_test_queries"][0]


def found(filters: Filters, **changes: Any) -> list[str]:
    facts = {"backup": {"repository": changes.pop("there", {})}}
    options = {f"backup_{name}": value for name, value in {**GOOD, **changes}.items()}
    result: list[str] = filters["backup_findings"](options, facts, "backup1")
    return result


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"roles": ["client"], "clients": []},
        {"roles": ["client", "repository"], "repository": {}},
        {"retention_days": 1, "processes": 1},
        {"retention_days": 9999999, "processes": 999},
        {"archive_timeout_seconds": 1, "rpo_minutes": 2},
        {"archive_timeout_seconds": 3540, "rpo_minutes": 60},
        {"clients": [{**CLIENT, "name": "fd00::31", "address": "data1.example.org"}]},
        {"clients": [{**CLIENT, "replicated": True}, {**CLIENT, "name": "data2", "replicated": True}]},
        {"clients": [CLIENT, {**CLIENT, "name": "data2", "stanza": "second", "replicated": False}]},
        {"restore_test_queries": []},
        {"restore_test_queries": [{**QUERY, "stanza": "main", "minimum": 0, "database": "x" * 63}]},
        {"passphrase": "a blank inside, ; # and ü are fine"},
    ],
)
def test_what_works_is_accepted(filters: Filters, changes: dict[str, Any]) -> None:
    assert found(filters, **changes) == []


@pytest.mark.parametrize("stanza", ["main", "My_DB", "a.b-c", "0", "_x", "x" * 63, "globals", "main.conf", "Global"])
def test_a_stanza_that_pgbackrest_takes(filters: Filters, stanza: str) -> None:
    assert found(filters, roles=["client"], stanza=stanza) == []


@pytest.mark.parametrize(
    "stanza", ["My DB", "", "global", "-x", ".hidden", "a/b", "a:b", "a%b", "a=b", "x" * 64, "ä", "a\n", "$(id)", "a'b"]
)
def test_a_stanza_that_pgbackrest_cron_or_a_shell_would_stumble_over(filters: Filters, stanza: str) -> None:
    """As variable of the client, and as that of one of the repository's clients."""
    sentence = f"backup_stanza of backup1 is {stanza!r}; name it with"
    assert [text[: len(sentence)] for text in found(filters, roles=["client"], stanza=stanza)] == [sentence]
    of_client = found(filters, clients=[{**CLIENT, "stanza": stanza}], restore_test_queries=[])
    assert [text.split(";")[0] for text in of_client] == [f"backup_stanza of data1 is {stanza!r}"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roles": []}, "backup_roles is empty; say repository, client or both"),
        ({"clients": []}, "backup_clients is empty"),
        ({"roles": ["client"], "repository": {}}, "backup_repository is incomplete"),
        ({"roles": ["client"], "repository": {"name": "backup1"}}, "backup_repository is incomplete"),
        ({"roles": ["client"], "repository": {"name": "b 1", "address": "192.0.2.41"}}, "has the name 'b 1'"),
        ({"roles": ["client"], "repository": {"name": "b", "address": "a b"}}, "has the address 'a b'"),
        ({"clients": [{**CLIENT, "name": "a=b"}]}, "backup_clients has the name 'a=b'"),
        ({"clients": [{**CLIENT, "name": "n" * 254}]}, "backup_clients has the name"),
        ({"clients": [{**CLIENT, "address": ""}]}, "backup_clients has the address ''"),
        ({"clients": [CLIENT, {**CLIENT, "stanza": "second"}]}, "backup_clients has data1 twice"),
        (
            {"clients": [CLIENT, {**CLIENT, "name": "data2"}]},
            "backup_clients uses a stanza twice, main of data1 and data2; give every cluster its own backup_stanza",
        ),
        ({"clients": [CLIENT, {**CLIENT, "name": "data2", "replicated": True}]}, "uses a stanza twice"),
        ({"clients": [CLIENT, {**CLIENT, "name": "data2", "replicated": False}]}, "uses a stanza twice"),
        ({"retention_days": 0}, "backup_retention_days is 0; give 1 to 9999999"),
        ({"retention_days": 10000000}, "backup_retention_days is 10000000; give 1 to 9999999"),
        ({"processes": 0}, "backup_processes is 0; give 1 to 999"),
        ({"processes": 1000}, "backup_processes is 1000; give 1 to 999"),
        ({"archive_timeout_seconds": 0}, "backup_archive_timeout_seconds is 0"),
        (
            {"archive_timeout_seconds": 3541},
            "lower backup_archive_timeout_seconds to 3540, or raise backup_rpo_minutes to 61",
        ),
        (
            {"archive_timeout_seconds": 1, "rpo_minutes": 1},
            "backup_rpo_minutes is 1, but WAL is archived every 61 s at the latest; raise backup_rpo_minutes to 2",
        ),
        ({"rpo_minutes": 0}, "raise backup_rpo_minutes to 6"),
        ({"restore_test_queries": [{**QUERY, "stanza": "shop"}]}, "[0].stanza is 'shop', the stanzas are main"),
        ({"restore_test_queries": [QUERY, {**QUERY, "minimum": -1}]}, "[1].minimum is -1; give 0 or more"),
        ({"restore_test_queries": [{**QUERY, "query": " \n"}]}, "[0].query is empty"),
        ({"restore_test_queries": [{**QUERY, "database": ""}]}, "[0].database is ''; name a database"),
        ({"restore_test_queries": [{**QUERY, "database": "x" * 64}]}, "[0].database is"),
    ],
)
def test_what_cannot_work_is_refused_with_its_variable(filters: Filters, changes: dict[str, Any], words: str) -> None:
    sentences = found(filters, **changes)
    assert len(sentences) == 1
    assert words in sentences[0]


@pytest.mark.parametrize("passphrase", ["two\nlines-of-it", " a-blank-before", "a-blank-after ", "a\ttab-inside"])
def test_a_passphrase_that_the_file_cannot_hold_is_refused_and_not_shown(filters: Filters, passphrase: str) -> None:
    sentences = found(filters, passphrase=passphrase)
    assert len(sentences) == 1
    assert sentences[0].startswith("backup_passphrase has a line break, or a space at one end")
    assert passphrase.strip() not in sentences[0]


def test_the_cure_for_the_promise_is_accepted(filters: Filters) -> None:
    """The sentence says 3540, or 61: both must work."""
    assert found(filters, archive_timeout_seconds=3540) == []
    assert found(filters, archive_timeout_seconds=3541, rpo_minutes=61) == []


def test_a_schedule_is_refused_with_the_name_of_its_variable(filters: Filters) -> None:
    schedules = {
        "backup_full_schedule": "H 2 * * 0",
        "backup_incr_schedule": "",
        "backup_diff_schedule": "0 2 31 2 *",
        "backup_stanza": "main",
    }
    diff, incr = filters["schedule_findings"](schedules, "backup1")
    assert diff.startswith("backup_diff_schedule is '0 2 31 2 *': ")
    assert "never runs: day 31" in diff
    assert incr.startswith("backup_incr_schedule is '': a schedule has five fields")
    assert filters["schedule_findings"]({"backup_full_schedule": "0 2 * * 0"}, "backup1") == []


def test_stanzas_of_hosts_that_a_run_leaves_out_wait_or_stay(filters: Filters) -> None:
    def client(name: str, stanza: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "address": "192.0.2.1", "stanza": stanza, **more}

    clients = [client("a", "one"), client("b", "two", deferred=True), client("c", "three", deferred=True)]
    assert filters["backup_stanzas"](clients, ["three", "gone"]) == {
        "asked": ["one"],
        "kept": ["one", "three"],
        "deferred": ["two"],
    }
    # One server of a replicated cluster is enough
    both = [client("a", "one", replicated=True, deferred=True), client("b", "one", replicated=True)]
    assert filters["backup_stanzas"](both, []) == {"asked": ["one"], "kept": ["one"], "deferred": []}


FILE = {"dest": "/etc/x", "template": "x.j2", "group": "postgres", "mode": "0640", "vars": {"cluster": {}}}
OWN = {"name": "data1", "stanza": "main", "port": 5433}
MAIN1, MAIN2 = CLIENT, {"name": "data2", "address": "192.0.2.32", "stanza": "main"}
OTHER = {"name": "data3", "address": "192.0.2.33", "stanza": "a", "port": 5434}


@pytest.mark.parametrize(
    ("roles", "clients", "clusters"),
    [
        (["client"], [], {"main": [{"port": 5433}]}),
        (["client"], [OTHER], {"main": [{"port": 5433}]}),
        (["repository"], [MAIN1, OTHER, MAIN2], {"a": [OTHER], "main": [MAIN1, MAIN2]}),
        (["repository", "client"], [OTHER, MAIN1], {"a": [OTHER], "main": [{"port": 5433}]}),
        (["repository", "client"], [MAIN1, MAIN2], {"main": [{"port": 5433}, MAIN2]}),
        # The only server of the stanza is this host, whatever it is called there
        (["repository", "client"], [MAIN2], {"main": [{"port": 5433}]}),
        (["repository", "client"], [OTHER], {"a": [OTHER]}),
    ],
)
def test_who_describes_which_servers(
    filters: Filters, roles: list[str], clients: list[dict[str, Any]], clusters: dict[str, Any]
) -> None:
    entries = filters["backup_cluster_files"](clients, roles, OWN, FILE)
    assert {each["vars"]["cluster"]["stanza"]: each["vars"]["cluster"]["servers"] for each in entries} == (clusters)
    assert [each["dest"] for each in entries] == [f"/etc/x/{stanza}.conf" for stanza in sorted(clusters)]
    assert {(each["template"], each["group"], each["mode"]) for each in entries} == {("x.j2", "postgres", "0640")}


def test_clusters_are_of_a_list(refusal: Callable[..., str]) -> None:
    assert "takes the clients, a list" in refusal("backup_cluster_files", {}, [], OWN, FILE)


# ---------------------------------------------------------------- backups that are there
# "[backrest]\nbackrest-format=5\n…" by `openssl enc -aes-256-cbc -md sha1 -S 0102030405060708`, first block
SALTED = "53616c7465645f5f0102030405060708"
SEA = SALTED + "962a3defd34e9cb36a32bdc5d8ffaca6"  # Vier-Wochen/unter=dem:Meer 2
CHEESE = SALTED + "1312895eb97d6a36606cfeaaaa107de5"  # Käse-und-Brot-für-alle
CLEAR = b"[backrest]\nbackrest-format=5\nback".hex()


@pytest.mark.parametrize(
    ("repository", "passphrase"),
    [
        ({}, "any-of-them-will-do"),
        ({"main": SEA}, "Vier-Wochen/unter=dem:Meer 2"),
        ({"main": CHEESE, "other": CHEESE}, "Käse-und-Brot-für-alle"),
        ({"main": ""}, "an-empty-file-says-nothing"),
        ({"main": SALTED}, "a-torn-file-says-nothing"),
    ],
)
def test_the_passphrase_of_a_repository_opens_it(filters: Filters, repository: dict[str, str], passphrase: str) -> None:
    assert found(filters, there=repository, passphrase=passphrase) == []


def test_another_passphrase_is_refused_with_a_way_to_keep_the_old_backups(filters: Filters) -> None:
    new = "Vier-Wochen/unter=dem:Meer 3"
    (sentence,) = found(filters, there={"shop": SEA, "main": SEA}, passphrase=new)
    assert sentence.startswith(
        "backup_passphrase does not open the backups that backup1 has (main, shop); bring back the one they were"
    )
    assert "cd /var/lib/pgbackrest && mkdir old && mv archive backup holdfast-stanzas old" in sentence
    assert new not in sentence
    # One that was replaced for some: only those are named
    (sentence,) = found(filters, there={"shop": CHEESE, "main": SEA}, passphrase="Käse-und-Brot-für-alle")
    assert "(main)" in sentence


def test_what_a_client_has_is_no_concern(filters: Filters) -> None:
    """Of a host that keeps no backups any more."""
    assert found(filters, roles=["client"], there={"main": CLEAR}) == []


def test_without_its_passphrase_the_rest_is_said(filters: Filters, refusal: Callable[..., str]) -> None:
    """A placeholder has its own sentence."""
    assert found(filters, passphrase=None, there={"main": SEA, "other": CLEAR}, processes=0) == [
        "backup_processes is 0; give 1 to 999"
    ]
    assert "two mappings" in refusal("backup_findings", [], {}, "backup1")
    assert "two mappings" in refusal("backup_findings", {}, [], "backup1")


def test_a_repository_in_clear_text_is_refused(filters: Filters) -> None:
    (sentence,) = found(filters, there={"main": CLEAR})
    assert sentence.startswith("the backups that backup1 has (main) are not encrypted")
    assert "does not open" not in sentence


SITUATION: dict[str, Any] = {
    "host": "data1",
    "database": True,
    "archives": False,
    "directories": [],
    "stanza": "main",
    "stanzas": ["main"],
    "stanzas_before": ["main"],
    "present": [],
    "deferred": [],
    "keeps": False,
    "moved": False,
    "repository": "backup1",
    "repository_in_run": True,
    "repository_address": "192.0.2.41",
    "repository_before": "192.0.2.41",
    "port": 8432,
    "repository_port": 8432,
    "archive_seconds": 300,
    "repository_rpo_minutes": 60,
}
BACKUP1 = {"host": "backup1", "database": False, "keeps": True, "repository_before": "", "present": ["main"]}
NONE = {"repository": "", "repository_address": "", "repository_before": "", "stanzas": []}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        (BACKUP1, []),
        (NONE, ["nothing backs up the databases of data1; put a host into group backup"]),
        ({**NONE, "archives": True}, []),
        ({**NONE, "database": False}, []),
        ({"repository": "data1", "keeps": True}, ["data1 keeps the backups of its own databases"]),
        ({"database": False, "directories": ["/srv/a", "/srv/b"]}, ["nothing saves /srv/a, /srv/b of data1"]),
        ({**BACKUP1, "present": ["main", "shop"]}, ["stanza shop in the repository of backup1 belongs to no database"]),
        ({"present": ["shop"]}, []),  # what a host that is no repository any more has is not this run's
    ],
)
def test_what_would_be_a_surprise_later_is_told(filters: Filters, changes: dict[str, Any], words: list[str]) -> None:
    notes = filters["backup_notes"]({**SITUATION, **changes})
    assert [note[: len(start)] for note, start in zip(notes, words, strict=True)] == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"repository_before": ""}, []),
        ({**NONE, "repository_before": "192.0.2.41"}, []),
        (
            {"repository_before": "192.0.2.40"},
            ["the backups of data1 go to backup1 (192.0.2.41) from now on; those made until now stay on 192.0.2.40"],
        ),
        ({"repository_before": "192.0.2.40", "moved": True}, []),  # it was copied there first
        ({**BACKUP1, "repository_before": "192.0.2.40"}, []),
        ({**BACKUP1, "deferred": ["second"]}, ["stanza second waits: this run leaves out its database host"]),
        ({"deferred": ["second"]}, []),
    ],
)
def test_what_a_run_leaves_behind_or_for_later_is_told(
    filters: Filters, changes: dict[str, Any], words: list[str]
) -> None:
    events = filters["backup_events"]({**SITUATION, **changes})
    assert [event[: len(start)] for event, start in zip(events, words, strict=True)] == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        (NONE, []),
        ({"database": False, "repository_in_run": False, "stanzas_before": [], "port": 1}, []),
        ({"repository_in_run": False}, []),
        ({"stanzas_before": [], "repository_before": ""}, []),
        (
            {"repository_in_run": False, "stanzas_before": []},
            [
                "--limit leaves out backup1, which has to take in the backups of data1 (stanza main); "
                "add it: --limit data1,backup1"
            ],
        ),
        ({"repository_in_run": False, "repository_before": "192.0.2.40"}, ["--limit leaves out backup1"]),
        ({"repository_in_run": False, "stanza": "shop"}, ["--limit leaves out backup1"]),
        ({"port": 8433}, ["backup_port is 8433 for data1 and 8432 for backup1"]),
        ({"archive_seconds": 3540}, []),
        (
            {"archive_seconds": 3541},
            ["backup_rpo_minutes is 60 for backup1, but WAL of data1 is archived every 3601 s"],
        ),
    ],
)
def test_a_database_host_and_its_repository_must_find_each_other(
    filters: Filters, changes: dict[str, Any], words: list[str]
) -> None:
    sentences = filters["backup_pair_findings"]({**SITUATION, **changes})
    assert [sentence[: len(start)] for sentence, start in zip(sentences, words, strict=True)] == words


def test_variables_that_playbooks_compute_are_refused_by_name(filters: Filters) -> None:
    handed = {"pgbouncer_servers": "put the servers into group database", "postgresql_archive_command": "empty backup"}
    assert filters["handed_findings"](["app_port", "pgbouncer_servers"], handed, "") == [
        "pgbouncer_servers is set, and the playbooks compute it themselves; remove it, and put the servers into group "
        "database instead"
    ]
    # Archiving of one's own is respected as long as there is no repository
    assert filters["handed_findings"](["postgresql_archive_command"], handed, "") == []
    assert len(filters["handed_findings"](["postgresql_archive_command"], handed, "backup1")) == 1
    assert filters["handed_findings"]([], handed, "backup1") == []
