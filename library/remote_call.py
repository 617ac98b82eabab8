#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What core sends to a host for each of our actions: loads what plugin_utils/pack.py has packed, and calls its main.

Standard library only: core replaces GIVEN and ships this file as it is, which saves the 150 ms that importing the
module library costs on every call.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from types import ModuleType, TracebackType
from typing import Any

GIVEN = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""


def carried(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def loaded(code: list[list[str]]) -> ModuleType:
    """Load files under their real names, those that are imported first, and return the last."""
    for name, file, text in code:
        module = sys.modules[name] = ModuleType(name)
        exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 - what the controller has sent
    return module


def main() -> None:
    given = json.loads(GIVEN)
    code = carried(given["code"])

    def tell(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        """Show the lines of a traceback, which are in no file here."""
        import linecache  # noqa: PLC0415 - only after a fault
        import traceback  # noqa: PLC0415

        for _name, file, text in code:
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        traceback.print_exception(kind, problem, trace)

    sys.excepthook = tell
    half = loaded(code)
    print(json.dumps(half.main(carried(given["payload"]), given["_ansible_check_mode"], given["_ansible_diff"])))


if __name__ == "__main__":
    main()
