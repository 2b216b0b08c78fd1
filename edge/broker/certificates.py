"""What the broker shows on the network: a certificate of the box's own authority, renewed in time, or a given one."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

from edge.broker.files import MOSQUITTO, SECRET, File, content
from edge.broker.openssl import OpenSSL, normal
from edge.broker.places import Places
from edge.config import Box, LocalBroker
from edge.errors import UserError

AUTHORITY_DAYS = 20 * 365
DAYS = 825
"""As long as Apple's systems trust a certificate of a private authority."""
RENEW_DAYS = 90
"""A certificate with fewer days left is renewed."""


def own(box: Box, places: Places, names: list[str]) -> list[File]:
    """The box's authority and a certificate for ``names``, host names and addresses. What still holds is kept.

    The authority's key is never renewed: who trusts its certificate trusts the next ones too. Raises UserError where
    openssl is not installed, DeviceError where it fails.
    """
    with OpenSSL() as openssl:
        authority_key = _key(openssl, places.authority_key)
        authority = content(places.authority)
        if authority is None or not (openssl.matches(authority, authority_key) and openssl.lasts(authority, DAYS)):
            subject = {"O": "AffectFusion", "OU": box.site, "CN": f"{box.room} authority"}
            authority = openssl.authority(authority_key, subject, AUTHORITY_DAYS)
        key = _key(openssl, places.key)
        certificate = content(places.certificate)
        if certificate is None or not (
            openssl.matches(certificate, key)
            and openssl.lasts(certificate, RENEW_DAYS)
            and openssl.vouches(authority, certificate)
            and set(map(normal, names)) <= openssl.names(certificate)
        ):
            subject = {"O": "AffectFusion", "OU": box.site, "CN": box.room}
            certificate = openssl.certificate(key, subject, names, DAYS, (authority, authority_key))
    return [
        File(places.authority_key, authority_key, SECRET),
        File(places.authority, authority),
        File(places.key, key, SECRET, MOSQUITTO),
        File(places.certificate, certificate),
    ]


def given(local: LocalBroker, places: Places) -> list[File]:
    """Copies, for mosquitto to read, of the certificate in the settings. Raises UserError where it cannot work."""
    certificate, key = _given("certificate", local.certificate), _given("key", local.key)
    authority = _given("ca", local.ca) if local.ca is not None else None
    with OpenSSL() as openssl:
        if not openssl.lasts(certificate, 0):
            raise UserError(f"broker.local.certificate: {local.certificate} is no certificate in PEM, or has run out")
        if not openssl.matches(certificate, key):
            raise UserError(f"broker.local.key: {local.key} is not the key of {local.certificate}, or has a passphrase")
        if authority is not None and not openssl.vouches(authority, certificate):
            raise UserError(f"broker.local.ca: {local.ca} has not signed {local.certificate}")
    return [
        File(places.authority, authority),
        File(places.key, key, SECRET, MOSQUITTO),
        File(places.certificate, certificate),
    ]


def machine_names() -> list[str]:
    """What this machine is called: its name, alone and as mDNS has it, and its addresses."""
    host = socket.gethostname().partition(".")[0]
    names = [f"{host}.local", host] if re.fullmatch("[A-Za-z0-9-]{1,63}", host) else []
    try:
        addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        addresses = []
    return [*names, "localhost", "127.0.0.1", "::1", *addresses]


def _key(openssl: OpenSSL, path: Path) -> bytes:
    key = content(path)
    return key if key is not None and openssl.is_key(key) else openssl.key()


def _given(name: str, path: Path | None) -> bytes:
    found = content(path) if path is not None else None
    if found is None:
        raise UserError(f"broker.local.{name}: cannot read {path} (No such file or directory)")
    return found
