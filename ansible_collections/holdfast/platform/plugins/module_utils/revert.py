# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that lies in the folder of a transaction while it waits to be confirmed: takes it back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered
from ansible_collections.holdfast.platform.plugins.module_utils.transaction import Transaction


def main() -> int:
    name = Path(sys.argv[0]).resolve().parent.name
    result = answered(Transaction({"name": name, "action": "revert"}, check=False, diff=False).run)
    print(json.dumps(result))
    return 1 if result.get("failed") else 0  # systemd tries again


if __name__ == "__main__":
    sys.exit(main())
