"""A complete tiny project that keeps every contract; the tests break one file of it at a time."""

from __future__ import annotations

ROOMS = "ansible_collections/holdfast/platform/plugins/module_utils"
ROOM = '''"""Programs."""

import subprocess


def run(argv):
    """Run a program."""
    done = subprocess.run(argv)
    return done.returncode
'''
PROGRAM = f"""#!/usr/bin/python3
from {ROOMS.replace("/", ".")}.process import run

run(["true"])
"""

GOOD: dict[str, str] = {
    "README.md": "Roles: [`demo`](roles/demo/README.md). Tested with ansible-core 2.19.14.\n",
    "requirements.lock": "ansible-core==2.19.14 ; python_full_version < '3.12'\n",
    "library/config_transaction.py": 'DOCUMENTATION = """\nshort_description: All or nothing\n"""\n',
    "library/input_check.py": "",
    f"{ROOMS}/process.py": ROOM,
    "roles/demo/files/usr/local/lib/demo": PROGRAM,
    "inventories/example/hosts.yml": """---
all:
  children:
    edge: {hosts: {one: }}
    app: {hosts: {one: }}
    database:
    cache:
    backup:
""",
    "playbooks/site.yml": """---
# Brings every host into the described state.
#
# Extra variables:
#   site_hosts (str): the hosts to work on; default all.
- name: Apply the roles
  hosts: all
  tasks:
    - name: Refuse a choice of tasks
      ansible.builtin.import_tasks: tasks/whole_run.yml

    - name: Check the extra variable
      ansible.builtin.assert:
        that: site_hosts | default('all') is string

    - name: Apply demo
      ansible.builtin.import_role: {name: demo, tasks_from: apply}
""",
    "playbooks/roles/contract/vars/main.yml": """---
contract_group_roles: {app: [demo]}
host_roles: "{{ ['base'] }}"
""",
    "playbooks/tasks/whole_run.yml": "---\n- {name: Refuse a choice of tasks, ansible.builtin.meta: noop}\n",
    "tests/lab/budget.toml": "together = 60\nhardened = 5\n[seconds]\ndemo = 60\n",
    "molecule/demo/molecule.yml": "---\n",
    "molecule/demo/verify.yml": """---
- name: Verify
  hosts: app
  tasks:
    - name: Ask the service
      ansible.builtin.uri: {url: "http://127.0.0.1/"}
""",
    "roles/demo/README.md": "# demo\n\n<!-- variables: generated -->\n<!-- end of variables -->\n",
    "roles/demo/meta/main.yml": """---
galaxy_info:
  description: An example
  min_ansible_version: "2.19"
  platforms:
    - name: Debian
      versions: [bookworm, trixie]
dependencies: []
""",
    "roles/demo/meta/argument_specs.yml": """---
argument_specs:
  main:
    short_description: An example
    options:
      demo_port: {description: Where it listens., type: int, default: 80}
      demo_mode: {description: How., type: str, default: fast, choices: [fast, slow]}
      demo_settings: {description: More., type: dict, default: {}}
      demo_password: {description: The password., type: str, required: true, no_log: true}
      demo_users:
        description: Who may use it.
        type: list
        elements: dict
        default: []
        options:
          name: {description: The name., type: str, required: true}
          token: {description: The token., type: str, no_log: true}
""",
    "roles/demo/defaults/main.yml": "---\ndemo_port: 80\ndemo_mode: fast\ndemo_settings: {}\ndemo_users: []\n",
    "roles/demo/vars/main.yml": """---
demo_offer:
  packages: [demo]
  ports: [{name: demo, port: "{{ demo_port }}", sources: [public]}]
  memory: {mb: 10}
__demo_login: "{{ demo_users }}"
""",
    "roles/demo/tasks/main.yml": """---
- name: Check the settings
  ansible.builtin.import_tasks: check.yml

- name: Apply the role
  ansible.builtin.import_tasks: apply.yml
""",
    "roles/demo/tasks/check.yml": """---
- name: Check the input
  input_check:
    roles: [demo]

- name: Stop when the password is short
  ansible.builtin.assert:
    that: demo_password | length > 8
    fail_msg: demo_password is too short; use 9 characters
""",
    "roles/demo/tasks/apply.yml": """---
- name: Configure demo
  config_transaction:
    name: demo
    files:
      - {dest: /usr/local/lib/demo, program: usr/local/lib/demo}
      - dest: /etc/demo.conf
        template: etc/demo.conf.j2
        mode: "0640"
        secret: true
  register: __demo_apply_result

- name: Look at the data
  ansible.builtin.command:
    argv: [demo, --list, "{{ __demo_item }}"]
  changed_when: false
  when: demo_mode == 'fast'
  loop: [a, b]
  loop_control:
    loop_var: __demo_item

- name: Set the password
  ansible.builtin.command:
    argv: [demo, --password, "{{ demo_password }}"]
    creates: /var/lib/demo/password
  no_log: true
""",
    "roles/demo/templates/etc/demo.conf.j2": """# Managed by Holdfast; changes made here are overwritten.
port {{ demo_port }}
{% for user in __demo_login | sort(attribute='name') %}
user {{ user.name }} {{ user.token }}
{% endfor %}
{% for name, value in demo_settings | dictsort %}
{{ name }} {{ value }}
{% endfor %}
""",
    "filter_plugins/numbers.py": '''"""Numbers."""


from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def plus_one(value, times=1):
    if not isinstance(value, int):
        raise TypeError(f"needs a number, got {value!r}")
    return value + times


FilterModule = filter_module(plus_one)
''',
    "ansible_collections/holdfast/platform/plugins/plugin_utils/filters.py": '''"""How functions become filters."""


def filter_module(*cores):
    return type("FilterModule", (), {"filters": lambda _self: {core.__name__: core for core in cores}})
''',
    "filter_plugins/plus_one.yml": """---
DOCUMENTATION:
  name: plus_one
  short_description: Add one
  description: [Adds one to C(_input).]
  positional: times
  options:
    _input: {description: The number., type: int, required: true}
    times: {description: How often., type: int, default: 1}
EXAMPLES: |
  # a comment
  {{ 1 | plus_one }}
  # => 2
RETURN:
  _value: {description: The sum., type: int}
""",
}


def changed(path: str, old: str, new: str) -> dict[str, str | None]:
    """Return the file with one text replaced, which must be there."""
    text = GOOD[path]
    if old not in text:
        raise ValueError(f"{path} does not contain {old!r}")
    return {path: text.replace(old, new, 1)}
