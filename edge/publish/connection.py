"""How the box connects to its broker, and what it says when that fails."""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge import config
from edge.config import Box, Broker
from edge.errors import UserError
from edge.publish.topics import STATUS, address, identifier

log = logging.getLogger(__name__)

CREDENTIAL = "mqtt-password"
"""The password as a credential of systemd's, for boxes without a broker.password_file."""
KEEPALIVE_S = 15
"""A box that vanishes without a word is offline to everybody after one and a half times this."""
RECONNECT_S = (1, 10)
"""Shortest and longest pause between attempts to connect."""
UNACKNOWLEDGED = 200
"""Most messages on their way at once: more than gather before a dead connection is noticed."""


def prepared_client(broker: Broker, box: Box, role: str = "") -> Client:
    """Make the client with its name, credentials and last will, not yet connecting.

    Raises UserError where the host is no host name, or the password or the authority cannot be read.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        # One fixed name per room: a new connection ends a dead one of the same name at once, so that the dead
        # one's last will cannot come later and declare a living box offline.
        client_id=identifier(box) + role,
        # Every broker speaks 3.1.1, the demo's embedded one only that, and nothing here needs version 5.
        protocol=MQTTProtocolVersion.MQTTv311,
        transport="tcp" if broker.socket is None else "unix",
    )
    client.will_set(address(box, STATUS), b"offline", STATUS.qos, STATUS.retained)
    client.reconnect_delay_set(*RECONNECT_S)
    # Equal, so that paho never holds a message back to send it after a newer one of the same topic.
    client.max_inflight_messages_set(UNACKNOWLEDGED)
    client.max_queued_messages_set(UNACKNOWLEDGED)
    _check_host(broker.host)
    if broker.username:
        client.username_pw_set(broker.username, _password(broker))
    elif broker.password_file is not None:
        raise UserError("broker.username: a password_file needs a user name to go with it")
    if broker.encrypted:
        client.tls_set_context(_tls_context(broker))
    return client


def as_served(broker: Broker) -> Broker:
    """The installed box's broker with the password that systemd hands to the service, for another process than it."""
    if not broker.username or broker.password_file is not None:
        return broker
    return msgspec.structs.replace(broker, password_file=config.CREDENTIALS / CREDENTIAL)


def probe(
    broker: Broker, box: Box, within_s: float, then: Callable[[Client], object] = lambda client: None
) -> str | None:
    """Connect once, beside whatever else runs: None where the broker accepts the box, or the problem with its cure.

    ``then`` is done while connected. Raises UserError as ``prepared_client`` does, and where this user may not use the
    broker's socket.
    """
    client = prepared_client(broker, box, role="-visitor")
    client.will_clear()
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    client.on_connect = lambda _, __, ___, reason, ____: answers.put(refusal(broker.where, reason))
    try:
        client.connect(*broker.address, KEEPALIVE_S)
        client.loop_start()
        problem = answers.get(timeout=within_s)
        if problem is None:
            then(client)
        return problem
    except OSError as error:
        if broker.socket is not None and isinstance(error, PermissionError):
            raise UserError(in_words(broker.where, error)) from error
        return in_words(broker.where, error)
    except queue.Empty:
        return f"{broker.where} does not answer; check broker.host, broker.port and broker.tls"
    finally:
        client.disconnect()
        client.loop_stop()


def refusal(where: str, reason: ReasonCode) -> str | None:
    """Say in one line why the broker at ``where`` refused a connection, and the cure; None where it did not."""
    if not reason.is_failure:
        return None
    if reason.getName() in ("Bad user name or password", "Not authorized"):
        return f"{where} refused the user name or password; check broker.username and broker.password_file"
    return f"{where} refused the connection ({reason}); check its log"


def in_words(where: str, error: BaseException | None) -> str:
    """Say in one line what kept a connection to ``where`` from being made, and the cure."""
    if isinstance(error, ssl.SSLError):
        reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        return f"{where}: no trusted TLS connection ({reason}); check broker.tls and broker.ca_file"
    if isinstance(error, socket.gaierror):
        return f"{where}: no such host; check broker.host"
    if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
        key = "broker.socket" if where.startswith("/") else "broker.host and broker.port"
        return f"{where}: no broker listens there; start it, or check {key}"
    if isinstance(error, PermissionError):
        if where.startswith("/"):
            return f"{where}: this user may not connect to it; it must be in the socket's group"
        cure = "run install.sh device, or name its address in IPAddressAllow= of affectfusion.service"
        return f"{where}: this machine does not let the box connect to it; {cure}"
    return f"{where} does not answer ({error}); check broker.host and broker.port"


def _check_host(host: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise UserError(f"broker.host: {host!r} is not a host name") from error


def _password(broker: Broker) -> str | None:
    """Read the password: from its file, or else from systemd's credentials; None where neither is there.

    Raises UserError where the file cannot be read.
    """
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if broker.password_file is not None:
        key, path = "broker.password_file", broker.password_file
    elif given is not None and (Path(given) / CREDENTIAL).exists():
        key, path = "broker.username", Path(given) / CREDENTIAL
    else:
        return None
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except OSError as error:
        raise UserError(f"{key}: cannot read {path} ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{key}: {path} is not UTF-8 text") from error


def _tls_context(broker: Broker) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
    except OSError as error:
        raise UserError(f"broker.ca_file: {broker.ca_file} is not a certificate authority ({error})") from error
    if broker.ca_file is not None:
        prints = ", ".join(
            hashlib.sha256(certificate).hexdigest() for certificate in context.get_ca_certs(binary_form=True)
        )
        log.warning("%s: only the authority in %s is trusted, SHA-256 %s", broker.where, broker.ca_file, prints)
    return context
