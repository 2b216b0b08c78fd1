"""``affect-edge demo``: the whole appliance on a bundled lesson, watched through the broker as by any subscriber."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console

from edge.appliance import Appliance
from edge.clock import MonotonicClock
from edge.config import Box, Broker, CameraSettings, Deployment, Fusion, MicrophoneSettings, Settings
from edge.demo.broker import EmbeddedBroker
from edge.demo.lesson import SOUND, VIDEO
from edge.demo.screen import PlainScreen, RichScreen
from edge.errors import UserError

BOX = Box(site="demo", room="classroom")

Message = tuple[str, Any]
"""A topic's last level and its decoded payload."""


def show(camera: str | None, microphone: str | None, speed: float, plain: bool) -> int:
    """Runs the demo to its end, or until interrupted; returns the exit code.

    ``camera`` is a device or a video file, ``microphone`` a device's name or a sound file; without either, the bundled
    lesson plays, ``speed`` times as fast. ``plain`` prints one line per message, as happens anyway off a terminal.
    """
    console = Console()
    with EmbeddedBroker() as broker:
        settings = _settings(camera, microphone, broker.port)
        appliance = Appliance(settings, MonotonicClock(speed))
        screen = PlainScreen(console) if plain or not console.is_terminal else RichScreen(console)
        failures: list[BaseException] = []
        loop = threading.Thread(target=_run, args=(appliance, failures), daemon=True)
        with _Subscriber(broker.port) as subscriber, screen:
            loop.start()
            try:
                for topic, payload in subscriber.messages(until=lambda: not loop.is_alive()):
                    screen.receive(topic, payload)
            except KeyboardInterrupt:
                appliance.stop()
                for topic, payload in subscriber.messages(until=lambda: not loop.is_alive()):
                    screen.receive(topic, payload)
        loop.join()
    if failures:
        raise failures[0]
    screen.summarise()
    return 0


def _run(appliance: Appliance, failures: list[BaseException]) -> None:
    try:
        appliance.run()
    except Exception as error:
        failures.append(error)


class _Subscriber:
    """An MQTT client like any other: everything the box publishes, in the order it arrives."""

    def __init__(self, port: int) -> None:
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(f"affectfusion/{BOX.site}/{BOX.room}/+", qos=1)
        self._client.on_message = self._received
        self._port = port

    def __enter__(self) -> _Subscriber:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def messages(self, until: Any) -> Iterator[Message]:
        """Messages as they come, until ``until()`` holds and no more arrive."""
        while True:
            try:
                yield self._inbox.get(timeout=0.3)
            except queue.Empty:
                if until():
                    return

    def _received(self, client: Client, _: Any, message: MQTTMessage) -> None:
        topic = message.topic.rpartition("/")[2]
        text = message.payload.decode()
        self._inbox.put((topic, text if topic == "status" else msgspec.json.decode(text)))


def _settings(camera: str | None, microphone: str | None, port: int) -> Settings:
    broker = Broker(host="127.0.0.1", port=port)
    if camera is None and microphone is None:
        return Settings(
            deployment=Deployment("demonstration", "none", "nobody is shown or heard"),
            box=BOX,
            camera=CameraSettings(source="file", path=VIDEO),
            microphone=MicrophoneSettings(source="file", path=SOUND),
            # nobody is kept from the lesson because the machine is busy with something else
            fusion=Fusion(longest_lag_s=10.0),
            broker=broker,
        )
    return Settings(
        deployment=Deployment("demonstration", "none", "the person who started the demo", mode="self", minimum_group=1),
        box=BOX,
        camera=_camera(camera),
        microphone=_microphone(microphone),
        broker=broker,
    )


def _camera(name: str | None) -> CameraSettings:
    if name is None:
        return CameraSettings(source="none")
    if name.startswith("/dev/") or name.isdigit():
        return CameraSettings(source="v4l2", device=name)
    if not Path(name).is_file():
        raise UserError(f"--camera {name}: neither a device such as /dev/video0 nor a video file")
    return CameraSettings(source="file", path=Path(name))


def _microphone(name: str | None) -> MicrophoneSettings:
    if name is None:
        return MicrophoneSettings(source="none")
    if Path(name).is_file():
        return MicrophoneSettings(source="file", path=Path(name))
    if Path(name).suffix.lower() in (".wav", ".flac", ".ogg", ".mp3"):
        raise UserError(f"--microphone {name}: no such sound file")
    return MicrophoneSettings(source="pyaudio", device="" if name == "default" else name)
