"""The contents of Docker's daemon.json."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

BOUNDED = ("local", "json-file")  # logs that take max-size and max-file


def daemon_settings(settings: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of daemon.json: the role's values, and over them those of the operator."""
    if not isinstance(settings, dict) or not isinstance(own, dict):
        raise TypeError("daemon_settings takes two mappings")
    merged = {**own, **settings}
    if merged.get("log-driver") not in BOUNDED and "log-opts" not in settings:
        merged.pop("log-opts", None)  # Docker does not start with options that a driver does not know
    if settings.get("userland-proxy") is True:
        del merged["userland-proxy"]  # its default; said in the file, it makes Docker 26 refuse every reload
    return merged


FilterModule = filter_module(daemon_settings)
