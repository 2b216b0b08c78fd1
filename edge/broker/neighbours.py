"""What else is in mosquitto's configuration, written by the distribution or an administrator, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.broker.files import content
from edge.broker.places import Places
from edge.errors import UserError

HARMFUL = {
    "per_listener_settings": "true",
    "allow_anonymous": "true",
    "password_file": None,
    "acl_file": None,
    "psk_file": None,
    "persistence_file": None,
    "auth_plugin": None,
    "plugin": None,
    "port": None,
}
"""Options, with the value where only one is meant, that let others in, or keep mosquitto from starting beside ours."""


def check(places: Places) -> None:
    """Raises UserError with the file and the option that the box's own drop-in cannot live beside."""
    main = content(places.main)
    if main is not None and not any(
        name == "include_dir" and Path(value) == places.drop_in.parent for name, value in _options(main)
    ):
        raise UserError(
            f"{places.main}: does not read the box's settings; add the line: include_dir {places.drop_in.parent}"
        )
    for path in _others(places):
        for name, value in _options(content(path) or b""):
            if name in HARMFUL and HARMFUL[name] in (None, value):
                raise UserError(
                    f"{path}: {name} does not go with the broker of this box; take it out, or run your own broker "
                    "elsewhere and name it in broker.host"
                )


def stated_folder(places: Places) -> Path | None:
    """Where mosquitto keeps what outlives it, if a file of the distribution or an administrator says so."""
    for path in _others(places):
        for name, value in _options(content(path) or b""):
            if name == "persistence_location":
                return Path(value).resolve()
    return None


def _others(places: Places) -> list[Path]:
    drop_ins = sorted(places.drop_in.parent.glob("*.conf"))
    return [places.main, *(path for path in drop_ins if path not in (places.drop_in, places.bridge))]


def _options(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode(errors="replace").splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            yield name, value.strip()
