"""The loop for somebody who looks on: the same pipeline, in real time, with a screen where the box has a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edge.capture.buffers import AudioRing, NewestFrame
from edge.capture.sensor import Sensor
from edge.capture.sources import camera_vigil, microphone_vigil, open_camera, open_microphone
from edge.clock import MonotonicClock
from edge.config import Settings
from edge.errors import DeviceError
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline, Sighting
from edge.privacy.gate import Gate
from edge.session.scenarios import chosen
from edge.signals import Affect, AudioChunk, Frame, Uint8Image
from edge.view.overlay import Known, draw

LONGEST_WAIT_S = 0.05
"""The window answers at least this often."""

SOUND_S = 2.0
"""Sound kept while the loop is busy."""


class Screen(Protocol):
    """Where pictures are shown."""

    @property
    def closed(self) -> bool:
        """Whether nobody wants to see more."""
        ...

    def show(self, picture: Uint8Image) -> None:
        """Shows ``picture``, uint8 (height, width, 3) BGR."""
        ...

    def turn(self) -> None:
        """Is called often."""
        ...


class Viewer:
    """Runs the pipeline on what ``settings`` name and shows what it sees; nothing of it is kept or sent."""

    def __init__(self, settings: Settings, gate: Gate, screen: Screen) -> None:
        self._settings = settings
        self._gate = gate
        self._screen = screen
        self._clock = MonotonicClock()
        self._priors = chosen(settings.session).priors.by_state
        store = ModelStore(settings.models.directory, settings.models.runtime, settings.models.threads)
        self._pipeline = Pipeline(settings, store, self._observe)
        self._frames = NewestFrame()
        self._sound = AudioRing(SOUND_S)
        self._camera = Sensor(
            "camera",
            lambda clock: open_camera(settings.camera, clock),
            self._frames.put,
            self._clock,
            vigil=camera_vigil(settings.camera),
        )
        self._microphone = None
        if settings.microphone.source != "none":
            self._microphone = Sensor(
                "microphone",
                lambda clock: open_microphone(settings.microphone, clock),
                self._sound.push,
                self._clock,
                vigil=microphone_vigil(settings.microphone),
            )
        self._sightings: Sequence[Sighting] = ()
        self._affect: Affect | None = None
        self._due = self._clock.now()

    def run(self) -> None:
        """Shows until the screen is closed or the recording has ended; leaves the devices closed.

        Raises UserError where what the settings name cannot be opened, DeviceError where the camera is not there. A
        microphone that is not there is not heard.
        """
        shown = False
        sensors: list[Sensor[Frame] | Sensor[AudioChunk]] = [self._camera]
        if self._microphone is not None:
            sensors.append(self._microphone)
        try:
            for sensor in sensors:
                sensor.start()
            while not self._screen.closed and not all(sensor.state == "ended" for sensor in sensors):
                for sensor in sensors:
                    sensor.watch()
                if not shown and self._camera.attempted and self._camera.state not in ("opening", "live", "ended"):
                    raise DeviceError(self._camera.problem)
                shown |= self._turn()
                self._screen.turn()
        finally:
            for sensor in sensors:
                sensor.release()
            for sensor in sensors:
                sensor.close()

    def _turn(self) -> bool:
        """Hears and looks at what has come; returns whether there was something to show."""
        for _ in range(len(self._sound)):
            chunk = self._sound.take()
            if chunk is not None:
                self._pipeline.hear(chunk)
        frame = self._frames.take(LONGEST_WAIT_S)
        if frame is not None:
            self._pipeline.see(frame)
        now = self._clock.now()
        if now >= self._due:
            self._due = max(self._due + self._settings.fusion.period_s, now)
            self._affect = self._gate.admit(self._pipeline.assess(now, self._priors))
        if frame is not None:
            self._show(frame)
        return frame is not None

    def _show(self, frame: Frame) -> None:
        self._screen.show(draw(frame.image, Known(self._sightings, self._affect)))

    def _observe(self, sightings: Sequence[Sighting]) -> None:
        self._sightings = sightings
