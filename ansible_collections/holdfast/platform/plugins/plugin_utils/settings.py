"""What is wrong with further settings of a service, which operators spell as upstream does."""

import re
from collections.abc import Iterator, Mapping
from typing import Any


def setting_findings(
    variable: str, settings: Mapping[str, Any], name_pattern: str, owned: Mapping[str, str]
) -> Iterator[str]:
    """Say which settings the role writes itself, with what to do instead, and which cannot be a line `name = value`."""
    for name in sorted(settings, key=str):
        if cure := owned.get(str(name).lower()):
            yield f"{variable} has {name}, which its role writes itself; {cure}"
    for name, value in settings.items():
        if not isinstance(name, str) or not re.fullmatch(name_pattern, name):
            yield f"{variable} has {name!r}, which is not the name of a setting; spell it as upstream does"
        elif not isinstance(value, (str, int, float)) or re.search(r"[\x00-\x1f\x7f]", str(value)):
            yield f"{variable}.{name} must be a number, a boolean or one line of text; write it as one"
