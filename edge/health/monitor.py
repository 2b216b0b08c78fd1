"""Collects what the ``health`` topic says, and lets the load govern how often the box looks."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from msgspec import UNSET, UnsetType

from edge import __version__
from edge.clock import Clock
from edge.config import Settings
from edge.health.board import Board
from edge.health.load import Governor
from edge.inference.store import Manifest
from edge.publish.payloads import HealthPayload, InputsHealth, SensorState

log = logging.getLogger(__name__)

RATE_OVER = 60
"""Frames over which a rate is taken."""


class HealthMonitor:
    """What is known of the box itself; ``governor`` says how often it may look."""

    def __init__(
        self, settings: Settings, models: Mapping[str, Manifest], clock: Clock, board: Board | None = None
    ) -> None:
        self.governor = Governor(settings.perception.rate_hz, settings.perception.lowest_rate_hz)
        self._board = board or Board()
        self._board_state = self._board.read()
        self._lag_s: float | None = None
        self._runtime = settings.models.runtime
        self._models = {name: manifest.sha256[:12] for name, manifest in models.items()}
        self._clock = clock
        self._began = clock.now()
        self._captured = _Rate()
        self._looked = _Rate()
        self._states: Mapping[str, str] = {}

    def captured(self, time: float) -> None:
        """Counts a frame that the loop received, captured at ``time``."""
        self._captured.count(time)

    def looked(self, time: float) -> None:
        """Counts a frame that the loop looked at, captured at ``time``."""
        self._looked.count(time)

    def published(self, lag_s: float) -> None:
        """A state was published ``lag_s`` after the capture of the newest picture in it."""
        self._lag_s = max(lag_s, self._lag_s or 0.0)

    def worked(self, seconds: float) -> None:
        """The loop was at work for ``seconds`` since it last waited."""
        self.governor.worked(seconds)
        now = self._clock.now()
        if self.governor.due(now):
            weak = self._board_state.undervoltage
            self._board_state = self._board.read()
            if self._board_state.undervoltage and not weak:
                log.warning("the power supply is too weak for the board; use the one that is made for it")
            self.governor.judge(now, self._board_state.temperature_c)

    def changed(self, sensors: Mapping[str, str]) -> bool:
        """Whether a sensor's state is another than in the last report."""
        return sensors != self._states

    def report(
        self,
        sensors: Mapping[str, str],
        *,
        latency_ms: Mapping[str, float],
        dropped_frames: int,
        dropped_audio_s: float,
        queue: int,
        lost: int,
        inputs: InputsHealth | UnsetType = UNSET,
    ) -> HealthPayload:
        """The message for the ``health`` topic; ``sensors`` maps "camera" and "microphone" to their states."""
        self._states = dict(sensors)
        now = self._clock.now()
        lag_s, self._lag_s = self._lag_s, None
        return HealthPayload(
            fps=self._captured.per_second(now),
            rate_hz=self._looked.per_second(now),
            target_hz=self.governor.rate_hz,
            load=self.governor.load,
            lag_ms=None if lag_s is None else 1000.0 * lag_s,
            dropped_frames=dropped_frames,
            dropped_audio_s=dropped_audio_s,
            latency_ms=dict(latency_ms),
            rss_mib=resident_mib(),
            temperature_c=self._board_state.temperature_c,
            undervoltage=self._board_state.undervoltage,
            throttled=self._board_state.throttled,
            queue=queue,
            lost=lost,
            camera=cast(SensorState, sensors["camera"]),
            microphone=cast(SensorState, sensors["microphone"]),
            version=__version__,
            runtime=self._runtime,
            models=self._models,
            uptime_s=now - self._began,
            inputs=inputs,
        )


class _Rate:
    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=RATE_OVER)

    def count(self, time: float) -> None:
        self._times.append(time)

    def per_second(self, now: float) -> float:
        span = now - self._times[0] if self._times else 0.0
        return len(self._times) / span if span > 0 else 0.0


def resident_mib(field: str = "VmRSS", process: int | None = None) -> float:
    """Resident memory in MiB of a process (this one by default) on Linux; ``VmHWM`` for its peak. 0 where unknown."""
    try:
        status = Path(f"/proc/{process or 'self'}/status").read_text()
    except OSError:
        return 0.0
    kib = next((line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")), "0")
    return int(kib) / 1024
