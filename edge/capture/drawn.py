"""A camera that sees a drawn classroom: any number of learners, without a person in the picture."""

from __future__ import annotations

import cv2
import numpy as np

from edge.clock import Clock
from edge.drawing import APPEARANCES, Expression, Pose, render
from edge.drawing.scene import Classroom, Sitter
from edge.signals import Frame, Uint8Image

MOODS = (
    (Expression(lids=0.8), Pose()),
    (Expression(smile=1.0, open=0.35), Pose(yaw=2.0, pitch=1.0)),
    (Expression(smile=-1.0, furrow=1.0, brow=-1.0, lids=0.55), Pose(yaw=-2.0, pitch=1.0)),
)
"""What the learners do, one after the other; alike enough in pose to be faded into each other."""

_LARGEST_SPRITE = 400
_HOLD_S, _FADE_S = 4.0, 0.6


class DrawnCamera:
    """An open camera on 0..32 drawn learners sitting in rows; it never ends.

    Opening draws every learner's moods once; a frame then only fades between them and moves them a little.
    """

    def __init__(self, learners: int, width: int, height: int, fps: float, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._period = 1 / fps
        self._opened = self._due = clock.now()
        dice = np.random.default_rng(seed)
        self._phases = dice.uniform(0, 100, size=learners)
        self._room = Classroom(learners, width, height)
        size = max(32, round(min(self._room.side, _LARGEST_SPRITE)))
        self._sprites = [
            [render(APPEARANCES[look], expression, pose, size) for expression, pose in MOODS]
            for look in dice.permutation(len(APPEARANCES))[:learners]
        ]

    def read(self) -> Frame:
        """The next frame, when it is due."""
        self._clock.sleep(self._due - self._clock.now())
        time = self._clock.now()
        # Frames a late reader has missed are gone.
        self._due += self._period * (1 + max(0.0, time - self._due) // self._period)
        sitters = [self._sitter(index, time - self._opened) for index in range(len(self._phases))]
        return Frame(self._room.picture(sitters), time)

    def close(self) -> None:
        """Releases nothing; may be called twice."""

    def _sitter(self, index: int, time: float) -> Sitter:
        own = time + self._phases[index]
        sway, nod, tilt = np.sin(2 * np.pi * own * np.array((0.11, 0.17, 0.07)))
        sprite = _faded(self._sprites[index % len(self._sprites)], own)
        return Sitter(sprite, across=0.015 * sway, down=0.008 * nod, turn=2.5 * tilt)


def _faded(moods: list[Uint8Image], time: float) -> Uint8Image:
    """The mood at ``time``: each is held, then faded into the next."""
    step, into = divmod(time, _HOLD_S)
    current, following = moods[int(step) % len(moods)], moods[(int(step) + 1) % len(moods)]
    share = (into - (_HOLD_S - _FADE_S)) / _FADE_S
    return current if share <= 0 else cv2.addWeighted(current, 1 - share, following, share, 0)
