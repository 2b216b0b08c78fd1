"""The experimental pulse: found where it is, doubted where it is not, and no part of the running box."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edge
from edge.benchmarks.pulse import CALM, clip, measure
from edge.config import MODELS, Perception
from edge.experimental.rppg import Pulse, cheeks, pulse
from edge.inference.store import ModelStore
from edge.perception import open_mesh

SKIN = np.array((180.0, 140.0, 120.0))
BLOOD = 0.01 * np.array((0.43, 1.0, 0.69))


def skin(bpm: float, fps: float = 15.0, seconds: float = 20.0, noise: float = 0.1) -> tuple[NDArray[np.float64], ...]:
    """Times and mean colours of skin with a pulse under light that changes by a tenth, and much faster than a pulse."""
    dice = np.random.default_rng(1)
    times = np.arange(0.0, seconds, 1 / fps) + dice.uniform(-0.2, 0.2, round(seconds * fps)) / fps
    light = 1 + 0.1 * np.sin(2 * np.pi * 1.3 * times)[:, None]
    beat = np.sin(2 * np.pi * bpm / 60 * times)[:, None]
    return times, SKIN * light * (1 + BLOOD * beat) + dice.normal(0, noise, (len(times), 3))


def found(times: NDArray[np.float64], colours: NDArray[np.float64]) -> Pulse:
    beat = pulse(times, colours)
    assert beat is not None
    return beat


@pytest.mark.parametrize("bpm", [48.0, 60.0, 96.0, 150.0])
@pytest.mark.parametrize("fps", [7.5, 15.0, 30.0])
def test_a_pulse_is_found_under_light_that_changes_in_its_own_band(bpm: float, fps: float) -> None:
    beat = found(*skin(bpm, fps))
    assert beat.bpm == pytest.approx(bpm, abs=2.0)
    assert beat.quality > 0.5


def test_skin_without_a_pulse_has_a_pulse_of_no_quality() -> None:
    times, colours = skin(60.0)
    still = SKIN + np.random.default_rng(2).normal(0, 0.5, colours.shape)
    assert found(times, still).quality < 0.35 < found(times, colours).quality


@pytest.mark.parametrize(
    ("times", "colours"),
    [
        skin(60.0, seconds=9.0),
        skin(60.0, fps=5.0),
        (skin(60.0)[0], np.zeros((300, 3))),
        (skin(60.0)[0], np.full((300, 3), np.nan)),
        (skin(60.0)[0], np.full((300, 3), 100.0)),
        (np.array([]), np.zeros((0, 3))),
    ],
    ids=["short", "slow", "dark", "unseen", "even", "nothing"],
)
def test_what_can_show_no_pulse_gives_none(times: NDArray[np.float64], colours: NDArray[np.float64]) -> None:
    assert pulse(times, colours) is None


def test_the_colour_of_cheeks_is_the_skins_wherever_the_face_is() -> None:
    mesh = open_mesh(Perception(), ModelStore(MODELS))
    frame = next(iter(clip(CALM, 60.0, 1.0, seed=0)))
    (face,) = mesh.find(frame)
    red, green, blue = cheeks(frame.image, face.landmarks)
    assert red > green > blue > 30
    assert np.isnan(cheeks(frame.image, face.landmarks + 10_000)).all()


def test_a_drawn_pulse_is_found_in_pictures_and_none_in_the_dark() -> None:
    mesh = open_mesh(Perception(), ModelStore(MODELS))
    seen = measure(mesh, replace(CALM, fps=7.5), seconds=12.0, hearts=(78.0,))
    assert seen.error_bpm is not None
    assert (seen.error_bpm <= 5.0, seen.close, seen.clips) == (True, 1, 1)
    dark = measure(mesh, replace(CALM, fps=7.5, light=0.0), seconds=12.0, hearts=(78.0,))
    assert (dark.error_bpm, dark.close, dark.quality) == (None, 0, None)


def test_no_part_of_the_running_box_knows_it() -> None:
    rooms = Path(edge.__file__).parent
    knowing = {
        path.relative_to(rooms).parts[0]
        for path in rooms.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edge.experimental")
    }
    assert knowing == {"benchmarks"}
