"""input_check: what is wrong with a host, and with all of them, is said in one round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
GOOD = "kTz0-9fWq_77Lm"


@pytest.fixture(scope="module")
def input_check() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("input_check", class_only=True).__module__]


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
        "sample_token": {"type": "str", "required": True, "no_log": True},  # which somebody else has made
        "sample_owner": {"type": "str", "required": True, "description": "Whose it is."},
        "sample_id": {"type": "int"},
    }
    command = [*project(tmp_path, play, options), "-i", "fit,one,two,", "-e", "smaple_port=1", "--limit", "all,oen"]
    (tmp_path / "roles/sample/meta/forms.yml").write_text('{"sample_id": "1 to 9"}')
    (tmp_path / "roles/sample/vars").mkdir(exist_ok=True)
    (tmp_path / "roles/sample/vars/main.yml").write_text('{"sample_offer": {"secrets": ["sample_secret"]}}')
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
        "sample_token is not set; set it in a vault file of the inventory [one, two]\n",
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


def test_a_mistyped_form_is_a_finding_that_names_its_role(input_check: ModuleType) -> None:
    fake = SimpleNamespace(
        files=SimpleNamespace(forms={"mail": {"mail_queue": "at lest 1", "mail_relay": "host"}}.get),
        filter_named=input_check.ActionModule.filter_named,
        _templar=SimpleNamespace(template=lambda value: value),
        given={},
    )
    options = {"mail_queue": {"type": "int"}, "mail_relay": {"type": "str"}}
    values = {"mail_queue": 3, "mail_relay": "relay.example.org"}
    (said,) = input_check.ActionModule.option_findings(fake, options, values, "mail")
    assert said.startswith("mail_queue has the form 'at lest 1' in meta/forms.yml of role mail, which is none; write a")


def test_what_status_cannot_ask_is_told_whatever_else_is_wrong(input_check: ModuleType) -> None:
    """A schedule that cron does not know took the backups out of status, and was said twice, once without its name."""

    def template(_value: object) -> object:
        refusal = AnsibleError("refused")
        refusal.__cause__ = AnsibleFilterError("hour must be 0 to 23, got '25'")
        refusal.__cause__.__cause__ = ValueError("hour must be 0 to 23, got '25'")
        raise refusal

    fake = SimpleNamespace(_templar=SimpleNamespace(template=template), elsewhere=set(), not_computable=[], unasked=[])
    said: list[str] = []
    for part in ("probes", "ports"):
        input_check.ActionModule.compute(fake, part, "{{ x }}", {}, said, "backup_offer.")
    probes = "backup_offer.probes cannot be computed: hour must be 0 to 23, got '25'"
    assert (said, fake.unasked) == (["hour must be 0 to 23, got '25'"], [probes])
    assert fake.not_computable == [probes]
    fake.elsewhere = {"hour must be 0 to 23, got '25'"}
    input_check.ActionModule.compute(fake, "units", "{{ x }}", {}, said, "backup_offer.")
    assert fake.unasked[1:] == ["backup_offer.units cannot be computed: hour must be 0 to 23, got '25'"]


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
