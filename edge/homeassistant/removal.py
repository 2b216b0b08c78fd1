"""Taking the box out of Home Assistant."""

from __future__ import annotations

from paho.mqtt.client import Client

from edge.config import Settings
from edge.errors import DeviceError
from edge.homeassistant.discovery import where
from edge.publish.connection import as_served, probe

WITHIN_S = 5.0


def remove(settings: Settings, installed: bool) -> None:
    """Publishes nothing, retained, where the message was; ``installed``: with the password of the installed box.

    Raises DeviceError unless the broker acknowledges it. (One that forbids it acknowledges it too: MQTT 3.1.1 has no
    other answer.)
    """
    acknowledged = False

    def clear(client: Client) -> None:
        nonlocal acknowledged
        gone = client.publish(where(settings), b"", qos=1, retain=True)
        gone.wait_for_publish(WITHIN_S)
        acknowledged = gone.is_published()

    broker = as_served(settings.broker) if installed else settings.broker
    problem = probe(broker, settings.box, WITHIN_S, clear)
    if problem is not None:
        raise DeviceError(problem)
    if not acknowledged:
        raise DeviceError(f"{broker.where} does not acknowledge the removal; try again")
