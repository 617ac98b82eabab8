"""input_check: every finding is a sentence with variable, value and cure; a secret's value is in none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
GOOD = "kTz0-9fWq_77Lm"


@pytest.fixture(scope="module")
def input_check() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("input_check", class_only=True).__module__]


@pytest.mark.parametrize(
    ("value", "option", "finding"),
    [
        (3, {"type": "int"}, ""),
        (True, {"type": "int"}, "x is True, it must be a whole number"),
        (
            "3",
            {"type": "int"},
            'x is "3", it must be a whole number; write it without quotes, on the command line as -e "{x: 3}"',
        ),
        ("yes", {"type": "bool"}, 'x is "yes", it must be true or false; write it without quotes'),
        (3, {"type": "str"}, "x is 3, it must be text"),
        ({}, {"type": "list"}, "x is {}, it must be a list"),
        (1, {"type": "float"}, ""),
        (object(), {"type": "raw"}, ""),
        (None, {"type": "int"}, "x is empty; give it a value, or leave it out"),
        ([None], {"type": "list", "elements": "str"}, "x[0] is empty; give it a value"),
        (None, {"type": "raw"}, ""),
        (None, {"type": "int", "required": True}, "x is empty; give it a value"),
        ("c", {"choices": ["a", "b"]}, "x is 'c', it must be one of a, b"),
        (["a", "c"], {"type": "list", "elements": "str", "choices": ["a"]}, "x is 'c', it must be one of a"),
        ([1, "2"], {"type": "list", "elements": "int"}, 'x[1] is "2", it must be a whole number'),
        ({"a": 1}, {"type": "dict"}, ""),
        ({"nmae": 1}, {"type": "dict", "options": {"name": {}}}, "x.nmae is unknown; did you mean name?"),
        ({"q": 1}, {"type": "dict", "options": {"name": {}}}, "x.q is unknown; remove it"),
        ({}, {"type": "dict", "options": {"name": {"required": True}}}, "x.name is missing; add it, text"),
        (
            [{"port": 0}],
            {"type": "list", "elements": "dict", "options": {"port": {"type": "int"}}},
            "x[0].port is 0, a port is 1 to 65535",
        ),
        ("short", {"no_log": True}, "x is shorter than 12 characters; `make secrets INVENTORY=…` generates a good one"),
        (GOOD, {"no_log": True}, ""),
        (5, {"no_log": True}, "x is given, it must be text"),
        ("-----BEGIN ", {"no_log": True}, ""),  # shorter than any secret may be: PEM is not measured
    ],
)
def test_values(input_check: ModuleType, value: Any, option: dict[str, Any], finding: str) -> None:
    findings = list(input_check.value_findings("x", value, option))
    assert "\n".join(findings).startswith(finding) if finding else findings == []


def test_the_specification_completes_what_is_given(input_check: ModuleType) -> None:
    """Nested defaults at every depth, in every mapping of a list; what is given stays, as does what nobody knows."""
    inner = {"type": "dict", "options": {"days": {"default": 7}, "by": {}}}
    users = {"type": "list", "elements": "dict", "options": {"name": {}, "shell": {"default": "sh"}, "keep": inner}}
    given = [{"name": "a", "keep": {"by": "me"}}, {"name": "b", "shell": "", "more": 1}]
    assert input_check.completed(given, users) == [
        {"shell": "sh", "name": "a", "keep": {"days": 7, "by": "me"}},
        {"shell": "", "name": "b", "more": 1},
    ]
    assert given[0] == {"name": "a", "keep": {"by": "me"}}
    assert input_check.completed([1], {"type": "list", "elements": "int"}) == [1]
    assert input_check.completed(None, users) is None


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "change_me!",
        "changeme-please-2026",
        "Password1",
        "secret",
        "<secret>",
        "xxxxxxxxxxxxxxxx",
        "{{ todo }}",
        "your-password",
        "............",
        "",
    ],
)
def test_placeholders_are_refused(input_check: ModuleType, value: str) -> None:
    assert "is a placeholder" in input_check.secret_finding("x", value)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ("<your domain>", ["x"]),
        (["a", "CHANGE_ME"], ["x[1]"]),
        ({"a": {"b": ["{{ c }}", "TODO", 1]}}, ["x.a.b[1]"]),
        ("<b>bold</b>", []),
        ("change me later", []),
        ("<{{ c }}>", []),
        ("", []),
    ],
)
def test_placeholders_are_found_inside(input_check: ModuleType, value: Any, places: list[str]) -> None:
    assert [place for place, _ in input_check.blanks("x", value)] == places


def test_what_the_example_leaves_to_its_user_is_refused(input_check: ModuleType) -> None:
    example = ROOT / "inventories/example"
    values = {path.stem + path.parent.name: yaml.safe_load(path.read_text()) for path in example.rglob("*.yml")}
    found = [place for name in sorted(values) for place, _ in input_check.blanks(name, values[name])]
    hosts = [line.count("<") for line in (example / "hosts.yml").read_text().splitlines() if "ansible_host:" in line]
    assert set(hosts) == {1}
    assert len([name for name in found if name.endswith(".ansible_host")]) == len(hosts)
    assert [name for name in found if not name.endswith(".ansible_host")] == [
        "mainall.ansible_user",
        "mainapp.app_image",
        "mainedge.nginx_sites[0].server_names[0]",
    ]


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("a_port", 65535, False),
        ("a_port", 65536, True),
        ("port", 0, True),
        ("support", 0, False),
        ("a_percent", 100, False),
        ("a_percent", 101, True),
        ("a_percent", -1, True),
        ("a_mb", 0, False),
        ("a_mb", -1, True),
        ("a_days", -1, True),
        ("a_count", -1, False),
        ("a_confirm_seconds", 0, False),
        ("a_confirm_seconds", 14, True),
        ("a_confirm_seconds", 15, False),
        ("a_confirm_seconds", 300, False),
        ("a_confirm_seconds", 301, True),
    ],
)
def test_ranges_follow_from_names(input_check: ModuleType, name: str, value: int, wrong: bool) -> None:
    assert bool(input_check.range_finding(name, value)) is wrong


def test_misspelt_and_foreign_names(input_check: ModuleType) -> None:
    names = ["redis_maxmemroy_mb", "redis_offer", "redis_port", "redis_zzz", "redistribute", "__redis_result"]
    findings = list(input_check.name_findings("redis", {"redis_port": {}, "redis_maxmemory_mb": {}}, names))
    assert findings == [
        "redis_maxmemroy_mb is not a variable of role redis; did you mean redis_maxmemory_mb?",
        "redis_zzz is not a variable of role redis; "
        "names that begin with redis_ belong to the role, call yours otherwise",
    ]


def test_misspelt_extra_variables(input_check: ModuleType) -> None:
    known = {"nginx_worker_connections": "role nginx", "app_version": "role app", "preflight_disk_mb": "the playbooks"}
    given = [
        "ngnix_worker_connections",
        "app_vresion",
        "preflight_dsk_mb",
        "app_version",
        "vault_app_version",
        "target",
    ]
    assert list(input_check.misspelt(given, known).values()) == [
        "ngnix_worker_connections is not a variable of role nginx; did you mean nginx_worker_connections?",
        "app_vresion is not a variable of role app; did you mean app_version?",
        "preflight_dsk_mb is not a variable of the playbooks; did you mean preflight_disk_mb?",
    ]


def test_findings_of_several_hosts_are_said_once(input_check: ModuleType) -> None:
    found = {
        "a1": ["x is 1; give 2", "a1 is full"],
        "b1": ["x is 1; give 2", "y is 3; give 4", "y is 3; give 4"],
        "c1": [],
    }
    assert input_check.of_all_hosts(found) == ["x is 1; give 2 [a1, b1]", "a1 is full", "y is 3; give 4 [b1]"]
    assert input_check.of_all_hosts({"a1": ["x"], "b1": ["x"]}) == ["x [all hosts]"]
    assert input_check.of_all_hosts({"a1": ["x"]}) == ["x"]
    three = {"a1": ["a1 is full; clean /a1"], "b1.x": ["b1.x is full; clean /b1.x"], "c1": []}
    assert input_check.of_all_hosts(three) == ["a1 is full; clean /a1 [the same of b1.x]"]
    assert input_check.of_all_hosts({"a": ["a1 has a"], "b": ["a1 has b"]}) == ["a1 has a [the same of b]"]
    assert input_check.of_all_hosts({"a1": ["no\nfree 3"], "b1": []}) == ["no [a1]\nfree 3"]


def test_facts_are_those_of_the_host(input_check: ModuleType) -> None:
    assert list(input_check.owner_findings("app1", {"inventory_name": "app1"})) == []
    assert list(input_check.owner_findings("app1", {"hostname": "x"})) == []  # gathered by setup
    (said,) = input_check.owner_findings("app1", {"inventory_name": "app2"})
    assert said.startswith("the facts of app1 are those of app2; run with --limit app1")


def test_groups(input_check: ModuleType) -> None:
    known = ["database", "cache"]
    assert list(input_check.group_findings("h", ["cache", "eu-west"], known)) == []
    misspelt, nowhere = input_check.group_findings("h", ["databse"], known)
    assert misspelt == "group databse of host h is unknown; did you mean database?"
    assert "is in none of the groups database, cache" in nowhere
    assert list(input_check.group_findings("h", ["web"], [])) == []
    assert next(input_check.group_findings("h", ["redis"], known)) == (
        "group redis of host h is unknown; did you mean cache?"
    )
    assert list(input_check.group_findings("h", ["redis", "cache"], known)) == []  # somebody's own name beside ours
    assert next(input_check.group_findings("h", ["web"], known)).startswith("host h is in none")  # no group edge here


def test_folders_of_variables_are_somebodys(input_check: ModuleType, tmp_path: Path) -> None:
    for name in ("group_vars/chache", "group_vars/cache", "group_vars/own", "host_vars/edge1", "group_vars/.git"):
        (tmp_path / name).mkdir(parents=True)
    theirs = ("host_vars/edge2.yml", "group_vars/database.yml~", "group_vars/database.yml.bak")
    for name in ("hosts.yml", "host_vars/edgee1.yml", "group_vars/databse.json", "group_vars/all.yml", *theirs):
        (tmp_path / name).touch()
    names = {"group_vars": ["all", "cache", "database"], "host_vars": ["edge1"]}
    found = [
        "group_vars/chache is of nobody in the inventory; did you mean cache? Rename it, or remove it",
        "group_vars/databse.json is of nobody in the inventory; did you mean database? Rename it, or remove it",
        "host_vars/edgee1.yml is of nobody in the inventory; did you mean edge1? Rename it, or remove it",
    ]
    assert list(input_check.folder_findings([str(tmp_path / "hosts.yml")], names)) == found
    assert list(input_check.folder_findings([str(tmp_path)], names)) == found
    assert list(input_check.folder_findings(["one,two,"], names)) == []


def test_variables_almost_like_ours_are_no_strangers(input_check: ModuleType) -> None:
    known = {"firewall_ssh_sources": "role firewall", "preflight_disk_mb": "the playbooks"}
    given = ["firewal_ssh_sources", "firewall_zzz", "__x", "ansible_user", "contract_x", "preflight_disk_mb", "mine"]
    assert list(input_check.strangers(given, known, {"preflight_disk_mb": {}})) == ["firewal_ssh_sources", "mine"]
    assert list(input_check.misspelt(["firewal_ssh_sources", "mine"], known)) == ["firewal_ssh_sources"]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("", []),
        ("all", []),
        ("app,!app1:&database", []),
        ("fd00::1", []),
        ("web*,~x.*,app[0],@hosts.retry", []),
        ("app,databse", ["--limit names databse, no group or host of the inventory; did you mean database?"]),
        ("!zz", ["--limit names zz, no group or host of the inventory; correct it"]),
    ],
)
def test_names_in_the_limit_are_known(input_check: ModuleType, limit: str, said: list[str]) -> None:
    assert list(input_check.limit_findings(limit, {"all", "app", "app1", "database"})) == said


def project(folder: Path, play: list[dict[str, Any]], options: dict[str, Any]) -> list[str]:
    """Write a playbook with one role, and return the command that runs it."""
    (folder / "play.yml").write_text(json.dumps(play))
    (folder / "ansible.cfg").touch()
    (folder / "roles/sample/meta").mkdir(parents=True)
    spec = {"argument_specs": {"main": {"options": options}}}
    (folder / "roles/sample/meta/argument_specs.yml").write_text(json.dumps(spec))
    return [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml"]


def run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ANSIBLE_LIBRARY": str(ROOT / "library"),
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "action_plugins"),
        "ANSIBLE_FILTER_PLUGINS": str(ROOT / "filter_plugins"),
        "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_run_reads_every_finding_once(tmp_path: Path) -> None:
    """Everything is said at once and once, with its hosts; what only follows from something else is not."""
    check = {
        "roles": ["sample"],
        "groups": ["ungrouped"],
        "keep": ["parts"],
        "findings": ["sample_findings", "plan_findings", "schedule_findings", "part_findings"],
        "refuse": False,
    }
    play = [
        {
            "hosts": "all",
            "gather_facts": False,
            "any_errors_fatal": True,
            "vars": {
                "sample_port": "{{ 70000 if inventory_hostname == 'two' else 80 }}",
                "sample_name": "{{ nowhere }}",
                "sample_tls": "{{ {'name': sample_site} }}",
                "sample_site": "{{ site }}",
                "site": "<site>",
                "ansible_site": "<not ours>",
                "sample_users": [{"name": "TODO", "password": "{{ nowhere }}"}, {"name": "{{ nobody }}"}],
                "sample_part": "{{ part_c }}",
                "sample_id": "{{ 10 if inventory_hostname == 'two' else 1 }}",
                "sample_findings": "{{ ['sample_port is %s; read where it is right' % role_options.sample_port] }}",
                "plan_findings": "{{ ['the plan is tight; add memory'] }}",
                "schedule_findings": "{{ ['0 2 31 2 *'] | map('cron_schedule', 'h') }}",
                "part_findings": "{{ [part_a ~ ' is what part_a is; change it', part_b] }}",
                "parts": {
                    "part_a": "{{ inventory_hostname }}",
                    "part_b": "{{ part_a | upper }}",
                    "part_c": "{{ [] | to_megabytes }}",
                    "part_d": "{{ {}.nothing }}",
                    "part_e": "{{ sample_site | to_megabytes }}",
                },
            },
            "tasks": [
                {"input_check": check, "register": "found", "when": "inventory_hostname != 'fit'"},
                {"set_fact": {"found": {"findings": []}}, "when": "inventory_hostname == 'fit'"},
                {"input_check": {"collected": "found"}},
            ],
        }
    ]
    options = {
        "sample_port": {"type": "int"},
        "sample_name": {"type": "str"},
        "sample_tls": {"type": "dict"},
        "sample_site": {"type": "str"},
        "sample_users": {"type": "list", "elements": "dict"},
        "sample_part": {"type": "str"},
        "sample_secret": {"type": "str", "required": True, "no_log": True},
        "sample_authority": {
            "type": "str",
            "required": True,
            "description": "From the vault file; `make secrets` makes it.",
        },
        "sample_owner": {"type": "str", "required": True, "description": "Whose it is."},
        "sample_id": {"type": "int"},
    }
    command = [*project(tmp_path, play, options), "-i", "fit,one,two,", "-e", "smaple_port=1", "--limit", "all,oen"]
    (tmp_path / "roles/sample/meta/forms.yml").write_text('{"sample_id": "1 to 9"}')
    done = run(tmp_path, command)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    way = "a secret: name it in secrets_more of group_vars/all, then `make secrets INVENTORY=…` generates it"
    cure = f"define it ({way}) [one, two]\n"
    for sentence in (
        "smaple_port is not a variable of role sample; did you mean sample_port? [one, two]\n",
        "sample_port is 70000, a port is 1 to 65535; choose one of those [two]\n",
        "sample_port is 80; read where it is right [one]\n",  # a missing secret is no reason not to look
        "sample_secret is not set; `make secrets INVENTORY=…` generates it [one, two]\n",
        "sample_authority is not set; `make secrets INVENTORY=…` generates it [one, two]\n",
        "sample_owner is not set; set it in the inventory [one, two]\n",
        "sample_id is 10; give 1 to 9 [two]\n",
        "--limit names oen, no group or host of the inventory; correct it [one, two]\n",
        "sample_users[0].name is a placeholder; give it a value of your own [one, two]\n",
        "site is a placeholder; give it a value of your own [one, two]\n",
        f"nowhere is not defined, sample_name refers to it; {cure}",
        f"nobody is not defined, sample_users refers to it; {cure}",
        "the plan is tight; add memory [one, two]\n",
        "one is what part_a is; change it [the same of two]\n",
        "ONE [one]\n",
        "fatal: [one]",  # the first that has something, not the first of the play
    ):
        assert said.count(sentence) == 1, (sentence, said)
    assert said.count("never runs") == 1
    assert said.count("must be a whole number or text") == 1  # what else refers to that part says nothing
    assert "cannot be computed" not in said
    assert "sample_tls" not in said
    assert "<site>" not in said


def test_what_cannot_be_computed_is_said_of_hosts_that_answer(input_check: ModuleType) -> None:
    """Little can be computed of a host without facts, so that it is only said when nothing else is wrong."""

    def template(_value: object) -> object:
        raise AnsibleError("no such thing")

    for facts, lacking, rest in (({"a": 1}, ["x"], 0), ({}, [], 1)):
        fake = SimpleNamespace(
            _templar=SimpleNamespace(template=template), parts=set(), elsewhere=set(), lacking={}, not_computable=[]
        )
        input_check.ActionModule.note(
            fake, "x", {"x": "{{ y }}", "ansible_facts": facts}, AnsibleError("no such thing")
        )
        assert (list(fake.lacking), len(fake.not_computable)) == (lacking, rest)
    assert input_check.ActionModule.of_the_play(None, "n", {"n": {"findings": []}}) == {
        "changed": False,
        "findings": [],
    }


def test_what_follows_from_another_host_is_said_where_nothing_else_is(input_check: ModuleType) -> None:
    """One host of an inventory was wrong, and all others said that they cannot be computed."""
    follows = {"findings": ["wiring cannot be computed: no address"], "follows": True}
    for first, said in (({"findings": ["a is 1; give 2"], "follows": False}, "a is 1; give 2 [one]"), (follows, "")):
        hosts = {"one": {"n": first}, "two": {"n": follows}}
        variables = {**hosts["one"], "hostvars": hosts, "ansible_play_hosts_all": [*hosts], "inventory_hostname": "one"}
        with pytest.raises(AnsibleError) as refusal:
            input_check.ActionModule.of_the_play(None, "n", variables)
        assert refusal.value.result["msg"] == (said or "wiring cannot be computed: no address [all hosts]")


def test_a_placeholder_is_told_by_the_host_that_has_it(input_check: ModuleType) -> None:
    """The example inventory had 24 reasons, of which 14 quoted an address in angle brackets that other hosts had."""
    owner = {
        "findings": ["ansible_host is a placeholder; give it a value of your own"],
        "placeholders": ["<192.0.2.1>"],
    }
    other = {"findings": ["servers[0].address is '<192.0.2.1>'; give an address", "a is 1; give 2"], "placeholders": []}
    for hosts, said in (
        ({"one": owner, "two": other}, [owner["findings"][0] + " [one]", "a is 1; give 2 [two]"]),
        ({"two": other}, other["findings"]),  # without its owner in the run (--limit) nobody else would tell
    ):
        hostvars = {name: {"n": found} for name, found in hosts.items()}
        first = next(iter(hosts))
        variables = {"n": hosts[first], "hostvars": hostvars, "ansible_play_hosts_all": [*hosts]}
        with pytest.raises(AnsibleError) as refusal:
            input_check.ActionModule.of_the_play(None, "n", {**variables, "inventory_hostname": first})
        assert refusal.value.result["msg"].splitlines() == said


@pytest.mark.parametrize(
    ("placeholders", "kept"),
    [(["<a>"], ["todo_list is no variable"]), (["todo"], ["x is '<a>'; give b", "todo_list is no variable"])],
)
def test_only_what_quotes_angle_brackets_goes(
    input_check: ModuleType, placeholders: list[str], kept: list[str]
) -> None:
    assert input_check.unquoting(["x is '<a>'; give b", "todo_list is no variable"], placeholders) == kept


def test_both_halves_in_a_real_run(tmp_path: Path) -> None:
    """One run of ansible-playbook here: rendering like template, strict arguments, no echo of what was given."""
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"inner": "{{ 'a' ~ 'b' }}", "state": str(tmp_path)},
            "tasks": [
                {"input_check": {"roles": ["sample"]}},
                {
                    "config_transaction": {
                        "name": "sample",
                        "files": [
                            {"dest": "{{ state }}/plain", "template": "plain.j2", "vars": {"extra": "{{ inner }}c"}},
                            {"dest": "{{ state }}/secret", "content": GOOD, "secret": True, "mode": "0600"},
                        ],
                    },
                    "check_mode": True,
                    "diff": True,
                    "register": "foretold",
                },
                {
                    "block": [
                        {"input_check": {"variables": {"state": {"type": "int"}}}},
                        {"fail": {"msg": "accepted"}},
                    ],
                    "rescue": [
                        {"assert": {"that": "ansible_failed_result.msg is match('state is .* a whole number')"}}
                    ],
                },
                {
                    "input_check": {"variables": {"state": {"type": "str"}}},
                    "register": "same",
                    "failed_when": "same is changed",
                },
                {"copy": {"dest": "{{ state }}/result", "content": "{{ foretold | to_json }}", "mode": "0600"}},
                {
                    "config_transaction": {
                        "name": "x",
                        "files": [{"dest": "{{ state }}/y", "content": "z", "mode": "644"}],
                    },
                    "ignore_errors": True,
                },
            ],
        }
    ]
    command = project(tmp_path, play, {"sample_port": {"type": "int"}})
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/plain.j2").write_text("{% if true %}\nvalue {{ extra }}\n{% endif %}\nend\n")
    done = run(tmp_path, [*command, "-vvv"])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "mode is '644'; quote it as octal, like '0640'" in done.stdout
    assert GOOD not in done.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert [change["action"] for change in result["changes"]] == ["create", "create"]
    assert result["diff"][0]["after"] == "value abc\nend\n"
    assert "invocation" not in result
    assert GOOD not in json.dumps(result)
    assert not (tmp_path / "plain").exists()
