#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of inventory_compare, which runs on the controller alone (action_plugins/inventory_compare.py)."""

DOCUMENTATION = r"""
module: inventory_compare
short_description: Name every difference between the inventory of the run and another one of the same system
version_added: "1.0"
author: Holdfast
description:
  - Reads both inventories as core does, whatever kind they are, with the vault passwords of the run. Contacts no host.
  - Compares the number of hosts in each group, and every variable that one of them gives. A variable that only one
    gives is held against the default of its role. Options of a role are compared where both have hosts with that role.
  - Values are compared as they are computed, part by part. What needs the facts of a host is compared as it is written.
  - A value that is one for all hosts is told once, otherwise by group. Hosts of a group may have values of their own,
    and with fewer hosts there are fewer of them.
  - Names and addresses of an inventory's own hosts, its folder, and variables that begin with C(ansible_) or
    C(compare_) are no differences.
  - Secrets are what C(make secrets) generates, options with C(no_log), vaulted values, texts whose name sounds like
    one, and what is computed of them. They must differ, and are told by name alone.
attributes:
  check_mode: {support: full, description: Changes nothing.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  compare_with:
    description: Sources of the other inventory, as C(-i) takes them; relative to the working directory.
    type: list
    elements: str
    required: true
  expected:
    description:
      - Names of what may differ, and of secrets that may be the same. Each stands for what is below it too; V(*) stands
        for anything.
    type: list
    elements: str
    default: []
  group_roles:
    description: Name of the variable that maps groups to lists of roles. A role of no group is everywhere.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Compare the inventories
  inventory_compare:
    compare_with: inventories/staging
    expected: [app_version, groups.edge, postgresql_settings.shared_buffers]
    group_roles: contract_group_roles
  run_once: true
"""

RETURN = r"""
compared: {description: What both inventories are called., type: list, elements: str, returned: always}
differences:
  description:
    - Mappings of C(kind) (topology, version, setting, secret), C(name), C(groups), the values of the C(first) and of
      the C(second) (none where it has none, several where hosts have their own), C(hidden), C(same), C(expected) and
      C(text).
  type: list
  elements: dict
  returned: always
unexpected: {description: A sentence per difference that is not expected., type: list, elements: str, returned: always}
counted: {description: How many of each kind these are., type: str, returned: always}
table: {description: All differences as people read them., type: str, returned: always}
"""
