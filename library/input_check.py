#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of input_check, which runs on the controller alone (action_plugins/input_check.py)."""

DOCUMENTATION = r"""
module: input_check
short_description: Find what is wrong with the variables of a host, and refuse to go on
version_added: "1.0"
author: Holdfast
description:
  - Holds the host's variables against C(meta/argument_specs.yml) of its roles, strictly typed; nothing is converted.
  - Refuses names that begin like a role's and are not its own, misspelled extra variables, placeholders, and
    groups that look misspelled, even in C(--limit).
  - The name says the range. C(_port) is 1 to 65535, C(_percent) 0 to 100; C(_mb), C(_seconds), C(_minutes), C(_hours)
    and C(_days) are not negative; C(_confirm_seconds) is 15 to 300, or 0.
  - Every finding is a sentence with variable, value (never that of a secret) and fix.
  - Names that variables refer to and nobody has defined are refused. What else cannot be computed is told when nothing
    else is wrong, because it mostly follows from that.
attributes:
  check_mode: {support: full, description: Changes nothing.}
  diff_mode: {support: none, description: Changes nothing.}
options:
  roles: {description: Roles that this host runs., type: list, elements: str, default: []}
  groups: {description: Inventory groups that mean something., type: list, elements: str, default: []}
  variables: {description: Further variables with their options as in an argument spec., type: dict, default: {}}
  offers:
    description:
      - Roles whose offers (C(ROLE_offer) in their vars) are computed, part by part, as C(host_offers). C(known_offers)
        is what is known of all roles, also with an empty list, namely C(held_by), C(secrets), C(authorities) and the
        names of C(certificates). Variables of all roles can be referred to, also of those that the play does not enter.
    type: list
    elements: str
  keep:
    description:
      - Names of mappings whose values are computed once, in this order, and returned as RV(kept). What is computed
        afterwards may refer to them by their keys; offers to those of the first mapping.
    type: list
    elements: str
    default: []
  findings:
    description:
      - Names of variables that hold sentences, mostly about what the variables of a role mean together. A filter that
        refuses while one is computed gives a sentence too.
      - C(ROLE_findings) is left out while a variable of that role is wrong by itself, but not while one is missing.
    type: list
    elements: str
    default: []
  refuse: {description: Whether findings are a failure., type: bool, default: true}
  collected:
    description:
      - Name of a registered result of this module. Fails with what any host of the play has in it, each once, on the
        first host that has something.
    type: str
"""

EXAMPLES = r"""
- name: Check the input
  input_check:
    roles: [base, redis]
    findings: [base_findings, redis_findings]
"""

RETURN = r"""
findings: {description: One sentence each., type: list, elements: str, returned: always}
follows: {description: Whether they only say what cannot be computed., type: bool, returned: without O(collected)}
kept: {description: What could be computed of O(keep)., type: dict, returned: without O(collected)}
unasked:
  description: Why units and probes of offers cannot be computed, whatever else is wrong; C(status) then asks less.
  type: list
  elements: str
  returned: without O(collected)
"""
