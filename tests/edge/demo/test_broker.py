from __future__ import annotations

import logging
import socket
import sys
import threading

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from services import wait_until

from edge.config import Box, Broker
from edge.demo.broker import HOST, EmbeddedBroker
from edge.errors import UserError
from edge.publish.mqtt import Publisher
from edge.signals import Abstention, Affect


def test_what_the_appliance_publishes_reaches_a_subscriber() -> None:
    pytest.importorskip("amqtt")
    received: list[str] = []
    with EmbeddedBroker() as broker:
        subscriber = Client(CallbackAPIVersion.VERSION2)
        subscriber.on_message = lambda client, _, message: received.append(message.topic.rpartition("/")[2])
        subscriber.connect(HOST, broker.port)
        subscriber.subscribe("affectfusion/#", 1)
        subscriber.loop_start()
        publisher = Publisher(Broker(host=HOST, port=broker.port), Box(), print)
        publisher.start()
        assert wait_until(lambda: publisher.connected)
        publisher.affect(Affect(1.0, 3.0, 0, {}, abstain=Abstention.NO_FACES))
        publisher.stop()
        assert wait_until(lambda: received == ["status", "affect", "status"])
        subscriber.disconnect()
        subscriber.loop_stop()


def test_broker_ends_quietly_even_under_clients_that_are_still_connected(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("amqtt")
    caplog.set_level(logging.INFO)
    with EmbeddedBroker() as broker, socket.create_connection((HOST, broker.port)) as rude:
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect(HOST, broker.port)
        client.loop_start()
        assert wait_until(client.is_connected)
        port = broker.port
        client_left = client.loop_stop
    client_left()
    with pytest.raises(OSError):
        socket.create_connection((HOST, port), timeout=1)
    assert "embedded-broker" not in {thread.name for thread in threading.enumerate()}
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_missing_amqtt_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    with pytest.raises(UserError, match='pip install "amqtt'):
        EmbeddedBroker()
