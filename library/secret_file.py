#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of secret_file, which runs on the controller alone (action_plugins/secret_file.py)."""

DOCUMENTATION = r"""
module: secret_file
short_description: Generate every missing secret of an inventory once, into a vault-encrypted file
version_added: "1.0"
author: Holdfast
description:
  - Adds what is missing and never changes what is there. Refuses a file that is not encrypted, and placeholders in it.
  - Needs a vault password (C(--vault-password-file) or C(ANSIBLE_VAULT_PASSWORD_FILE)).
attributes:
  check_mode: {support: full, description: Reports the names that would be generated.}
  diff_mode: {support: none, description: Secrets are never shown.}
options:
  path: {description: The vault file on the controller., type: path, required: true}
  passwords:
    description: Names of secrets that are random text, 43 characters of A-Z a-z 0-9 - _.
    type: list
    elements: str
    default: []
  authorities:
    description: Prefixes of private certificate authorities; makes PREFIX_ca_key and PREFIX_ca_certificate together.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Generate the missing secrets
  secret_file:
    path: inventories/production/group_vars/all/vault.yml
    passwords: [database_password, redis_password]
    authorities: [certificates]
"""

RETURN = r"""
generated: {description: Names that were missing., type: list, elements: str, returned: always}
"""
