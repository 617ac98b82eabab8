#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of input_check, which runs on the controller alone (action_plugins/input_check.py)."""

DOCUMENTATION = r"""
module: input_check
short_description: Refuse unusable variables of a host before anything is changed
version_added: "1.0"
author: Holdfast
description:
  - Holds the host's variables against C(meta/argument_specs.yml) of its roles, strictly typed; nothing is converted.
  - Refuses names that begin like a role's and are not its own, placeholders for secrets, and groups that look misspelt.
  - The name says the range. C(_port) is 1 to 65535, C(_percent) 0 to 100; C(_mb), C(_seconds), C(_minutes), C(_hours)
    and C(_days) are not negative.
  - Every finding is a sentence with variable, value (never that of a secret) and cure.
attributes:
  check_mode: {support: full, description: Changes nothing.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  roles: {description: Roles that this host runs., type: list, elements: str, required: true}
  groups: {description: Inventory groups that mean something., type: list, elements: str, default: []}
"""

EXAMPLES = r"""
- name: Check the input
  input_check:
    roles: [base, redis]
"""

RETURN = r"""
findings: {description: One sentence each., type: list, elements: str, returned: always}
"""
