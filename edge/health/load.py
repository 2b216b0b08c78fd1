"""How often the box may look: less often, in steps, while the processor is too busy or too hot."""

from __future__ import annotations

import logging
from typing import Literal

log = logging.getLogger(__name__)

Load = Literal["normal", "overloaded", "hot"]

STEPS = (1.0, 2 / 3, 1 / 2, 1 / 3)
"""Shares of the configured rate: of 7.5 looks a second they leave 5, 3.75 and 2.5."""

JUDGE_S = 5.0
"""How often the load is judged."""

BUSY, CALM = 0.9, 0.7
"""Overloaded is a loop that works for more than ``BUSY`` of its time; it looks more often again when it would then work
for less than ``CALM`` of it. Between the two it stays as it is."""

HOT_C, COOL_C = 80.0, 72.0
"""A Raspberry Pi slows itself down from 80 degrees on."""

REST_S = 30.0
"""A step back up comes only after so long without trouble; and a step down for heat only so long after the last one,
since a processor takes its time to cool."""


class Governor:
    """Steps ``rate_hz`` down and up. Times are seconds on the appliance's clock."""

    def __init__(self, rate_hz: float, lowest_hz: float) -> None:
        """Starts at ``rate_hz``, the configured rate; no step goes below ``lowest_hz``."""
        self._rates = [rate_hz * share for share in STEPS if share == 1.0 or rate_hz * share >= lowest_hz]
        self._step = 0
        self._busy_s = 0.0
        self._judged: float | None = None
        self._quiet_since = self._lowered_at = float("-inf")
        self.load: Load = "normal"
        """Why the rate is lower than configured; ``normal`` where it is not and nothing is wrong."""

    @property
    def rate_hz(self) -> float:
        """Looks a second that the box aims at now."""
        return self._rates[self._step]

    @property
    def words(self) -> str:
        """The load in words; empty while it is normal."""
        return "" if self.load == "normal" else f"{self.load}, looking {self.rate_hz:.3g} times a second"

    def worked(self, seconds: float) -> None:
        """The loop was at work, not waiting, for ``seconds``."""
        self._busy_s += seconds

    def due(self, now: float) -> bool:
        """Whether it is time to judge."""
        if self._judged is None:
            self._judged = self._quiet_since = now
        return now - self._judged >= JUDGE_S

    def judge(self, now: float, temperature_c: float | None) -> None:
        """Steps down or up, by how busy the loop was since the last time and how hot it is (None: unknown)."""
        busy = self._busy_s / (now - self._judged) if self._judged is not None and now > self._judged else 0.0
        self._judged, self._busy_s = now, 0.0
        hot = temperature_c is not None and temperature_c >= HOT_C
        before = self._step, self.load
        if hot or busy > BUSY:
            self.load = "hot" if hot else "overloaded"
            self._quiet_since = now
            if busy > BUSY or now - self._lowered_at >= REST_S:
                self._step = min(self._step + 1, len(self._rates) - 1)
                self._lowered_at = now
        elif not self._may_rise(busy, temperature_c):
            self._quiet_since = now
        elif now - self._quiet_since >= REST_S:
            self._quiet_since = now
            self._step = max(self._step - 1, 0)
            if self._step == 0:
                self.load = "normal"
        if before != (self._step, self.load):
            self._say()

    def _may_rise(self, busy: float, temperature_c: float | None) -> bool:
        faster = self._rates[max(self._step - 1, 0)]
        return busy * faster / self.rate_hz < CALM and (temperature_c is None or temperature_c < COOL_C)

    def _say(self) -> None:
        if self.load == "normal":
            log.info("no longer short of time or heat: looking %.3g times a second", self.rate_hz, extra=self._fields)
        else:
            log.warning("%s", self.words, extra=self._fields)

    @property
    def _fields(self) -> dict[str, str]:
        return {"LOAD": self.load, "RATE_HZ": f"{self.rate_hz:.3g}"}
