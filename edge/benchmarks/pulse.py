"""How far off the experimental pulse is on a drawn face with a known one: in light, motion and frame rate.

A drawn face is kinder than a person: its skin has no other colours to change to, and its pulse no beat of its own.
What fails here fails in a room; what works here may still fail there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.benchmarks import reports
from edge.config import MODELS, Perception
from edge.drawing import APPEARANCES, Expression, Pose, render
from edge.drawing.backdrop import classroom
from edge.drawing.scene import Placement, compose
from edge.experimental.rppg import cheeks, pulse
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.perception.mesh import FaceMesh
from edge.signals import Float32Array, Frame, Uint8Image

WIDTH, HEIGHT, FACE = 320, 240, 220
HEARTS = (50.0, 64.0, 78.0, 95.0, 120.0)
"""Beats a minute of the clips of one condition."""

STRENGTH = 0.01 * np.array((0.53, 0.77, 0.33)) / 0.77
"""How much of the skin's colour, BGR, comes and goes with the blood: a hundredth of its green, and of the others in the
proportions of de Haan and van Leest (Physiological Measurement 35(9), 2014)."""

NOISE = 2.0
"""Levels of a camera's noise in every pixel, however little light there is."""

CLOSE_BPM = 5.0


@dataclass(frozen=True, slots=True)
class Condition:
    """How a clip is taken, at ``fps`` frames a second with the share ``light`` of full exposure.

    The head moves by ``sway`` of its size, and changes by ``shade`` of its brightness, ``move_hz`` times a second.
    """

    name: str
    light: float = 1.0
    sway: float = 0.0
    shade: float = 0.0
    move_hz: float = 0.3
    fps: float = 15.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one condition: the mean error of the clips that gave a pulse, how many of them were close, and the quality."""

    error_bpm: float | None
    close: int
    clips: int
    quality: float | None


CALM = Condition("full light, still, 15 frames/s")
CONDITIONS = (
    CALM,
    replace(CALM, name="half the light", light=0.5),
    replace(CALM, name="a quarter of the light", light=0.25),
    replace(CALM, name="a tenth of the light", light=0.1),
    replace(CALM, name="swaying", sway=0.03, shade=0.03),
    replace(CALM, name="nodding 70 times a minute", sway=0.03, shade=0.06, move_hz=70 / 60),
    replace(CALM, name="7.5 frames/s", fps=7.5),
    replace(CALM, name="30 frames/s", fps=30.0),
    replace(CALM, name="swaying, a quarter of the light, 7.5 frames/s", light=0.25, sway=0.03, shade=0.03, fps=7.5),
)


def benchmark(seconds: float, json_file: Path | None) -> int:
    """Measures every condition on clips of ``seconds``, prints a table and writes ``json_file`` if given."""
    if json_file is not None:
        reports.check_writable(json_file)
    mesh = open_mesh(Perception(), ModelStore(MODELS))
    found = {
        condition.name: measure(mesh, condition, seconds)
        for condition in track(CONDITIONS, "measuring", console=Console(stderr=True), transient=True)
    }
    Console().print(_table(found, seconds))
    if json_file is not None:
        reports.write(json_file, {name: asdict(accuracy) for name, accuracy in found.items()})
    return 0


def measure(mesh: FaceMesh, condition: Condition, seconds: float, hearts: Sequence[float] = HEARTS) -> Accuracy:
    """One clip of ``seconds`` for each of ``hearts``, in beats a minute, by way of the face mesh."""
    errors, qualities = [], []
    for seed, bpm in enumerate(hearts):
        mesh.forget()
        times, colours = [], []
        for frame in clip(condition, bpm, seconds, seed):
            faces = mesh.find(frame)
            if faces:
                times.append(frame.time)
                colours.append(cheeks(frame.image, faces[0].landmarks))
        beat = pulse(np.array(times), np.array(colours).reshape(-1, 3))
        if beat is not None:
            errors.append(abs(beat.bpm - bpm))
            qualities.append(beat.quality)
    return Accuracy(
        error_bpm=float(np.mean(errors)) if errors else None,
        close=sum(error <= CLOSE_BPM for error in errors),
        clips=len(hearts),
        quality=float(np.median(qualities)) if qualities else None,
    )


def clip(condition: Condition, bpm: float, seconds: float, seed: int) -> Iterator[Frame]:
    """One drawn learner whose skin pulses ``bpm`` times a minute, through a noisy camera."""
    dice = np.random.default_rng(seed)
    phase, sway = dice.uniform(0, 2 * np.pi, 2)
    sprite = render(APPEARANCES[seed], Expression(), Pose(), FACE)
    backdrop = classroom(WIDTH, HEIGHT)
    for number in range(round(seconds * condition.fps)):
        time = number / condition.fps
        move = np.sin(2 * np.pi * condition.move_hz * time + sway)
        beat = 2 * np.pi * bpm / 60 * time + phase
        blood = 1 + STRENGTH * (np.sin(beat) + 0.3 * np.sin(2 * beat))
        x = WIDTH / 2 + condition.sway * FACE * move
        shine = condition.light * (1 + condition.shade * move) * blood
        picture = compose(backdrop, [Placement(sprite, x, HEIGHT / 2)])
        yield Frame(_sensed(picture, shine.astype(np.float32), dice), time)


def _sensed(picture: Uint8Image, shine: Float32Array, dice: np.random.Generator) -> Uint8Image:
    """The picture with its colours multiplied by ``shine``, (3,), as a camera with noise gives it."""
    noise = dice.standard_normal(picture.shape, np.float32)
    return np.clip(picture * shine + np.float32(NOISE) * noise + np.float32(0.5), 0, 255).astype(np.uint8)


def _table(found: dict[str, Accuracy], seconds: float) -> Table:
    table = Table(box=SIMPLE, title=f"pulse of a drawn face, {seconds:g} s a clip", title_justify="left")
    for heading in ("condition", "mean error", f"within {CLOSE_BPM:g}", "quality"):
        table.add_column(heading, justify="left" if heading == "condition" else "right")
    for name, accuracy in found.items():
        error = "none found" if accuracy.error_bpm is None else f"{accuracy.error_bpm:.1f} bpm"
        quality = "" if accuracy.quality is None else f"{accuracy.quality:.2f}"
        table.add_row(name, error, f"{accuracy.close} of {accuracy.clips}", quality)
    return table
