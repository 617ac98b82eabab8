"""Jobs as data: what a host gets of them, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.cron import later_schedule

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
NAMES = "use at most 48 lower-case letters, digits and dashes, at both ends no dash"
CLEAN: dict[str, Any] = {
    "name": "shop-clean",
    "schedule": "0 03 * * SUN",
    "argv": ["docker", "run", "--rm", "--name", "shop-clean", "shop:1.2", "clean up"],
    "timeout_seconds": 600,
    "stop_argv": ["docker", "rm", "-f", "shop-clean"],
    "hidden_files": ["/etc/holdfast/app/shop.env"],
}
MAIL: dict[str, Any] = {"name": "mail", "schedule": "*/5 * * * *", "argv": ["true"], "timeout_seconds": 60}


def test_the_files_of_jobs(filters: Filters) -> None:
    made = filters["job_files"]([CLEAN, MAIL], "app", "web1")
    files = {file["dest"]: file for file in made["files"]}
    assert list(files) == [
        "/usr/local/lib/holdfast",
        "/etc/holdfast",
        "/etc/holdfast/jobs",
        "/var/lib/holdfast/jobs",
        "/var/log/holdfast",
        "/var/log/holdfast/jobs",
        "/usr/local/lib/holdfast/run-job",
        "/etc/holdfast/jobs/app-mail.json",
        "/etc/holdfast/jobs/app-shop-clean.json",
        "/etc/cron.d/holdfast-jobs-app",
        "/etc/logrotate.d/holdfast-jobs-app",
    ]
    modes = [file["mode"] for file in made["files"] if file.get("state") == "directory"]
    assert modes == ["0755", "0755", "0700", "0700", "0750", "0750"]
    program = {"dest": "/usr/local/lib/holdfast/run-job", "program": "run_job", "on_change": []}
    assert files["/usr/local/lib/holdfast/run-job"] == program
    definition = files["/etc/holdfast/jobs/app-shop-clean.json"]
    assert (definition["mode"], definition["on_change"]) == ("0600", [])
    assert json.loads(definition["content"]) == {
        "argv": ["docker", "run", "--rm", "--name", "shop-clean", "shop:1.2", "clean up"],
        "timeout_seconds": 600,
        "schedule": "0 3 * * 0",
        "stop_argv": ["docker", "rm", "-f", "shop-clean"],
        "environment_file": "",
        "hidden_files": ["/etc/holdfast/app/shop.env"],
    }
    run = "root systemd-cat -t holdfast-job /usr/local/lib/holdfast/run-job"
    assert files["/etc/cron.d/holdfast-jobs-app"]["content"] == (
        "# Managed by Holdfast; changes made here are overwritten.\n"
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"*/5 * * * * {run} app-mail\n0 3 * * 0 {run} app-shop-clean\n"
    )
    rotated = files["/etc/logrotate.d/holdfast-jobs-app"]["content"]
    assert rotated.startswith("# Managed by Holdfast")
    assert "\n/var/log/holdfast/jobs/app-*.log {\n    daily\n    rotate 14\n" in rotated


def test_what_goes_with_a_job(filters: Filters) -> None:
    """Definitions, records and locks of the same owner; its log stays."""
    made = filters["job_files"]([MAIL], "app", "web1")
    kept = ["app-mail.json", "app-mail.lock"]
    assert made["exclusive"] == [
        {"path": "/etc/holdfast/jobs", "pattern": "app-*.json"},
        {"path": "/var/lib/holdfast/jobs", "pattern": "app-*", "keep": kept},
    ]
    none = filters["job_files"]([], "app", "web1")
    assert none["files"] == [
        {"dest": "/etc/cron.d/holdfast-jobs-app", "state": "absent", "on_change": []},
        {"dest": "/etc/logrotate.d/holdfast-jobs-app", "state": "absent", "on_change": []},
    ]
    assert [folder.get("keep", []) for folder in none["exclusive"]] == [[], []]


def test_the_order_of_jobs_changes_nothing(filters: Filters) -> None:
    assert filters["job_files"]([CLEAN, MAIL], "app", "a") == filters["job_files"]([MAIL, CLEAN], "app", "a")


def test_what_status_asks(filters: Filters) -> None:
    asked = [
        {"name": "app-mail", "schedule": "*/5 * * * *", "timeout_seconds": 60},
        {"name": "app-shop-clean", "schedule": "0 3 * * 0", "timeout_seconds": 600},
    ]
    assert filters["job_probes"]([CLEAN, MAIL], "app", "web1") == [{"kind": "jobs", "jobs": asked}]
    assert filters["job_probes"]([], "app", "web1") == []


def schedules(filters: Filters, host: str, *jobs: dict[str, Any]) -> list[str]:
    return [job["schedule"] for job in filters["job_probes"]([{**MAIL, **job} for job in jobs], "app", host)[0]["jobs"]]


def test_jobs_are_spread_between_hosts_and_with_h_on_a_host(filters: Filters) -> None:
    """`printf web1 | sha256sum`, the first 64 bits modulo 10 and 15 by bc; `web1 a` and `web1 b` modulo 60."""
    spread = {"schedule": "0 3 * * *", "spread_minutes": 10}
    assert schedules(filters, "web1", spread) == ["6 3 * * *"]
    assert schedules(filters, "web2", spread) == ["7 3 * * *"]
    assert schedules(filters, "web1", {"schedule": "*/15 * * * *", "spread_minutes": 15}) == ["11,26,41,56 * * * *"]
    assert (
        schedules(filters, "web1", {"schedule": "7 3 * * *"}, {"schedule": "7 3 * * *", "spread_minutes": 0})
        == ["7 3 * * *"] * 2
    )
    each = [{"name": name, "schedule": "H 3 * * *"} for name in "ab"]
    assert schedules(filters, "web1", *each) == ["33 3 * * *", "32 3 * * *"]


@pytest.mark.parametrize(("minute", "most"), [("0", 60), ("59", 1), ("45", 15), ("10,20", 40), ("*/15", 15), ("*", 1)])
def test_a_spread_schedule_stays_in_its_hour(minute: str, most: int) -> None:
    schedule = f"{minute} 3 * * *"
    assert later_schedule(schedule, "web1", most).endswith(" 3 * * *")
    with pytest.raises(ValueError, match=rf"would be spread past its hour; give at most {most}$"):
        later_schedule(schedule, "web1", most + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"name": "a" * 48}, []),
        ({"name": "9"}, []),
        (
            {"name": "a" * 49},
            [f"x_jobs[0].name is '{'a' * 49}'; {NAMES}"],
        ),
        *(
            (
                {"name": name},
                [f"x_jobs[0].name is {name!r}; {NAMES}"],
            )
            for name in ("", "A", "-a", "a-", "a.b", "a_b", "a b")
        ),
        (
            {"schedule": "@daily"},
            [
                "x_jobs[0].schedule is '@daily': a schedule has five fields (minute hour day month weekday), "
                "got '@daily'; write five fields of cron, such as '0 2 * * 0'"
            ],
        ),
        ({"schedule": "H 3 * * *"}, []),
        ({"schedule": "0 3 * * *", "spread_minutes": 60}, []),
        ({"schedule": "0 3 * * *", "spread_minutes": 61}, ["x_jobs[0].spread_minutes is 61; give 0 to 60"]),
        ({"spread_minutes": -1}, ["x_jobs[0].spread_minutes is -1; give 0 to 60"]),
        (
            {"schedule": "50 3 * * *", "spread_minutes": 11},
            [
                "x_jobs[0].spread_minutes is 11: over 11 minutes schedule '50 3 * * *' would be spread past its hour; "
                "give at most 10"
            ],
        ),
        (
            {"schedule": "H 3 * * *", "spread_minutes": 5},
            ["x_jobs[0].spread_minutes is 5, and the minute H spreads already; remove one of them"],
        ),
        ({"timeout_seconds": 1}, []),
        ({"timeout_seconds": 604800}, []),
        ({"timeout_seconds": 0}, ["x_jobs[0].timeout_seconds is 0; give 1 to 604800 whole seconds"]),
        ({"timeout_seconds": 604801}, ["x_jobs[0].timeout_seconds is 604801; give 1 to 604800 whole seconds"]),
        ({"timeout_seconds": True}, ["x_jobs[0].timeout_seconds is True; give 1 to 604800 whole seconds"]),
        ({"timeout_seconds": 3600, "schedule": "*/5 * * * *"}, []),  # runs that are due meanwhile are skipped
        ({"argv": ["a", ""]}, []),
        ({"argv": []}, ["x_jobs[0].argv is []; give a list of texts, the program and its arguments"]),
        ({"argv": ["  "]}, ["x_jobs[0].argv is ['  ']; give a list of texts, the program and its arguments"]),
        ({"argv": "a b"}, ["x_jobs[0].argv is 'a b'; give a list of texts, the program and its arguments"]),
        ({"argv": ["a", 1]}, ["x_jobs[0].argv is ['a', 1]; give a list of texts, the program and its arguments"]),
        ({"argv": ["a", "b\0"]}, ["x_jobs[0].argv has a NUL character, which no command can be given; take it out"]),
        ({"stop_argv": []}, []),
        (
            {"stop_argv": [""]},
            ["x_jobs[0].stop_argv is ['']; give a list of texts, the program that ends the job and its arguments"],
        ),
        ({"environment_file": "", "hidden_files": []}, []),
        ({"environment_file": "/a", "hidden_files": ["/b"]}, []),
        (
            {"environment_file": "a", "hidden_files": ["/b", "c"]},
            [
                "x_jobs[0].environment_file is 'a'; give its absolute path on the host",
                "x_jobs[0].hidden_files[1] is 'c'; give its absolute path on the host",
            ],
        ),
    ],
)
def test_what_a_host_could_not_work_with_is_refused(filters: Filters, change: dict[str, Any], said: list[str]) -> None:
    assert filters["job_findings"]([{**MAIL, **change}], "x_jobs", "web1") == said


def test_names_that_are_used_twice_are_told_once(filters: Filters) -> None:
    jobs = [MAIL, CLEAN, MAIL, MAIL]
    assert filters["job_findings"](jobs, "x_jobs", "web1") == ["x_jobs has the name mail twice; name each job once"]


@pytest.mark.parametrize("owner", ["a", "app", "a23456789012345"])
def test_owners_whose_names_no_other_owner_can_have(filters: Filters, owner: str) -> None:
    assert filters["job_probes"]([MAIL], owner, "web1")[0]["jobs"][0]["name"] == f"{owner}-mail"


def test_what_no_role_can_mean_is_refused(refusal: Refusal) -> None:
    for owner in ("", "my-app", "App", "1app", "a234567890123456", None):
        assert f"owner is {owner!r}; use at most 15 lower-case letters" in refusal("job_files", [MAIL], owner, "web1")
    assert "a job has the name 'a/b'" in refusal("job_probes", [{**MAIL, "name": "a/b"}], "app", "web1")
    for name, rest in (("job_files", ["app", "a"]), ("job_probes", ["app", "a"]), ("job_findings", ["x", "a"])):
        assert f"{name} takes a list of jobs, got {{}}" in refusal(name, {}, *rest)
