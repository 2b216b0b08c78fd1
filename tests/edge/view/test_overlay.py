"""The overlay as a picture: where it draws, what it leaves alone, and that it can be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pipeline import Sighting
from edge.signals import Abstention, Affect, Engagement, Face, Reading, Uint8Image
from edge.view.overlay import DARK, NEGATIVE, POSITIVE, UNKNOWN, Known, draw

GREY = 120
SCORED = Affect(4.0, 3.0, 6, {"face": 0.8, "speech": 0.6}, Engagement(0.1, 0.2, 0.6, 0.1, "engagement"), 0.8, 0.7, 0.6)


def room(width: int = 640, height: int = 360) -> Uint8Image:
    return np.full((height, width, 3), GREY, np.uint8)


def sighting(positive: float | None, reliability: float = 0.8, x: float = 200.0, y: float = 150.0) -> Sighting:
    """A face of about 100 pixels around (x, y)."""
    corner = np.linspace(-50, 50, 468, dtype=np.float32)
    landmarks = np.stack([x + corner, y + corner[::-1], corner], axis=1).astype(np.float32)
    reading = None if positive is None else Reading("face", {}, positive, reliability, 0.0, 0.0, 0)
    return Sighting(Face(landmarks, 1.0, 0, 0.0), reading)


def contains(picture: Uint8Image, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance of a BGR colour, as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.0722 * linear[0] + 0.7152 * linear[1] + 0.2126 * linear[2]


def test_the_picture_given_is_left_alone() -> None:
    image = room()
    draw(image, Known([sighting(0.9)], SCORED))
    assert (image == GREY).all()


def test_the_same_is_drawn_the_same() -> None:
    known = Known([sighting(0.9)], SCORED)
    assert (draw(room(), known) == draw(room(), known)).all()


@pytest.mark.parametrize(
    ("positive", "reliability", "colour"),
    [(0.9, 0.8, POSITIVE), (0.1, 0.8, NEGATIVE), (0.9, 0.1, UNKNOWN), (None, 0.8, UNKNOWN)],
    ids=["positive", "negative", "hardly to be trusted", "not read yet"],
)
def test_a_box_has_the_colour_of_what_it_says(
    positive: float | None, reliability: float, colour: tuple[int, int, int]
) -> None:
    picture = draw(room(), Known([sighting(positive, reliability)]))[:360]
    drawn = {one for one in (POSITIVE, NEGATIVE, UNKNOWN) if contains(picture, one)}
    assert drawn == {colour}


def test_only_the_face_is_boxed_and_the_rest_of_the_picture_stays() -> None:
    picture = draw(room(), Known([sighting(0.9)], SCORED))[:360]
    ys, xs = np.nonzero((picture != GREY).any(axis=2))
    assert (xs.min(), xs.max()) == pytest.approx((144, 256), abs=6)
    assert ys.max() == pytest.approx(206, abs=6)
    assert (picture[110:190, 160:240] == GREY).all()


def test_a_face_at_the_upper_edge_keeps_its_label() -> None:
    picture = draw(room(), Known([sighting(0.9, y=40.0)]))
    assert contains(picture[:40, 140:260], DARK)


def test_words_stand_out_from_what_is_behind_them() -> None:
    """WCAG 2.2 AA asks for 4.5."""
    for colour in (POSITIVE, NEGATIVE, UNKNOWN):
        assert (luminance(colour) + 0.05) / (luminance(DARK) + 0.05) > 4.5


def panel(affect: Affect | None) -> Uint8Image:
    return draw(room(), Known((), affect))[360:]


def test_the_panel_tells_states_apart() -> None:
    abstained = Affect(4.0, 3.0, 2, {}, abstain=Abstention.TOO_FEW_FACES)
    starting = Affect(4.0, 3.0, 0, {}, abstain=Abstention.STARTING)
    pictures = [panel(affect) for affect in (None, SCORED, abstained)]
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert (panel(starting) == panel(None)).all()


def test_a_state_without_scores_shows_no_bar() -> None:
    bars = panel(Affect(4.0, 3.0, 2, {}, abstain=Abstention.TOO_FEW_FACES))
    assert not contains(bars[bars.shape[0] // 2 :], POSITIVE)
    assert contains(panel(SCORED)[40:], POSITIVE)


@given(
    st.integers(16, 700),
    st.integers(16, 700),
    st.floats(-300, 900, width=32),
    st.floats(-300, 900, width=32),
    st.floats(0, 1),
)
def test_any_picture_and_any_face_can_be_drawn(width: int, height: int, x: float, y: float, positive: float) -> None:
    picture = draw(room(width, height), Known([sighting(positive, x=x, y=y)], SCORED))
    assert picture.dtype == np.uint8
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    assert picture.shape[0] > height
