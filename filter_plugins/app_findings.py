"""Find what an application in a container cannot be given: names, numbers, values and folders."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

NAME = r"[a-z0-9][a-z0-9-]*"
BESIDE = ("-candidate", "-previous", "-migrate")  # what containers beside it are called
IMAGE = r"[a-z0-9][a-z0-9._:/-]*"
VERSION = r"([A-Za-z_][A-Za-z0-9_-]*?)?[0-9]+[.][0-9]+[.][0-9]+([._-][A-Za-z0-9._-]*)?"
LEAST_MB = 16
LONGEST = 60000  # bytes of a line that Docker reads from an environment file
SYSTEM = (
    r"/((bin|boot|dev|etc|lib(32|64|x32)?|proc|run|sbin|sys|usr)(/.*)?|home|media|mnt|opt|root|srv|tmp"
    r"|var(/(backups|cache|lib|local|lock|log|mail|opt|run|spool|tmp|www)|/lib/(docker|containerd|holdfast|postgresql)(/.*)?)?)?"
)
PATH = re.compile(r"(/(?!\.{1,2}(/|$))[^/,\x00-\x1f]+)+")


def _value_finding(name: str, value: Any) -> str:
    what = f"app_environment.{name}"
    if value is None:
        return f"{what} is empty (null); give it a value, '' for an empty text, or take it out"
    if isinstance(value, bool):
        return f"{what} is {str(value).lower()}; put it into quotes, as the application is to read it"
    if isinstance(value, (dict, list)):
        return f"{what} is not text; write it as the application reads it, for example with `| to_json`"
    text = str(value)
    if re.search(r"[\n\r\0]", text):
        return (
            f"{what} has more than one line, which Docker cannot read from an environment file; "
            "give it as one, for example with `| b64encode`, and let the application decode it"
        )
    if len(text.encode()) > LONGEST:
        return (
            f"{what} is longer than {LONGEST} bytes, more than Docker reads from an environment file; give it as a file"
        )
    return ""


def _name_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield names, tags and paths that Docker would not take, or that are taken."""
    name, image = options.get("app_name", "app"), options.get("app_image", "app")
    version, path = options.get("app_version", ""), options.get("app_health_path", "/")
    if not re.fullmatch(NAME, name) or name.endswith(BESIDE):
        endings = f"{', '.join(BESIDE[:-1])} or {BESIDE[-1]}"
        yield f"app_name is {name}; use lower-case letters, digits and dashes, and no ending {endings}"
    if not re.fullmatch(IMAGE, image) or ":" in image.split("/")[-1]:
        yield f"app_image is {image}; give the name only, the tag is app_version"
    if version and not re.fullmatch(VERSION, version):
        yield f"app_version is {version}; give a tag with a semantic version, like 1.4.2 or production-v1.4.2"
    if not re.fullmatch(r"/[!-~]*", path):
        yield f"app_health_path is {path}; begin it with a slash, without spaces"


def _environment_findings(environment: dict[str, Any]) -> Iterator[str]:
    """Yield what cannot be in the environment of a container; values are not shown."""
    odd = sorted(str(name) for name in environment if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)))
    if odd:
        yield f"app_environment has the name {', '.join(odd)}; use letters, digits and underscores"
    yield from (text for name, value in sorted(environment.items()) if (text := _value_finding(name, value)))


def _limit_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield limits of a container that Docker would refuse."""
    memory_mb, cpus = options.get("app_memory_limit_mb", LEAST_MB), options.get("app_cpus", 1)
    if memory_mb < LEAST_MB:
        yield f"app_memory_limit_mb is {memory_mb}; give at least {LEAST_MB}"
    if cpus < 0.01:
        yield f"app_cpus is {cpus:g}; give at least 0.01 of a CPU"


def _owner_finding(path: str, seen: dict[str, Any], uid: int, host: str, taken: set[int]) -> str:
    if seen.get("kind") == "file":
        return f"app_data_directories has {path}, which is not a folder on {host}; name another, or move that file away"
    if seen.get("kind") != "directory" or not seen["used"] or seen["uid"] == uid:
        return ""
    owner = seen["uid"]
    other = f", or set app_uid to {owner}" if owner and owner not in taken else ""
    return (
        f"app_data_directories has {path}, which is in use on {host} and belongs to {owner}, while app_uid is {uid}; "
        f"stop what writes there and hand it over (`chown -R {uid}:{uid} {shlex.quote(path)}`){other}"
    )


def _folder_findings(options: Mapping[str, Any], facts: Mapping[str, Any], host: str) -> Iterator[str]:
    """Yield folders that cannot be the application's; nothing changes their owner unseen."""
    folders, uid = options.get("app_data_directories", []), options.get("app_uid", 0)
    seen, taken = facts.get("folders", {}), set(facts.get("accounts", {}).get("users", {}).values())
    targets = [str(folder["target"]) for folder in folders]
    for folder in folders:
        path, target = str(folder["path"]).rstrip("/") or "/", str(folder["target"])
        if not PATH.fullmatch(path):
            yield f"app_data_directories has the path {path}; give an absolute one without comma, . and .."
        elif re.fullmatch(SYSTEM, path):
            yield f"app_data_directories has {path}, which is the system's; give the application a folder of its own"
        elif text := _owner_finding(path, seen.get(str(folder["path"]), {}), uid, host, taken):
            yield text
        if not PATH.fullmatch(target) or targets.count(target) > 1:
            yield f"app_data_directories has the target {target}; give each folder an absolute one of its own"


def _container_findings(name: str, seen: Mapping[str, Any], host: str) -> Iterator[str]:
    """Yield containers that have the application's name and are somebody else's."""
    for one in (name, *(f"{name}{ending}" for ending in BESIDE)):
        if seen.get("containers", {}).get(one) is False:
            yield (
                f"container {one} of {host} was not made by Holdfast, and app_name is {name}; "
                f"rename it (`docker rename {one} other-{one}`), or choose another app_name"
            )


def app_findings(options: Mapping[str, Any], facts: Mapping[str, Any], host: str, address: str) -> list[str]:
    """Return one sentence for everything that cannot be given to a container, or is somebody else's on its host."""
    found = [*_name_findings(options)]
    if not re.fullmatch(r"[0-9]{1,3}([.][0-9]{1,3}){3}", address):
        found.append(f"host_address is {address}; Docker publishes ports on IPv4 addresses, give one")
    found += [*_limit_findings(options), *_environment_findings(options.get("app_environment", {}))]
    found += _folder_findings(options, facts, host)
    found += _container_findings(options.get("app_name", "app"), facts.get("docker", {}), host)
    return list(dict.fromkeys(found))


FilterModule = filter_module(app_findings)
