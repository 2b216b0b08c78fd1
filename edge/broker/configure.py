"""``affect-edge broker-config``: every file of the broker on the box, from the configuration of the box."""

from __future__ import annotations

from pathlib import Path

from edge.broker import certificates, mosquitto, neighbours, passwords
from edge.broker.files import MOSQUITTO, SECRET, File, content, make_folder
from edge.broker.mosquitto import DEVICE
from edge.broker.places import Places, credential
from edge.config import Settings
from edge.errors import UserError
from edge.publish.connection import CREDENTIAL


def configure(settings: Settings, places: Places, dry_run: bool = False) -> int:
    """Writes what differs from what should be, and says so, a line a file; nothing where the broker is elsewhere.

    ``dry_run`` only says what it would do. No password is ever printed. Raises UserError, before the first file is
    written, for what the configuration or the system lacks.
    """
    if not settings.broker.here:
        print(f"nothing to do: the broker is {settings.broker.where}, not on this box")
        return 0
    changes = [file for file in plan(settings, places) if not file.settled]
    if changes and not dry_run:
        make_folder(places.credentials, 0o700)
        make_folder(places.drop_in.parent, 0o755)
        make_folder(places.acl.parent, 0o755)
    for file in changes:
        if not dry_run:
            file.settle()
        done, planned = ("wrote", "would write") if file.content is not None else ("removed", "would remove")
        print(f"{planned if dry_run else done} {file.path}")
    if not changes:
        print("nothing to do: every file is as it should be")
    return 0


def plan(settings: Settings, places: Places) -> list[File]:
    """Every file as it should be, in the order of writing: what is referred to, then what refers to it."""
    broker = settings.broker
    if broker.username != DEVICE:
        raise UserError(f'broker.username: must be "{DEVICE}", the name that the broker on the box knows the box by')
    neighbours.check(places)
    return [
        *_passwords(settings, places),
        *_certificates(settings, places),
        File(places.acl, mosquitto.acl(settings).encode(), SECRET, MOSQUITTO),
        File(places.bridge, _bridge(settings, places), SECRET, MOSQUITTO),
        File(places.drop_in, mosquitto.drop_in(settings, places, neighbours.stated_folder(places)).encode()),
    ]


def _passwords(settings: Settings, places: Places) -> list[File]:
    """The passwords and mosquitto's file of their hashes. What is there is kept, other users' too.

    A password that somebody has taken off the box lives on in its hash; the box's own is needed and made anew.
    """
    known = passwords.entries((content(places.passwords) or b"").decode())
    files, unhashed = [], {}
    for user, path in _credentials(settings, places).items():
        password = passwords.read(path)
        if password is None and path == settings.broker.password_file:
            raise UserError(f"broker.password_file: cannot read {path} (No such file or directory)")
        if password is None and (user == DEVICE or user not in known):
            password = passwords.new()
            files.append(File(path, f"{password}\n".encode(), SECRET))
        if password is not None and not passwords.fits(password, known.get(user, "")):
            unhashed[user] = password
    lines = (known | passwords.hashed(unhashed)).items()
    text = "".join(f"{user}:{hashed}\n" for user, hashed in lines)
    return [*files, File(places.passwords, text.encode(), SECRET, MOSQUITTO)]


def _credentials(settings: Settings, places: Places) -> dict[str, Path]:
    users = mosquitto.people(settings)
    return {
        DEVICE: settings.broker.password_file or places.credentials / CREDENTIAL,
        **{user: places.credentials / credential(user) for user in users},
    }


def _certificates(settings: Settings, places: Places) -> list[File]:
    local = settings.broker.local
    if not local.network:
        return []
    if local.certificate is not None:
        return certificates.given(local, places)
    return certificates.own(settings.box, places, [*certificates.machine_names(), *local.names])


def _bridge(settings: Settings, places: Places) -> bytes | None:
    bridge = settings.broker.bridge
    if bridge is None:
        return None
    path = bridge.password_file or places.credentials / credential("bridge")
    password = passwords.read(path) if bridge.username else None
    if bridge.username and password is None:
        raise UserError(f"broker.bridge.password_file: cannot read {path} (No such file or directory)")
    if bridge.ca_file is not None and content(bridge.ca_file) is None:
        raise UserError(f"broker.bridge.ca_file: cannot read {bridge.ca_file} (No such file or directory)")
    return mosquitto.bridge(settings, password).encode()
