"""Draws the lesson's film, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from edge.demo.lesson import DURATION_S, EVERYBODY, STRETCHES, Mood, stretch_at
from edge.drawing import APPEARANCES, Expression, Pose, render
from edge.drawing.scene import Classroom, Sitter
from edge.signals import Uint8Image

WIDTH, HEIGHT, FPS = 1280, 720, 10

# Several ways to be in a mood; a learner takes the one of its seat.
_MOODS: dict[Mood, tuple[tuple[Expression, Pose], ...]] = {
    "neutral": (
        (Expression(lids=0.72), Pose(yaw=4)),
        (Expression(smile=0.1, brow=-0.1, lids=0.72), Pose(yaw=-6, pitch=2)),
        (Expression(brow=-0.1, lids=0.75), Pose(roll=3)),
    ),
    "smiling": (
        (Expression(smile=1, open=0.40, brow=0.2), Pose(yaw=3, pitch=2)),
        (Expression(smile=1, open=0.30, brow=0.2, lids=0.9), Pose(yaw=-7, roll=-4)),
        (Expression(smile=0.9, open=0.45, brow=0.1, lids=0.9), Pose(roll=4)),
    ),
    "frowning": (
        (Expression(smile=-1, furrow=1, brow=-1, lids=0.55), Pose(yaw=-5, pitch=2)),
        (Expression(smile=-1, furrow=-1, brow=-0.3, lids=0.40, gaze_y=0.7), Pose(yaw=8, pitch=-3, roll=4)),
        (Expression(smile=-1, furrow=1, brow=-1, lids=0.60, open=0.35), Pose(yaw=-8, pitch=2, roll=-3)),
    ),
}
_EASE = 0.22
"""How much of the way to a new mood is made in one frame."""
_WALK_PER_S = 0.55
"""Speed of somebody walking out, in sprite sides."""
_NOISE, _NOISE_IN_THE_DARK = 0.8, 3.0
"""Standard deviation of the picture's noise, in grey levels: a camera amplifies it when light is short."""


def frames(seed: int = 0) -> Iterator[Uint8Image]:
    """Every frame of the lesson, uint8 (720, 1280, 3) BGR, ten for each second."""
    dice = np.random.default_rng(seed)
    room = Classroom(len(EVERYBODY), WIDTH, HEIGHT)
    learners = [_Learner(seat, room, dice) for seat in EVERYBODY]
    light = 1.0
    for index in range(round(DURATION_S * FPS)):
        time = index / FPS
        target = stretch_at(time).light
        light += np.clip(target - light, -0.25, 0.25)
        picture = room.picture([learner.step(time) for learner in learners])
        yield _exposed(picture, light, dice)


class _Learner:
    """One learner, followed from frame to frame."""

    def __init__(self, seat: int, room: Classroom, dice: np.random.Generator) -> None:
        self._seat = seat
        self._size = round(room.side)
        self._phase = float(dice.uniform(0, 100))
        self._expression, self._pose = self._target("neutral")
        outwards = room.seats[seat][0] - WIDTH / 2 or 1.0
        self._way_out = float(np.sign(outwards))
        self._leaves_at = next((part.start for part in STRETCHES if seat not in part.present), DURATION_S)

    def step(self, time: float) -> Sitter | None:
        """Moves on to ``time``, one frame after the last; None once out of the room."""
        walked = max(0.0, time - self._leaves_at) * _WALK_PER_S
        if walked > 2.0:
            return None
        expression, pose = self._target(stretch_at(time).mood)
        if walked:
            pose = Pose(yaw=24 * self._way_out)
        self._expression = self._expression.towards(expression, _EASE)
        self._pose = self._pose.towards(pose, _EASE)
        own = time + self._phase
        sway, nod, tilt = np.sin(2 * np.pi * own * np.array((0.11, 0.17, 0.07)))
        return Sitter(
            self._sprite(own),
            across=0.012 * sway + self._way_out * walked,
            down=0.006 * nod - 0.02 * abs(np.sin(6 * walked)),
            turn=2.0 * tilt,
        )

    def _target(self, mood: Mood) -> tuple[Expression, Pose]:
        ways = _MOODS[mood]
        return ways[self._seat % len(ways)]

    def _sprite(self, own: float) -> Uint8Image:
        look_x, look_y = 0.25 * np.sin(0.9 * own), 0.10 * np.sin(0.53 * own)
        blinks = own % 4.3 < 1.5 / FPS
        expression = replace(
            self._expression,
            lids=0.05 if blinks else self._expression.lids,
            gaze_x=self._expression.gaze_x + look_x,
            gaze_y=self._expression.gaze_y + look_y,
        )
        pose = replace(
            self._pose,
            yaw=self._pose.yaw + 3 * np.sin(0.45 * own),
            pitch=self._pose.pitch + np.sin(0.31 * own),
        )
        # Steps too small to be seen, so that most frames need no new sprite.
        expression = Expression(*(round(value * 12) / 12 for value in vars(expression).values()))
        pose = Pose(*(round(value * 1.5) / 1.5 for value in vars(pose).values()))
        return _rendered(self._seat, expression, pose, self._size)


@lru_cache(maxsize=64)
def _rendered(seat: int, expression: Expression, pose: Pose, size: int) -> Uint8Image:
    return render(APPEARANCES[seat], expression, pose, size)


def _exposed(picture: Uint8Image, light: float, dice: np.random.Generator) -> Uint8Image:
    """The picture in that light, as a sensor with a little noise sees it."""
    level = _NOISE * light + _NOISE_IN_THE_DARK * (1 - light)
    grain = dice.normal(scale=level, size=(HEIGHT // 2, WIDTH // 2, 1)).astype(np.float32)
    noise = grain.repeat(2, axis=0).repeat(2, axis=1)
    return np.clip(picture * np.float32(light) + noise, 0, 255).astype(np.uint8)
