"""How findings are put into words: what an error comes down to, and what several hosts have in common."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleFilterError

UNDEFINED = re.compile(r"'([a-z]\w*)' is undefined")


def innermost(problem: BaseException) -> tuple[str, bool]:
    """Return what an error comes down to, and whether a filter said it: then it is a sentence with a fix already.

    A filter that breaks says none: it lacks an option that could not be computed, of which there is a sentence.
    """
    refused = False
    while problem.__cause__:
        refused |= isinstance(problem, AnsibleFilterError)
        problem = problem.__cause__
    return str(getattr(problem, "message", problem)), refused and not isinstance(problem, LookupError)


def undefined_names(template: Callable[[Any], Any], value: Any) -> Iterator[str]:
    """Yield what the parts of a value refer to and nobody has defined; names with two dashes are ours."""
    try:
        template(value)
    except AnsibleError as problem:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = [name for part in parts for name in undefined_names(template, part)]
        yield from found or UNDEFINED.findall(innermost(problem)[0])


def cure_of(missing: str, generated: Iterable[str]) -> str:
    """Return how a name that nobody has defined is defined."""
    if missing in generated:
        return "`make secrets INVENTORY=…` generates it"
    return (
        "define it (a secret: name it in secrets_more of group_vars/all, then `make secrets INVENTORY=…` generates it)"
    )


def unquoting(sentences: Iterable[str], placeholders: Iterable[str]) -> list[str]:
    """Return the sentences that do not quote a placeholder: what else is wrong with one goes with it."""
    marked = [text for text in placeholders if "<" in text]
    return [sentence for sentence in sentences if not any(text in sentence for text in marked)]


def of_all_hosts(findings: Mapping[str, list[str]]) -> list[str]:
    """Return every finding once, with the hosts that have it unless there is one host only or it says so itself."""
    places: dict[str, dict[str, str]] = {}
    for host, sentences in findings.items():
        own = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")
        for sentence in dict.fromkeys(sentences):
            places.setdefault(own.sub("\0", sentence), {})[host] = sentence
    lines = []
    for key, said in places.items():
        (_host, sentence), *others = said.items()
        where = "all hosts" if len(said) == len(findings) else ", ".join(said)
        if "\0" in key:
            where = f"the same of {', '.join(other for other, _ in others)}" if others else ""
        first, *table = sentence.split("\n")
        lines.append("\n".join([first if len(findings) == 1 or not where else f"{first} [{where}]", *table]))
    return lines
