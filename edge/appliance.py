"""The appliance: wires the rooms into the loop. Knows no hardware and no broker by name."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar

import cv2
import msgspec

from edge.capture import Item, Source
from edge.capture.buffers import AudioRing, NewestFrame
from edge.capture.sensor import CLOSE_S, Sensor
from edge.capture.sources import camera_vigil, microphone_vigil, open_camera, open_microphone
from edge.capture.vigil import Vigil
from edge.clock import Clock, MonotonicClock
from edge.config import CameraSettings, MicrophoneSettings, Settings
from edge.errors import UserError
from edge.health.monitor import HealthMonitor
from edge.homeassistant.discovery import announcement
from edge.inference.store import ModelStore
from edge.inputs.door import Door
from edge.pipeline import Pipeline
from edge.privacy.gate import Gate
from edge.privacy.panel import Light, Panel
from edge.publish.mqtt import Publisher
from edge.publish.payloads import CommandPayload, PrivacyPayload, SessionPayload
from edge.session.lessons import Lessons
from edge.signals import Abstention, Affect, AudioChunk, Frame
from edge.state import StateError, StateFolder

log = logging.getLogger(__name__)

Device = TypeVar("Device", CameraSettings, MicrophoneSettings)

FIRST_ATTEMPT_S = 4.0
"""How long the first opening may keep the loop, to learn whether what the settings name can be opened at all."""

LONGEST_WAIT_S = 0.1
"""The loop turns at least this often, so that commands and signals are obeyed at once."""

OPENING_SLICE_S = 0.05
"""How often, while devices open, it is asked whether they still should."""

REPORT_PERIOD_S = 10.0
"""Between two messages on ``health`` and ``session`` while nothing changes."""


class Appliance:
    """The box: from its configuration to published scores.

    ``run`` blocks until ``stop`` is called (from any thread or signal handler) or every recording has ended. Raises
    UserError at construction where settings or models cannot work, and from ``run`` where a named file cannot be read.
    """

    def __init__(self, settings: Settings, clock: MonotonicClock | None = None) -> None:
        # the device's other cores belong to capture, the broker and the operating system
        cv2.setNumThreads(1)
        self._period_s = settings.fusion.period_s
        self._clock = clock or MonotonicClock()
        self._gate = Gate(settings.deployment, StateFolder(settings.storage.folder))
        self._obeyed: PrivacyPayload | None = None
        self._told: PrivacyPayload | None = None
        store = ModelStore(settings.models.directory, settings.models.runtime, settings.models.threads)
        self._pipeline = Pipeline(settings, store)
        self._door = Door(settings.inputs, self._clock)
        self._publisher = Publisher(
            settings.broker,
            settings.box,
            self._commanded,
            file=settings.outbox_file,
            limit=settings.outbox.messages,
            announcement=announcement(settings),
            inputs=settings.inputs.allow,
            on_input=self._door.receive,
        )
        self._frames = NewestFrame()
        # what may still enter a state; the loop's own turn comes on top
        self._most_lag_s = (settings.fusion.longest_lag_s - LONGEST_WAIT_S) * self._clock.speed
        # twice that, so that a loop that is behind finds it out and catches up in one step
        self._sound = AudioRing(2 * self._most_lag_s)
        self._camera = self._sensor("camera", settings.camera, open_camera, self._frames.put, camera_vigil)
        self._microphone = self._sensor(
            "microphone", settings.microphone, open_microphone, self._sound.push, microphone_vigil
        )
        if not self._sensors:
            raise UserError("camera.source and microphone.source are both none: there is nothing to run on")
        self._health = HealthMonitor(settings, store.loaded, self._clock)
        storage = settings.storage
        self._lessons = Lessons(self._clock, settings.box, settings.lessons, storage.sessions, storage.scratch)
        self._withdrawn = False
        self._commands: queue.SimpleQueue[CommandPayload | Literal["mute", "unmute"]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._said = ""
        self._newest: float | None = None
        self._look_lag_s = 0.0
        self._next_state = self._next_report = self._clock.now()
        self._panel = Panel(settings.privacy, self._pressed)

    def stop(self) -> None:
        """Ends ``run`` at its next turn, within a tenth of a second."""
        self._stopping.set()

    def run(self, turned: Callable[[], object] = lambda: None) -> None:
        """Runs the loop, calling ``turned`` after each turn; always leaves the devices closed and the broker told."""
        ended = False
        try:
            # first, so that nothing of a box without consent is delivered
            self._obey_gate()
            self._publisher.start()
            if self._lessons.abandoned is not None:
                self._publish_session(self._lessons.abandoned)
            while not self._stopping.is_set() and not ended:
                # asked before the turn that takes the last frame and sound
                ended = self._ended()
                self._turn()
                turned()
            self._publish_state()
        finally:
            self._close_sensors()
            self._panel.close()
            self._publish_session(self._lessons.end() if ended else self._lessons.leave())
            self._publisher.stop()

    @property
    def status(self) -> str:
        """What the box is doing, in one line for whoever looks after it; never a score."""
        sensors = ", ".join(f"{name} {state}" for name, state in self._sensor_states().items() if state != "none")
        broker = "" if self._publisher.connected else "broker away"
        return "; ".join(filter(None, (sensors, self._said or "starting", self._health.governor.words, broker)))

    def _turn(self) -> None:
        """One turn of the loop: commands, then what was captured, then whatever is due to be published."""
        began = self._clock.now()
        while not self._commands.empty():
            self._obey(self._commands.get())
        self._obey_gate()
        self._panel.show(self._light)
        for sensor in self._sensors:
            sensor.watch()
        self._listen()
        waiting = self._clock.now()
        frame = self._frames.take(LONGEST_WAIT_S)
        waited = self._clock.now() - waiting
        if frame is not None:
            self._look(frame)
        now = self._clock.now()
        if now >= self._next_state:
            # a late turn delays the schedule rather than bunching states up behind it
            self._next_state = max(self._next_state + self._period_s, now)
            self._publish_state()
        if now >= self._next_report or self._health.changed(self._sensor_states()):
            self._next_report = now + REPORT_PERIOD_S
            self._publish_report()
        self._health.worked(self._clock.now() - began - waited)
        self._pipeline.rate_hz = self._health.governor.rate_hz

    def _listen(self) -> None:
        """Hears what has gathered; what comes meanwhile waits for the next turn, so that no look waits for ever."""
        for _ in range(len(self._sound)):
            chunk = self._sound.take(fresh_since=self._clock.now() - self._most_lag_s)
            if chunk is not None:
                self._pipeline.hear(chunk)

    def _look(self, frame: Frame) -> None:
        self._health.captured(frame.time)
        if self._pipeline.see(frame):
            self._health.looked(frame.time)
            self._newest = frame.time
            self._look_lag_s = self._clock.now() - frame.time

    def _publish_state(self) -> None:
        affect = self._pipeline.assess(self._clock.now(), self._lessons.scenario.priors.by_state, self._door.current())
        if self._look_lag_s > self._most_lag_s and affect.abstain is None:
            affect = replace(affect, abstain=Abstention.OVERLOADED)
        affect = self._gate.admit(affect)
        self._publisher.affect(affect)
        for alert in self._lessons.add(affect):
            self._publisher.alert(alert)
        if self._newest is not None:
            self._health.published(lag_s=self._clock.now() - self._newest)
            self._newest = None
        self._say(affect)

    def _publish_session(self, session: SessionPayload) -> None:
        """Nothing of a lesson leaves without consent, not even of its time before."""
        if not self._withdrawn:
            self._publisher.session(session)

    def _publish_report(self) -> None:
        self._publish_session(self._lessons.running())
        self._publisher.health(
            self._health.report(
                self._sensor_states(),
                latency_ms=self._pipeline.stages.quantile_ms(0.5),
                dropped_frames=self._frames.dropped,
                dropped_audio_s=self._sound.dropped_s,
                queue=self._publisher.queue,
                lost=self._publisher.lost,
                inputs=self._door.counts(),
            )
        )

    def _say(self, affect: Affect) -> None:
        """Logs when the box starts or stops giving scores, never the scores."""
        state = "giving scores" if affect.abstain is None else f"giving no scores: {affect.abstain.value}"
        if state != self._said:
            self._said = state
            log.info("%s", state, extra={"STATE": affect.abstain.value if affect.abstain else "scoring"})

    def _commanded(self, command: CommandPayload) -> None:
        """Called on the network thread: the loop obeys at its next turn."""
        self._commands.put(command)

    def _pressed(self) -> None:
        """Called on a thread of gpiozero's: a press means what the box showed then, however long the order waits.

        Only a box that is muted and closed is unmuted: whoever presses again, because a driver is slow to let go, does
        not open it.
        """
        muted = self._obeyed is not None and self._obeyed.muted_by is not None
        self._commands.put("unmute" if muted and self._light == "closed" else "mute")

    def _obey(self, order: CommandPayload | Literal["mute", "unmute"]) -> None:
        switch = self._gate.switch
        if not isinstance(order, CommandPayload):
            log.info("the button was pressed: %s", order)
            switch.turn(order == "mute", "button")
            self._obey_gate()
            return
        log.info("command: %s", " ".join((order.command, order.name)).strip())
        if order.command in ("mute", "unmute"):
            if not switch.turn(order.command == "mute", "command"):
                log.warning("refused a command: unmute")
                self._told = None  # says once more why
            self._obey_gate()
        elif order.command == "scenario":
            if self._lessons.choose(order.name):
                self._publish_session(self._lessons.running())
            else:
                log.warning("refused a command: no such scenario")
        else:
            self._change_session(order)

    def _change_session(self, order: CommandPayload) -> None:
        if self._withdrawn:
            log.warning("refused a command: no lesson without consent")
            return
        if order.command == "mark":
            self._lessons.mark(order.name)
        else:
            self._publish_session(self._lessons.end())
            if order.command == "end_session":
                return
            self._lessons.start()
        self._publish_session(self._lessons.running())

    def _obey_gate(self) -> None:
        """Where the gate says something new: opens the devices, or closes them and forgets everybody; and says so."""
        notice = self._gate.notice()
        if notice != self._obeyed:
            self._heed_outside(notice)
            if notice.state == "capturing":
                self._open_sensors(notice)
            else:
                self._close_sensors()
                self._frames.clear()
                self._sound.clear()
                self._pipeline.forget()
            self._heed_consent(notice)
            try:
                # before anybody is told of it, and after the devices are closed: a slow card must not delay that
                self._gate.switch.keep()
            except StateError as error:
                log.warning("%s; the mute will be forgotten at the next restart", error)
            self._obeyed = notice
        self._tell(notice)

    def _heed_outside(self, notice: PrivacyPayload) -> None:
        """Modalities from outside are listened to only while the box itself captures."""
        if notice.state == "capturing":
            self._door.open(notice.minimum_group if notice.mode == "room" else 1)
        else:
            self._door.close()
        self._publisher.heed(notice.state == "capturing")

    def _tell(self, notice: PrivacyPayload) -> None:
        """Publishes ``notice`` unless it was told already; names the devices that are not closed yet but should be."""
        held = " and ".join(sensor.name for sensor in self._sensors if sensor.state == "closing")
        if held:
            notice = msgspec.structs.replace(notice, reason=f"{notice.reason}; a driver still holds {held} open")
        if notice == self._told:
            return
        self._told = notice
        if notice.state != "capturing":
            log.warning("%s", notice.reason)
        self._publisher.privacy(notice)

    def _heed_consent(self, notice: PrivacyPayload) -> None:
        """Where consent has gone, nothing made under it leaves any more; where it has come, a new lesson begins.

        A mute is different: what was made before it was and is rightful.
        """
        withdrawn = notice.state not in ("capturing", "muted")
        if withdrawn == self._withdrawn:
            return
        self._withdrawn = withdrawn
        if withdrawn:
            self._publisher.discard()
            self._lessons.withdraw()
        else:
            self._lessons.start()

    @property
    def _light(self) -> Light:
        states = set(self._sensor_states().values())
        if states <= {"closed", "none"}:
            return "closed"
        return "capturing" if "live" in states else "changing"

    def _open_sensors(self, notice: PrivacyPayload) -> None:
        """Opens all devices at once and awaits their first answers, unless somebody wants something else meanwhile."""
        for sensor in self._sensors:
            sensor.start()
        self._panel.show(self._light)
        due = time.monotonic() + FIRST_ATTEMPT_S
        while time.monotonic() < due and not all(sensor.attempted for sensor in self._sensors):
            if not self._commands.empty() or self._gate.notice() != notice or self._stopping.wait(OPENING_SLICE_S):
                return

    def _close_sensors(self) -> None:
        """Closes all devices at once, so that a driver that hangs keeps no other device open."""
        for sensor in self._sensors:
            sensor.release()
        self._panel.show(self._light)
        due = time.monotonic() + CLOSE_S
        for sensor in self._sensors:
            sensor.close(max(0.0, due - time.monotonic()))

    def _ended(self) -> bool:
        """Whether every source was a recording that has come to its end."""
        return all(sensor.state == "ended" for sensor in self._sensors)

    @property
    def _sensors(self) -> list[Sensor[Frame] | Sensor[AudioChunk]]:
        return [sensor for sensor in (self._camera, self._microphone) if sensor is not None]

    def _sensor_states(self) -> dict[str, str]:
        sensors = {"camera": self._camera, "microphone": self._microphone}
        return {name: sensor.state if sensor else "none" for name, sensor in sensors.items()}

    def _sensor(
        self,
        name: str,
        settings: Device,
        open_source: Callable[[Device, Clock], Source[Item]],
        sink: Callable[[Item], None],
        vigil: Callable[[Device], Vigil[Item] | None],
    ) -> Sensor[Item] | None:
        if settings.source == "none":
            return None
        return Sensor(name, lambda clock: open_source(settings, clock), sink, self._clock, vigil=vigil(settings))
