"""Values of an inventory as they are compared: leaf by leaf, secrets marked, without what only tells hosts apart."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[str, ...]
# Kinds of leaves: what must be another one in each inventory, what is computed of such, what is never shown
SECRET, MADE, HIDDEN = "own", "made", "hidden"
SOUNDS = re.compile(r"(?i)password|passphrase|secret|token|credential|(^|_)key$|_keys$")
# Names that match and hide nothing: they tell of a place, a length of time, a size or a way, or are meant to be public
HARMLESS = re.compile(
    r"(?i)(public|authorized|ssh|signing|trusted)_keys?$"
    r"|_(file|path|dir|seconds|minutes|hours|days|mb|length|enabled|name|user|encryption|type)$"
)
SHORTEST = 12  # what only sounds like a secret is one from this length on: `server_tokens: off` is none
TELLING = 8  # shorter texts are found in others by chance
UNLIKE_WORDS = re.compile(r"[\d.:]")  # a host called production is not meant by every text that says so
HOST, HIDDEN_TEXT, FOLDER = "<host>", "<secret>", "<inventory>"


class Leaf(NamedTuple):
    """A value that is compared as a whole; the kind is empty when it may be shown."""

    value: Any
    kind: str = ""

    @property
    def key(self) -> str:
        """What is compared: to Python, true is 1."""
        return json.dumps(self.value, sort_keys=True, default=str)


class Said(NamedTuple):
    """How a value is written, the option it is given for, and the kind of what it is in."""

    raw: Any = None
    option: Mapping[str, Any] = {}
    above: str = ""


class Known(NamedTuple):
    """What tells secrets: names of variables that are or refer to some, and how to recognize a vaulted value."""

    own: frozenset[str] = frozenset()
    mention: re.Pattern[str] | None = None
    encrypted: Callable[[Any], bool] = lambda _raw: False


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)


def _naming(names: Iterable[str]) -> re.Pattern[str] | None:
    words = "|".join(sorted(map(re.escape, names)))
    return re.compile(rf"\{{\{{.*(?<!\w)({words})(?!\w)|\{{%.*(?<!\w)({words})(?!\w)", re.DOTALL) if words else None


def known_secrets(own: Iterable[str], raw: Mapping[str, list[Any]], encrypted: Callable[[Any], bool]) -> Known:
    """Return what tells secrets, with the names of variables that refer to one, or to one that does.

    ``raw`` has the values of each variable as they are written, whatever host has them.
    """
    found = frozenset(own) | {name for name, values in raw.items() if any(map(encrypted, values))}
    referring = set(found)
    while pattern := _naming(referring):
        more = {
            name
            for name, values in raw.items()
            if name not in referring and any(pattern.search(text) for text in texts(values))
        }
        if not more:
            break
        referring |= more
    return Known(found, _naming(referring), encrypted)


def _kind(path: Path, value: Any, said: Said, known: Known) -> str:
    """Return what the kind of a value is, and of everything below it."""
    if said.above == SECRET or known.encrypted(said.raw) or (len(path) == 1 and path[0] in known.own):
        return SECRET
    if known.mention and isinstance(said.raw, str) and known.mention.search(said.raw):
        return HIDDEN if isinstance(value, (Mapping, list)) else MADE
    if said.option.get("no_log"):
        return HIDDEN if said.option.get("type") in ("dict", "list") else SECRET
    if isinstance(value, str) and SOUNDS.search(path[-1]) and not HARMLESS.search(path[-1]):
        return SECRET if len(value) >= SHORTEST else HIDDEN
    return said.above


def _named(value: Any) -> bool:
    """Tell whether these are entries that have a name each."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return False
    names = [item.get("name") for item in value]
    return bool(names) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _part(raw: Any, at: Any) -> Any:
    """Return what is written for a part of a value; nothing where one expression makes the whole."""
    if isinstance(raw, Mapping):
        return raw.get(at)
    return raw[at] if isinstance(raw, (list, tuple)) and isinstance(at, int) and at < len(raw) else None


def leaves(path: Path, value: Any, said: Said, known: Known) -> Iterator[tuple[Path, Leaf]]:
    """Yield the parts of a value: of mappings by key, of lists of entries by their name. Other lists are one leaf."""
    kind = _kind(path, value, said, known)
    options = said.option.get("options") or {}
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves((*path, str(key)), item, Said(_part(said.raw, key), options.get(key, {}), kind), known)
        return
    inner = {"type": said.option.get("elements"), "options": options, "no_log": said.option.get("no_log")}
    named, items = _named(value), value if isinstance(value, list) else []
    parts = [
        found
        for at, item in enumerate(items)
        for found in leaves(
            (*path, item["name"] if named else path[-1]), item, Said(_part(said.raw, at), inner, kind), known
        )
    ]
    if named:
        yield from parts
        return
    kinds = {kind, *(leaf.kind for _path, leaf in parts)}
    kind = next((each for each in (SECRET, HIDDEN, MADE) if each in kinds), "")
    # A number, or nothing at all, is no secret although it is kept like one
    yield path, Leaf(value, HIDDEN if kind == SECRET and not any(texts(value)) else kind)


class Marks:
    """What is the inventory's own in its values: names and addresses of its hosts, its folder, and its secrets."""

    def __init__(self, hosts: Iterable[str], secrets: Iterable[str], folders: Iterable[str] = ()) -> None:
        def any_of(found: Iterable[str]) -> str:
            return "|".join(map(re.escape, sorted({*found}, key=lambda text: (-len(text), text)))) or r"(?!)"

        told = [text for text in hosts if UNLIKE_WORDS.search(text)]
        names, addresses = (any_of(text for text in told if (":" in text) is six) for six in (False, True))
        self.hosts = re.compile(rf"(?<![\w.-])(?:{names})(?![\w-]|\.\w)|(?<![\w.:])(?:{addresses})(?![\w.:])")
        self.folders = re.compile(rf"(?:{any_of(folders)})(?=/|$)")
        self.secrets = re.compile(any_of(text for text in secrets if len(text) >= TELLING))

    def text(self, value: str) -> str:
        found = self.secrets.sub(HIDDEN_TEXT, value)
        return self.hosts.sub(HOST, self.folders.sub(FOLDER, found))

    def value(self, value: Any) -> Any:
        """Return a value with marks; what a list says of several hosts alike, it says once."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if not isinstance(value, (list, tuple)):
            return value
        found: list[Any] = []
        for item in value:
            marked = self.value(item)
            if marked == item or marked not in found:
                found.append(marked)
        return found

    def leaf(self, leaf: Leaf) -> Leaf:
        """Return a leaf as it is compared; one with a secret inside is hidden."""
        if leaf.kind == SECRET:
            return leaf
        inside = any(self.secrets.search(text) for text in texts(leaf.value))
        if leaf.kind == MADE and not inside:
            return Leaf(HIDDEN_TEXT, HIDDEN)
        return Leaf(self.value(leaf.value), HIDDEN if inside or leaf.kind else "")
