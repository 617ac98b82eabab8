"""Every contract finds what it is there for: the sample project passes, and each of these changes is noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.conftest import Build
from tests.contract.contracts import filters, layout, targets
from tests.contract.contracts.registry import PROJECT, ROLE
from tests.contract.sample import GOOD, PROGRAM, ROOM, ROOMS, changed

SPEC, DEFAULTS, VARS = "roles/demo/meta/argument_specs.yml", "roles/demo/defaults/main.yml", "roles/demo/vars/main.yml"
FORMS_OF = "roles/demo/meta/forms.yml"
META, MAIN, CHECK = "roles/demo/meta/main.yml", "roles/demo/tasks/main.yml", "roles/demo/tasks/check.yml"
APPLY, TEMPLATE, README = "roles/demo/tasks/apply.yml", "roles/demo/templates/etc/demo.conf.j2", "roles/demo/README.md"
SITE, VERIFY, SIDECAR = "playbooks/site.yml", "molecule/demo/verify.yml", "filter_plugins/plus_one.yml"
BUDGET, NUMBERS, HANDLERS = "tests/lab/budget.toml", "filter_plugins/numbers.py", "roles/demo/handlers/main.yml"
DEMO = "roles/demo/files/usr/local/lib/demo"

GENERATOR = Path(__file__).resolve().parents[2] / "docs/generate.py"
Change = dict[str, str | None]
HANDED, EXAMPLE = "playbooks/roles/contract/vars/main.yml", "inventories/example/group_vars/all/main.yml"
WIRED = "filter_plugins/wiring.py"
OTHER: Change = {
    "roles/other/meta/argument_specs.yml": "argument_specs: {main: {options: {other_mode: {type: str}}}}\n",
}
SHARED = f"{filters.SHARED}/filters.py"
TWIN = GOOD[NUMBERS].split("\n\n\n")[2].replace("plus_one", "more").replace("    if", '    """Add."""\n    if')

ACTION, DOCUMENTED = "action_plugins/demo_state.py", "library/demo_state.yml"
STATE = {
    ACTION: """WORDS = {"type": "list", "elements": "str", "default": []}


class ActionModule:
    ARGUMENTS = {"names": WORDS, "modes": {"type": "dict", "options": {**{"a": {"type": "str", "choices": ["x"]}}}}}
""",
    DOCUMENTED: """DOCUMENTATION:
  options:
    names: {type: list, elements: str, default: []}
    modes: {type: dict, suboptions: {a: {type: str, choices: [x]}}}
""",
}
COPY = 'DEFAULTS = {"token": "none"}  # of demo_users[]\n'
TOKEN = changed(SPEC, "The token., type: str, no_log: true", "The token., type: str, no_log: true, default: none")
USERS = {
    **changed(SPEC, "demo_port: {", "postgresql_users: {type: list, options: {name: {type: int}}}\n      demo_port: {"),
    "action_plugins/postgresql_state.py": 'ARGUMENTS = {"roles": {"options": {"name": {"type": "str"}}}}\n',
}
LOOK: Change = {SPEC: f"{GOOD[SPEC]}  look: {{short_description: Inspect it, options: {{}}}}\n"}
ENTERS = GOOD[SITE].replace("tasks_from: apply", "tasks_from: look")
PORT: Change = {DEFAULTS: GOOD[DEFAULTS].replace("demo_port: 80\n", "demo_port: 8443\n")}


def task(text: str) -> Change:
    """Return the role with one more task."""
    return {APPLY: f"{GOOD[APPLY]}\n- name: Try\n{text}"}


def option(text: str) -> Change:
    """Return the role with one more option that has a default."""
    name = text.partition(":")[0]
    return {
        **changed(SPEC, "    options:\n", f"    options:\n      {text}\n"),
        DEFAULTS: f'{GOOD[DEFAULTS]}{name}: "x"\n',
        VARS: f'{GOOD[VARS]}__demo_more: "{{{{ {name} }}}}"\n',
    }


def plain(text: str) -> str:
    """Return a forbidden text that does not stand in this file: a tilde keeps it apart."""
    return text.replace("~", "")


def differing(path: str, old: str, new: str) -> Change:
    """Return an action and its documentation, with one text of them replaced."""
    assert old in STATE[path]
    return {**STATE, path: STATE[path].replace(old, new)}


def many(count: int, text: str = "- {name: Wait, ansible.builtin.meta: noop}\n") -> str:
    return "---\n" + text * count


ROLE_CASES: list[tuple[str, Change, str]] = [
    ("vars", {VARS: GOOD[VARS] + "#\n" * 85}, "demo/vars/main.yml has 91 lines; at most 90"),
    ("vars", {VARS: f'{GOOD[VARS]}__demo_a: "{{{{ {"a" * 161} }}}}"\n'}, "an expression has 161 characters"),
    ("vars", {VARS: f"{GOOD[VARS]}__demo_a: >-\n  {{%- if {'a' * 158} -%}}x{{%- endif -%}}\n"}, "has 161 characters"),
    (
        "vars",
        {"roles/demo/vars/more.yml": f"a: \"{{{{ {{'a': {{'b': '{'a' * 150}'}}}} }}}}\"\n"},
        "vars/more.yml: an exp",
    ),
    ("vars", task("  ansible.builtin.debug: {msg: '{%- set a = 1 -%}'}\n"), "demo/tasks/apply.yml assigns in Jinja"),
    ("forms", {FORMS_OF: "demo_port: at lest 1\n"}, "demo/meta/forms.yml: demo_port has the form 'at lest 1' in meta"),
    (
        "forms",
        {FORMS_OF: "demo_users[].name: nmae\n"},
        "demo_users[].name has the form 'nmae' in meta/forms.yml of role",
    ),
    ("forms", {FORMS_OF: "demo_port: 5\n"}, "demo_port has the form 5 in"),
    ("forms", {FORMS_OF: "demo_prot: line\n"}, "meta/forms.yml: demo_prot is no option of role demo; correct the path"),
    ("forms", {FORMS_OF: "demo_users.name: line\n"}, "demo_users.name is no option of role demo"),
    (
        "offer",
        changed(VARS, "  packages:", "  unit: [demo.service]\n  packages:"),
        "main.yml: demo_offer.unit is no part of",
    ),
    (
        "offer",
        changed(VARS, "  packages: [demo]", "  unit: '{{ all }}'"),
        "demo_offer.unit is no part of an offer; choose one",
    ),
    ("offer", changed(VARS, "[demo]", "demo"), "demo_offer.packages is 'demo'; give a list"),
    ("offer", changed(VARS, "[demo]", "['{{ one }}', 7]"), "demo_offer.packages is [7]; give a list of texts"),
    ("offer", changed(VARS, "sources: [public]", "source: [public]"), "demo_offer.ports has source; its keys are"),
    ("offer", changed(VARS, "{mb: 10}", "[10]"), "demo_offer.memory is [10]; give a mapping"),
    (
        "offer",
        changed(VARS, "demo_offer:", "demo_offers:"),
        "demo/vars/main.yml has None for demo_offer; give a mapping",
    ),
    ("offer", {VARS: None}, "has None for demo_offer"),
    ("offer", {VARS: "demo_offer: '{{ all }}'\n"}, "has '{{ all }}' for demo_offer"),
    ("files", {README: None}, "README.md is missing"),
    ("sizes", {README: "text\n" * 121}, "README.md has 121 lines"),
    ("sizes", {MAIN: "#\n" * 31}, "tasks/main.yml has 31 lines"),
    ("sizes", {TEMPLATE: "x\n" * 61}, "demo.conf.j2 has 61 lines"),
    ("sizes", {CHECK: many(13)}, "check.yml has 13 tasks"),
    ("sizes", {CHECK: many(9, "- {name: Stop, ansible.builtin.assert: {that: false}}\n")}, "check.yml has 9 asserts"),
    ("sizes", {HANDLERS: many(4)}, "handlers/main.yml has 4 handlers"),
    ("sizes", {DEFAULTS: "".join(f"demo_{n}: 1\n" for n in range(26))}, "has 26 variables"),
    ("sizes", {DEFAULTS: "---\n"}, "has no variable"),
    ("sizes", {META: GOOD[META] + "#\n" * 20}, "meta/main.yml has"),
    ("meta", changed(META, "[bookworm, trixie]", "[trixie]"), "platforms are"),
    ("meta", changed(META, "dependencies: []", "dependencies: [other]"), "has dependencies"),
    ("meta", changed(META, "  description: An example\n", ""), "no description"),
    ("entry points", LOOK, "entry point look has no tasks/look.yml"),
    ("entry points", {SPEC: f"{GOOD[SPEC]}  apply: {{options: {{}}}}\n"}, "apply has no short_description"),
    ("known", changed(SITE, "name: demo,", "name: other,"), "not in playbooks/site.yml"),
    ("known", changed(HANDED, "[demo]", "[other]"), "demo is in no group of contract_group_roles, so no host has it"),
    (
        "known",
        changed(HANDED, "[demo]", "\"{{ ['demos'] }}\""),
        "write `demo: [demo]` in playbooks/roles/contract/vars",
    ),
    ("known", {HANDED: None}, "demo is in no group"),
    ("known", {"molecule/demo/molecule.yml": None}, "molecule/demo/molecule.yml is missing"),
    ("known", {"README.md": "Roles: demolition\n"}, "README.md does not list demo"),
    ("surface", {DEFAULTS: GOOD[DEFAULTS] + "demo_more: 1\n"}, "demo_more has a default but is not"),
    ("surface", changed(DEFAULTS, "demo_port: 80\n", ""), "demo_port is in argument_specs.yml but"),
    ("surface", {DEFAULTS: GOOD[DEFAULTS] + "demo_password: x\n"}, "demo_password is required and has a default"),
    (
        "surface",
        changed(SPEC, "required: true, no_log", "required: true, default: x, no_log"),
        "its option states a default",
    ),
    ("described", changed(SPEC, "type: int", "type: number"), "demo_port has no known type"),
    ("described", changed(SPEC, "description: How., ", ""), "demo_mode has no description"),
    ("described", changed(SPEC, "description: The token., ", ""), "demo_users[].token has no description"),
    ("described", changed(SPEC, "        elements: dict\n", ""), "does not say of what"),
    ("described", changed(SPEC, "short_description", "notes"), "no short_description"),
    ("defaults", changed(DEFAULTS, "80", "81"), "demo_port is 81"),
    ("defaults", changed(DEFAULTS, "80", '"80"'), "demo_port is '80'"),
    ("defaults", changed(DEFAULTS, "80", "true"), "its type is int"),
    ("defaults", changed(DEFAULTS, "fast", "quick"), "none of its choices"),
    ("names", {DEFAULTS: "port: 80\n"}, "port does not begin with demo_"),
    ("names", {VARS: "demo_path: /x\n"}, "vars/main.yml sets demo_path"),
    ("names", task("  ansible.builtin.set_fact: {demo_x: 1}\n"), "demo_x does not begin with __demo_"),
    ("names", task("  ansible.builtin.meta: noop\n  vars: {x: 1}\n"), "x does not begin with __demo_"),
    (
        "used",
        changed(VARS, "{{ demo_port }}", "80") | changed(TEMPLATE, "port {{ demo_port }}\n", ""),
        "demo_port is read nowhere",
    ),
    ("tasks", task("  ansible.builtin.ping:\n  register: demo_ping\n"), "registers demo_ping"),
    ("described", {SPEC: f"{GOOD[SPEC]}  look: {{options: {{demo_x: {{type: str}}}}}}\n"}, "demo_x has no description"),
    ("tasks", task("  command: {argv: [a]}\n  changed_when: false\n"), "command is not a full module name"),
    ("tasks", task("  action: ansible.builtin.ping\n"), "through action"),
    ("tasks", task("  when: true\n"), "has no module"),
    (
        "tasks",
        task("  config_transaction: {name: demo}\n"),
        "Try: another task of the file asks for transaction demo; merge",
    ),
    ("tasks", task("  ansible.builtin.ping:\n  ignore_errors: false\n"), "ignore_errors"),
    ("tasks", task("  ansible.builtin.include_role: {name: x, tasks_from: y.yml}\n"), "y.yml has an extension"),
    ("tasks", task("  ansible.builtin.include_role: {name: x}\n"), "inside a role"),
    ("tasks", task("  ansible.builtin.template: {src: a, dest: /etc/x}\n"), "template to /etc/x"),
    ("tasks", task("  ansible.builtin.copy: {content: a, dest: '{{ __demo_path }}'}\n"), "use config_transaction"),
    ("tasks", task("  ansible.builtin.lineinfile: {path: /etc/x, line: a}\n"), "lineinfile to /etc/x"),
    ("tasks", task("  ansible.builtin.blockinfile: {path: /etc/x, block: a}\n"), "blockinfile to /etc/x"),
    ("tasks", task("  ansible.builtin.command: {argv: [a]}\n"), "neither changed_when nor creates"),
    ("tasks", task("  ansible.builtin.shell: a | b\n"), "neither changed_when nor creates"),
    ("tasks", task("  ansible.builtin.command: a b\n  changed_when: false\n"), "as argv"),
    ("tasks", task("  ansible.builtin.ping:\n  when: '{{ a }}'\n"), "when has braces"),
    ("tasks", task("  ansible.builtin.assert: {that: ['{{ a }}']}\n"), "that has braces"),
    ("tasks", task("  ansible.builtin.ping:\n  loop: [1]\n"), "item is called item"),
    ("tasks", task("  ansible.builtin.ping:\n  with_items: [1]\n"), "use loop"),
    ("tasks", task("  ansible.builtin.ping:\n  register: __result\n"), "registers __result"),
    ("tasks", task("  ansible.builtin.set_fact: {__demo_x: 1}\n  run_once: true\n"), "set_fact with run_once"),
    ("tasks", task("  ansible.builtin.add_host: {name: x}\n  run_once: true\n"), "add_host with run_once"),
    (
        "tasks",
        task(
            "  ansible.builtin.ping:\n  run_once: true\n  register: __demo_seen\n"
            "- name: Read\n  ansible.builtin.ping:\n  when: __demo_seen is changed\n"
        ),
        "__demo_seen is registered with run_once and read by every host",
    ),
    ("tasks", task("  block:\n    - {name: In a block, ping: }\n"), "ping is not a full module name"),
    (
        "facts",
        task("  ansible.builtin.ping:\n  when: ansible_distribution == 'Debian'\n"),
        "write ansible_facts.distribution",
    ),
    ("facts", {TEMPLATE: GOOD[TEMPLATE] + "{{ ansible_memtotal_mb }}\n"}, "write ansible_facts.memtotal_mb"),
    ("secrets declared", option("demo_secret: {description: x, type: str}"), "demo_secret sounds like a secret"),
    ("secrets declared", option("demo_key: {description: x, type: str}"), "demo_key sounds like a secret"),
    (
        "secrets declared",
        changed(SPEC, "The token., type: str, no_log: true", "The token., type: str"),
        "demo_users.token sounds",
    ),
    ("tasks silent", changed(APPLY, "  no_log: true\n", ""), "handles demo_password without no_log"),
    (
        "tasks silent",
        task('  ansible.builtin.debug: {msg: "{{ __demo_login }}"}\n'),
        "handles __demo_login without no_log",
    ),
    ("tasks silent", task("  ansible.builtin.debug: {var: demo_users}\n"), "handles demo_users without no_log"),
    (
        "tasks silent",
        task('  ansible.builtin.assert: {that: false, fail_msg: "{{ demo_password }}"}\n'),
        "handles demo_password",
    ),
    ("files secret", changed(APPLY, "        secret: true\n", ""), "no secret: true"),
    ("files secret", changed(APPLY, "0640", "0644"), "close it to others"),
    (
        "files secret",
        changed(APPLY, "        secret: true\n", "") | changed(TEMPLATE, "user.token", "user.get('token')"),
        "no secret: true",
    ),
    (
        "files secret",
        changed(APPLY, "        secret: true\n", "") | changed(TEMPLATE, "{{ user.token }}", "{{ user | to_json }}"),
        "no secret: true",
    ),
    (
        "files secret",
        {
            VARS: GOOD[VARS]
            + "__demo_files: \"{{ [{'dest': '/etc/x', 'template': 'etc/demo.conf.j2', 'vars': {'a': 1}}] }}\"\n"
        },
        "/etc/x has __demo_login",
    ),
    (
        "files secret",
        {VARS: GOOD[VARS] + '__demo_f: {dest: /etc/y, content: "{{ database_password }}"}\n'},
        "/etc/y has database_password",
    ),
    ("templates", {TEMPLATE: GOOD[TEMPLATE].replace("Managed by", "From")}, "first three lines"),
    ("templates", {TEMPLATE: GOOD[TEMPLATE] + "{% if %}\n"}, "line 9"),
    ("templates", {TEMPLATE: GOOD[TEMPLATE] + "{{ demo_prot }}\n"}, "demo_prot is defined nowhere"),
    ("templates", changed(TEMPLATE, "demo_settings | dictsort", "demo_settings.items()"), "without dictsort"),
    (
        "templates",
        changed(TEMPLATE, "name, value in demo_settings | dictsort", "name in demo_settings"),
        "without dictsort",
    ),
    (
        "templates",
        changed(TEMPLATE, "demo_settings | dictsort", "demo_settings | dict2items | map('list')"),
        "without dictsort",
    ),
    (
        "templates",
        {TEMPLATE: GOOD[TEMPLATE] + "{% if 1 %}{% if 2 %}{% if 3 %}x{% endif %}{% endif %}{% endif %}\n"},
        "nested 3 deep",
    ),
]

PROJECT_CASES: list[tuple[str, Change, str]] = [
    ("example groups", changed("inventories/example/hosts.yml", "    app: {hosts: {one: }}\n", ""), "the group app"),
    ("example groups", changed(SITE, "hosts: all", "hosts: all:&queue"), "the group queue"),
    ("example groups", {SITE: GOOD[SITE] + "      when: \"'queue' in group_names\"\n"}, "the group queue"),
    ("scenarios", {VERIFY: None}, "verify.yml is missing"),
    ("scenarios", {"molecule/demo/molecule.yml": "# x\n" * 11}, "has 11 lines"),
    ("scenarios", {"molecule/demo/molecule.yml": None}, "molecule/demo/molecule.yml is missing"),
    ("budgets", changed(BUDGET, "demo = 60", ""), "molecule/demo has no budget"),
    ("budgets", changed(BUDGET, "demo = 60", "demo = 50\nmail = 9"), "there is no scenario mail"),
    ("budgets", changed(BUDGET, "hardened = 5\n[seconds]\ndemo = 60", "each = 61\n[seconds]"), "take 61 s"),
    ("budgets", changed(BUDGET, "demo = 60", "demo = 61"), "take 61 s, together they have 60 s"),
    ("duplication", {APPLY.replace("demo", "copy"): GOOD[APPLY].replace("demo", "copy")}, "written more than once"),
    ("text", {"docs/a.md": plain("# TO~DO later\n")}, "docs/a.md:1: an open end"),
    ("text", {"docs/a.md": plain("FIX~ME: this\n")}, "an open end"),
    ("text", {"docs/a.md": plain("see /ho~me/jane/x\n")}, "somebody's home"),
    ("text", {"docs/a.yml": plain("\nignore_~errors: true\n")}, "docs/a.yml:2: a hidden error"),
    ("text", {"docs/a.txt": plain("index-~url = https://packages.example.org/simple\n")}, "a private package index"),
    ("text", {"docs/a.txt": plain("image: registry.team.~internal/x\n")}, "a private package index"),
    ("text", {"docs/a.txt": plain("cd /var/lib/postgresql/{~{ version }}/main\n")}, "a cluster where Debian puts it"),
    ("text", {"docs/a.py": plain('say("Cu~re: turn it off")\n')}, "docs/a.py:1: another word for fix"),
    ("text", {"docs/a.txt": plain("<<<<~<<< ours\n")}, "a merge conflict"),
    ("playbook tasks", {SITE: GOOD[SITE] + "    - {name: Ping, ping: }\n"}, "ping is not a full module name"),
    ("targets", changed(MAIN, "import_tasks: check.yml", "import_tasks: chekc.yml"), "names chekc.yml, which is not"),
    ("targets", changed(MAIN, "import_tasks: check.yml", "include_tasks: {file: no.yml}"), "main.yml names no.yml"),
    ("targets", changed(SITE, "name: demo, tasks_from: apply", "name: demo, tasks_from: look"), "demo/tasks/look.yml"),
    ("targets", changed(SITE, "name: demo, tasks_from: apply", "name: other"), "site.yml names other, which is not"),
    ("targets", {SITE: f"{GOOD[SITE]}- ansible.builtin.import_playbook: more.yml\n"}, "site.yml names more.yml"),
    ("targets", changed(SITE, "  hosts: all\n", "  hosts: all\n  roles: [other]\n"), "site.yml names other"),
    ("targets", changed(SITE, "  hosts: all\n", "  hosts: all\n  vars_files: [x.yml]\n"), "site.yml names x.yml"),
    ("targets", {TEMPLATE: None}, "apply.yml names etc/demo.conf.j2, which is not there; write it, or correct"),
    ("targets", {DEMO: None}, "apply.yml names usr/local/lib/demo, which"),
    ("targets", task("  ansible.builtin.copy: {src: some.py, dest: /opt/x}\n"), "apply.yml names some.py"),
    (
        "targets",
        {VARS: GOOD[VARS] + "__demo_files: \"{{ [{'dest': '/etc/x', 'template': 'etc/x.j2'}] }}\"\n"},
        "demo/vars/main.yml names etc/x.j2",
    ),
    (
        "targets",
        {VERIFY: f"{GOOD[VERIFY]}  vars: {{a: \"{{{{ lookup('file', 'a.py') }}}}\"}}\n"},
        "verify.yml names a.py",
    ),
    (
        "playbook tasks",
        {SITE: GOOD[SITE] + "    - {name: P, ansible.builtin.ping: , register: result}\n"},
        "registers result",
    ),
    (
        "playbook tasks",
        {SITE: GOOD[SITE] + "    - {name: P, ansible.builtin.ping: , when: ansible_fqdn}\n"},
        "ansible_facts.fqdn",
    ),
    (
        "playbook tasks",
        changed(SITE, "  hosts: all\n", "  hosts: all\n  ignore_errors: false\n"),
        "Apply the roles: ignore_errors",
    ),
    ("playbook tasks", {VERIFY: GOOD[VERIFY] + "    - {name: Ping, ping: }\n"}, "ping is not a full module name"),
    ("playbook heads", changed(SITE, "# Brings every host into the described state.\n#\n", ""), "is not a sentence"),
    ("playbook heads", changed(SITE, "# Extra variables:\n", ""), 'has no "Extra variables:"'),
    ("playbook heads", changed(SITE, "#   site_hosts (str): the hosts to work on; default all.\n", ""), "names none"),
    (
        "whole runs",
        changed(
            SITE, "    - name: Refuse a choice of tasks\n      ansible.builtin.import_tasks: tasks/whole_run.yml\n", ""
        ),
        "site.yml: begin with ansible.builtin.import_tasks: tasks/whole_run.yml",
    ),
    ("extra variables", changed(SITE, "site_hosts | default('all') is string", "true"), "site_hosts is not validated"),
    ("sidecars", {SIDECAR: None}, "plus_one.yml is missing"),
    ("sidecars", {"filter_plugins/old_one.yml": GOOD[SIDECAR]}, "old_one.yml describes a filter that no file offers"),
    ("sidecars", changed(NUMBERS, "filter_module(plus_one)", "filter_module()"), "numbers.py offers no filter"),
    ("sidecar contents", changed(SIDECAR, "name: plus_one", "name: plus"), "DOCUMENTATION.name is 'plus'"),
    ("sidecar contents", changed(SIDECAR, "description: How often., ", ""), "times has no description"),
    ("sidecar contents", changed(SIDECAR, "  positional: times\n", ""), "no positional"),
    ("sidecar contents", changed(SIDECAR, "positional: times", "positional: often"), "which is no option"),
    ("sidecar contents", changed(SIDECAR, "# => 2", "# 2"), "no example"),
    ("sidecar contents", changed(SIDECAR, "_value", "value"), "RETURN._value is missing"),
    (
        "sidecar contents",
        changed(SIDECAR, "    _input: {description: The number., type: int, required: true}\n", ""),
        "_input is missing",
    ),
    ("filter code", {NUMBERS: GOOD[NUMBERS] + "\n\ndef long():\n" + "    pass\n" * 30}, "long has 31 lines"),
    ("filter code", {NUMBERS: GOOD[NUMBERS] + "\nimport yaml\n"}, "imports yaml"),
    ("filter code", changed(NUMBERS, '"""Numbers."""\n', ""), "has no docstring"),
    ("filter code", changed(NUMBERS, "filter_module(plus_one)", "filter_module(plus)"), "a name of two words"),
    ("filter code", {NUMBERS: GOOD[NUMBERS] + "\n\nclass FilterModule:\n    pass\n"}, "defines FilterModule"),
    ("filter code", {SHARED: GOOD[SHARED] + "\nimport ansible.constants\n"}, "filters.py imports ansible.constants"),
    (
        "module arguments",
        differing(ACTION, '"default": []', '"default": ["y"]'),
        "names has default ['y'] in ARGUMENTS",
    ),
    ("module arguments", differing(ACTION, '"elements": "str"', '"elements": "int"'), "names has elements 'int'"),
    (
        "module arguments",
        differing(DOCUMENTED, "type: dict,", "type: dict, required: true,"),
        "modes has required False",
    ),
    (
        "module arguments",
        differing(DOCUMENTED, "[x]", "[y]"),
        "modes.a has choices ['x'] in ARGUMENTS and ['y'] in its",
    ),
    ("module arguments", differing(DOCUMENTED, "names:", "words:"), "names is in ARGUMENTS only"),
    ("module arguments", {**STATE, DOCUMENTED: None}, "modes is in ARGUMENTS only"),
    (
        "module arguments",
        {ACTION: STATE[ACTION], "library/demo_state.py": 'DOCUMENTATION = r"""\noptions: {old: {type: str}}\n"""\n'},
        "old is in its documentation only",
    ),
    ("module arguments", USERS, "postgresql_users[].name has type 'int' in argument_specs.yml and 'str' in module"),
    ("nested defaults", {NUMBERS: GOOD[NUMBERS] + 'DEFAULTS = {"token": "none"}\n'}, "does not say of which option"),
    ("nested defaults", {**TOKEN, NUMBERS: GOOD[NUMBERS] + COPY.replace("none", "no")}, "DEFAULTS is {'token': 'no'}"),
    ("nested defaults", {**TOKEN, NUMBERS: GOOD[NUMBERS] + COPY.replace('"token": "none"', "")}, "DEFAULTS is {}"),
    ("nested defaults", {NUMBERS: GOOD[NUMBERS] + COPY.replace("token", "old")}, "DEFAULTS is {'old': 'none'}"),
    ("template defaults", {**TOKEN, TEMPLATE: f"{GOOD[TEMPLATE]}{{{{ u.token | default('no') }}}}\n"}, "says 'none'"),
    ("python sizes", {NUMBERS: GOOD[NUMBERS] + "#\n" * 300}, "numbers.py has 313 lines; at most 300"),
    ("python sizes", {"roles/demo/files/tool": "#!/usr/bin/python3\n" * 301}, "files/tool has 301 lines; at most 300"),
    ("python twins", {SHARED: GOOD[SHARED] + TWIN}, "numbers.py: plus_one and filters.py: more are the same"),
    ("filter examples", changed(SIDECAR, "# => 2", "# => 3"), "says '3', gives 2"),
    ("filter examples", changed(SIDECAR, "# => 2", '# => "2"'), "gives 2"),
    ("filter examples", changed(SIDECAR, "1 | plus_one", "'1' | plus_one"), "needs a number"),
    (
        "short expressions",
        {HANDED: f'long: "{{{{ {"a" * 161} }}}}"\n'},
        "main.yml: an expression has 161 characters",
    ),
    ("lost refusals", {HANDED: "a_findings: '{{ [] + (b if c else []) }}'\n"}, "a_findings adds b, whose refusal"),
    ("lost refusals", {VARS: f"{GOOD[VARS]}demo_x_findings: ['{{{{ [] + ([] or b) }}}}']\n"}, "demo_x_findings adds b"),
    ("accumulators", {HANDED: "sum: '{%- set all = [] -%}{{ all }}'\n"}, "sets a variable inside a template"),
    ("internal names", {HANDED: "port: '{{ __demo_login }}'\n"}, "main.yml: __demo_login is internal to role demo"),
    (
        "internal names",
        {"roles/other/vars/main.yml": "__other_x: '{{ __demo_login }}'\n"},
        "roles/other/vars/main.yml: __demo_login is internal to role demo",
    ),
    ("internal names", {NUMBERS: GOOD[NUMBERS] + "# __demo_login\n"}, "numbers.py: __demo_login is internal"),
    ("doors", changed(SITE, "tasks_from: apply", "tasks_from: look"), "role demo has no entry point look"),
    ("doors", {**LOOK, SITE: f"{ENTERS}      vars: {{demo_more: 1}}\n"}, "demo_more is no option of entry point look"),
    ("tested versions", changed("requirements.lock", "2.19.14", "2.19.15"), "does not name ansible-core 2.19.15"),
    ("tested versions", changed("requirements.lock", "2.19.14", "2.19.1"), "does not name ansible-core 2.19.1,"),
    ("tested versions", {"requirements.lock": None}, "pins no ansible-core"),
    ("docs", {}, "stale: docs/playbooks.md"),
    ("wiring", {HANDED: "demo_mode: fast\n"}, "demo_mode is handed over and contract_handed does not"),
    ("wiring", {HANDED: "contract_handed: {demo_mode: x}\n"}, "contract_handed names demo_mode"),
    ("wiring", {SITE: GOOD[SITE] + "#   {{ host.demo_port | default(81) }}\n"}, "default(81), and its role says 80"),
    (
        "wiring",
        {
            **OTHER,
            HANDED: "demo_mode: '{{ other_mode }}'\ncontract_handed: {demo_mode: do that}\n",
        },
        "demo_mode refers to other_mode, which a play without role other lacks",
    ),
    ("wiring", {WIRED: 'ASSUMED: dict = {"demo_port": 81}\n'}, "ASSUMED has 81 for demo_port, and its role 80"),
    ("wiring", {**PORT, EXAMPLE: "url: http://one:8443/\n"}, "main.yml:1: 8443 is demo_port; refer to it"),
    ("wiring", {**PORT, "inventories/demo/hosts.yml": "a: {b: 8443}\n"}, "hosts.yml:1: 8443 is demo_port"),
    ("wiring", {**PORT, "roles/other/templates/x.j2": "port 8443\n"}, "x.j2:1: 8443 is demo_port"),
    ("remote sizes", {"library/long.py": "#\n" * 301}, "library/long.py has 301 lines; at most 300"),
    ("remote sizes", {f"{ROOMS}/long.py": "#\n" * 301}, "long.py has 301 lines; at most 300"),
    ("remote sizes", {DEMO: PROGRAM + "#\n" * 300}, "lib/demo has 304 lines; at most 300"),
    ("remote bodies", {f"{ROOMS}/other.py": ROOM.replace("def run", "def go")}, "go of"),
    (
        "remote bodies",
        {DEMO: PROGRAM + ROOM.replace('"""Run a program."""', '"""Other words."""')},
        f"run of {ROOMS}/process.py and run of {DEMO} have the same body",
    ),
    ("remote imports", {"library/x.py": "import yaml\n"}, "library/x.py imports yaml"),
    (
        "remote imports",
        {"library/x.py": "from ansible.module_utils.basic import AnsibleModule\n"},
        "imports ansible.mod",
    ),
    ("remote imports", {f"{ROOMS}/x.py": "from . import process\n"}, "x.py imports ., neither"),
    (
        "remote imports",
        {"library/x.py": f"def f():\n    from {ROOMS.replace('/', '.')}.process import run\n    run([])\n"},
        "process in a function; the packer looks at the top",
    ),
    ("remote imports", {f"{ROOMS}/process.py": None}, "lib/demo imports ansible_collections"),
    (
        "remote imports",
        {"library/x.py": "def f():\n    import ansible_collections.holdfast\n"},
        "x.py imports ansible_c",
    ),
    (
        "remote programs",
        changed(APPLY, "program: usr/local/lib/demo", "content: \"{{ lookup('file', 'usr/local/lib/demo') }}\""),
        "lib/demo imports rooms; write it with `program: usr/local/lib/demo`",
    ),
    ("remote programs", changed(APPLY, "program: usr/local/lib/demo", "content: x"), "imports rooms"),
]


def read(findings: list[str]) -> str:
    return "\n".join(findings)


@pytest.mark.parametrize("contract", sorted(ROLE))
def test_good_role_passes(build: Build, contract: str) -> None:
    assert ROLE[contract](build() / "roles/demo") == []


@pytest.mark.parametrize("contract", sorted(PROJECT.keys() - {"docs"}))
def test_good_project_passes(build: Build, contract: str) -> None:
    assert PROJECT[contract](build()) == []


@pytest.mark.parametrize(("contract", "change", "finding"), ROLE_CASES)
def test_role_finding(build: Build, contract: str, change: Change, finding: str) -> None:
    assert finding in read(ROLE[contract](build(change) / "roles/demo"))


@pytest.mark.parametrize(("contract", "change", "finding"), PROJECT_CASES)
def test_project_finding(build: Build, contract: str, change: Change, finding: str) -> None:
    assert finding in read(PROJECT[contract](build(change)))


def test_every_contract_can_fail() -> None:
    assert {name for name, _, _ in ROLE_CASES} == set(ROLE)
    assert {name for name, _, _ in PROJECT_CASES} == set(PROJECT)


ALLOWED: list[tuple[str, Change]] = [
    ("vars", {VARS: f'{GOOD[VARS]}__demo_a: "{{{{ {"a" * 79}\\n   ~ {"a" * 78} }}}}"\n'}),
    ("vars", {VARS: GOOD[VARS] + f"__demo_a: {'a' * 200}\n" + "#\n" * 83}),
    ("module arguments", {**STATE}),
    ("nested defaults", {**TOKEN, NUMBERS: GOOD[NUMBERS] + COPY}),
    ("template defaults", {**TOKEN, TEMPLATE: f"{GOOD[TEMPLATE]}{{{{ u.token | default('none') }}}}\n"}),
    ("wiring", {HANDED: "demo_mode: fast\ncontract_handed: {demo_mode: do that}\n"}),
    ("wiring", {SITE: GOOD[SITE] + "#   {{ host.demo_port | default(80) }}\n"}),
    (
        "wiring",
        {
            **OTHER,
            HANDED: "demo_mode: '{{ other_mode | default(1) }} {{ hostvars.a.other_mode }} {{ demo_port }}'\n"
            "contract_handed: {demo_mode: do that}\n",
        },
    ),
    ("wiring", {WIRED: 'ASSUMED: dict = {"demo_port": 80}\n'}),
    ("wiring", {**PORT, EXAMPLE: "demo_port: 8443 # here alone\nurl: http://192.0.2.1:18443/\n"}),
    ("wiring", {**PORT, TEMPLATE: GOOD[TEMPLATE] + "port 8443\n"}),
    (
        "facts",
        task("  ansible.builtin.ping:\n  when: ansible_facts.distribution == 'Debian' and not ansible_check_mode\n"),
    ),
    ("tasks", task("  ansible.builtin.copy: {content: a, dest: /var/lib/demo/x}\n")),
    (
        "tasks silent",
        task(
            "  ansible.builtin.debug: {msg: \"{{ demo_users | map(attribute='name') }}{{ demo_password | length }}\"}\n"
        ),
    ),
    ("tasks silent", task('  ansible.builtin.debug: {msg: "demo_password is too short"}\n')),
    (
        "tasks silent",
        task('  block:\n    - {name: In, ansible.builtin.debug: {msg: "{{ demo_password }}"}}\n  no_log: true\n'),
    ),
    (
        "files secret",
        {
            TEMPLATE: GOOD[TEMPLATE]
            .replace(" {{ user.token }}", "{{ user.get('role') }}")
            .replace("__demo_login", "demo_users"),
            APPLY: GOOD[APPLY].replace("        secret: true\n", ""),
        },
    ),
    (
        "tasks silent",
        task("  ansible.builtin.debug: {msg: \"{{ demo_password is match('\\\\s') }}\"}\n"),
    ),
    ("secrets declared", option("demo_key_file: {description: x, type: path}")),
    ("secrets declared", option("demo_public_key: {description: x, type: str}")),
    ("templates", {TEMPLATE: GOOD[TEMPLATE] + "{% if 1 %}a{% elif 2 %}b{% elif 3 %}c{% elif 4 %}d{% endif %}\n"}),
    ("templates", {"roles/demo/templates/etc/demo.json.j2": "{{ demo_settings | to_json }}\n"}),
    ("tasks", task("  config_transaction: {name: demo-more}\n")),
    (
        "tasks",
        {CHECK: "".join(f"- {{name: A, config_transaction: {{name: x}}, when: {when}}}\n" for when in ("a", "not a"))},
    ),
    ("forms", {FORMS_OF: "demo_port: 1 to 9\ndemo_users[].name: line\ndemo_settings{values}: text\n"}),
    ("offer", {VARS: "demo_offer: {}\n"}),
    ("offer", changed(VARS, "{mb: 10}", "'{{ sizes }}'")),
    ("offer", {VARS: "demo_offer: {units: '{{ u }}', packages: ['{{ one }}', a], ports: ['{{ port }}', {name: b}]}\n"}),
    ("targets", task("  ansible.builtin.copy: {src: /etc/a, dest: /etc/b, remote_src: true}\n")),
    ("targets", task("  ansible.builtin.include_tasks: '{{ kind }}.yml'\n")),
    ("targets", task("  ansible.builtin.import_role: {name: installed.collection.role}\n")),
    ("targets", {VARS: f"{GOOD[VARS]}__demo_probe: {{program: in-force, what: settings}}\n"}),
    ("targets", {VERIFY: f"{GOOD[VERIFY]}  vars_files: [../../.cache/lab/bed.json]\n"}),
    ("known", {HANDED: "contract_group_roles: {}\nhost_roles: \"{{ ['base', 'demo'] }}\"\n"}),
    ("known", changed(HANDED, "[demo]", "\"{{ ['demo'] if a else [] }}\"")),
    (
        "known",
        changed(SITE, "name: demo,", "name: '{{ __role }}',")
        | {SITE: GOOD[SITE].replace("demo,", "'{{ r }}',") + "      loop: [demo]\n"},
    ),
]


@pytest.mark.parametrize(("contract", "change"), ALLOWED)
def test_allowed(build: Build, contract: str, change: Change) -> None:
    root = build(change)
    assert (PROJECT[contract](root) if contract in PROJECT else ROLE[contract](root / "roles/demo")) == []


FORMS = [
    ("{{ [1, 2] | map('plus_one') | list }}\n", "[2, 3]"),
    ("1 | plus_one(times=4)\n", "5"),
    ('numbers: [1, 2]\nsum: "{{ numbers | sum | plus_one }}"\n', "4"),
    ('- name: Count\n  ansible.builtin.debug:\n    msg: "{{ one | plus_one }}"\n  vars: {one: 1}\n', "2"),
    ("- ansible.builtin.debug:\n    var: 6 | plus_one\n", "7"),
    ("{{ 'x\ny' }}\n", "|\n#   x\n#   y"),
    ("{{ 'a' | plus_one }}\n", "error: needs a number, got 'a'"),
    ("{{ {'b': 1,\n      'a': 2 | plus_one} }}\n", '{"a": 3,\n#   "b": 1}'),
    ("{{ '10:30' }}\n", "10:30"),
]


def test_forms_of_examples(build: Build) -> None:
    text = "".join(f"  {line}\n" for example, result in FORMS for line in f"{example}# => {result}".splitlines())
    root = build(changed(SIDECAR, "  {{ 1 | plus_one }}\n  # => 2\n", text))
    assert len(filters.examples(root / SIDECAR)) == len(FORMS)
    assert filters.examples_are_true(root) == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("UNITS = limits(kilo, mega)\nFilterModule = filter_module(one_two, three_four)\n", ["one_two", "three_four"]),
        ("FilterModule = something(one_two)\n", []),
    ],
)
def test_names_of_filters(tmp_path: Path, code: str, names: list[str]) -> None:
    (tmp_path / "some.py").write_text(code)
    assert filters.names(tmp_path / "some.py") == names


def test_pages_are_fresh_after_writing_and_name_what_went_stale(build: Build) -> None:
    root = build(
        changed(SITE, "- name: Apply the roles", "#\n# Result: hosts and\n# changed.\n- name: Apply the roles")
    )
    subprocess.run([sys.executable, str(GENERATOR), "--root", str(root)], check=True, capture_output=True)
    assert PROJECT["docs"](root) == []
    page = (root / README).read_text()
    assert "| `demo_users[].token` | str |  | The token. Secret. |" in page
    assert "| `demo_password` | str | **required** |" in page
    assert "| `demo_mode` | str | `fast` | How. One of `fast`, `slow`. |" in page
    playbooks = (root / "docs/playbooks.md").read_text()
    assert "**Extra variables:**\n\n- `site_hosts` (str): the hosts to work on; default all.\n" in playbooks
    assert "\n\n**Result:** hosts and\nchanged.\n" in playbooks  # there was an empty line in the sentence
    (root / DEFAULTS).write_text(GOOD[DEFAULTS].replace("80", "81"))
    assert PROJECT["docs"](root) == ["stale: roles/demo/README.md; run `make docs`, which writes it"]


def test_tables_of_groups_are_those_of_the_contract(build: Build) -> None:
    """They were written by hand, and lacked groups and roles."""
    marks = "<!-- {0}: generated -->\nby hand\n<!-- end of {0} -->\n"
    root = build(
        {
            "README.md": marks.format("groups") + marks.format("roles"),
            "docs/architecture.md": f"before\n{marks.format('groups')}after\n",
            "roles/other/meta/argument_specs.yml": OTHER["roles/other/meta/argument_specs.yml"],
            HANDED: """---
contract_group_roles:
  app: "{{ ['other'] + (['demo'] if groups['queue'] else []) }}"
  queue: [other]
host_roles: "{{ ['demo'] + (group_names | flatten) }}"
contract_handed: {demo_port: x, other_mode: x, demo_mode: x}
""",
        }
    )
    subprocess.run([sys.executable, str(GENERATOR), "--root", str(root)], check=True, capture_output=True)
    readme, architecture = (root / "README.md").read_text(), (root / "docs/architecture.md").read_text()
    assert "| every host | `demo`: An example |" in readme
    assert "| `app` | `other`: .<br>`demo`: An example |" in readme
    assert readme.endswith("[`demo`](roles/demo/README.md), [`other`](roles/other/README.md).\n<!-- end of roles -->\n")
    assert "| every host | demo | `demo_port`, `demo_mode` |" in architecture
    assert "| `queue` | other | `other_mode` |" in architecture
    assert (architecture[:6], architecture[-6:]) == ("before", "after\n")
    assert "by hand" not in readme + architecture


def test_what_git_does_not_track_is_missed_where_a_tracked_file_names_it(build: Build) -> None:
    root = build()
    assert targets.git_knows(root) is None  # then what exists is taken for tracked
    git = ["git", "-C", str(root)]
    for argv in (["init", "--quiet"], ["add", "--all"], ["rm", "--quiet", "--cached", TEMPLATE, DEMO]):
        subprocess.run([*git, *argv], check=True, capture_output=True)
    told = "roles/demo/tasks/apply.yml names {}, which git does not track; `git add {}`"
    assert targets.findings(root) == [
        told.format("usr/local/lib/demo", DEMO),
        told.format("etc/demo.conf.j2", TEMPLATE),
    ]
    # Nor is there anything to say of work that is not added yet itself
    subprocess.run([*git, "rm", "--quiet", "--cached", APPLY], check=True)
    assert targets.findings(root) == [
        "roles/demo/tasks/main.yml names apply.yml, which git does not track; `git add roles/demo/tasks/apply.yml`",
        "playbooks/site.yml names demo/tasks/apply.yml, which git does not track; `git add roles/demo/tasks/apply.yml`",
    ]


def test_a_role_that_is_tried_in_the_scenario_of_another_is_applied_there(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "BESIDE", {"demo": "other"})
    converge = "- hosts: all\n  roles: [%s]\n"
    for applied, found in (("demo", []), ("else", ["molecule/other/converge.yml does not apply demo"])):
        root = build({"molecule/other/molecule.yml": "", "molecule/other/converge.yml": converge % applied})
        assert layout.role_is_known(root / "roles/demo") == found
