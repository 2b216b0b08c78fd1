"""The overlay of the papers, drawn: faces in boxes with their valence, and below the picture the room's state.

Blue stands for positive and orange for negative, which the colour-blind tell apart, and every colour has its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.pipeline import Sighting
from edge.signals import ENGAGEMENT_STATES, Abstention, Affect, Face, Uint8Image

Bgr = tuple[int, int, int]

POSITIVE: Bgr = (233, 180, 86)
NEGATIVE: Bgr = (0, 159, 230)
UNKNOWN: Bgr = (190, 190, 190)
"""Sky blue, orange (Okabe and Ito) and grey: light, as they are lines on pictures and on the dark panel."""
INK: Bgr = (240, 240, 240)
SOFT: Bgr = (176, 176, 176)
DARK: Bgr = (28, 24, 22)
TRACK: Bgr = (74, 68, 64)

FONT = cv2.FONT_HERSHEY_DUPLEX
PANEL = 0.125
"""Height of the panel as a share of the width of the picture, so that its words fit any shape."""
FADED = 0.6
"""A reading that is less reliable than this is drawn grey: nobody should read much into it."""

STATES = {"boredom": "bored", "confusion": "confused", "engagement": "engaged", "frustration": "frustrated"}


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is drawn: the faces of the last look, and the room's last state (None before the first)."""

    sightings: Sequence[Sighting] = ()
    affect: Affect | None = None


def draw(image: Uint8Image, known: Known) -> Uint8Image:
    """``image``, uint8 (height, width, 3) BGR, with what is ``known``: a new picture, as wide and higher by a panel.

    Its height and width are even, as video encoders want them: an odd picture is widened by its edge.
    """
    height, width = image.shape[:2]
    panel = round(PANEL * width) + (height + round(PANEL * width)) % 2
    picture: Uint8Image = cv2.copyMakeBorder(image, 0, panel, 0, width % 2, cv2.BORDER_REPLICATE)
    scale = picture.shape[1] / 1280
    for sighting in known.sightings:
        _draw_face(picture[:height], sighting, scale)
    picture[height:] = DARK
    _draw_state(picture[height:], known.affect)
    return picture


def _draw_face(picture: Uint8Image, sighting: Sighting, scale: float) -> None:
    """A thin box and the valence on a dark label above it, or inside where there is no room above."""
    left, top, right, bottom = _box(sighting.face, picture.shape[1], picture.shape[0])
    emotion = sighting.emotion
    colour, words = UNKNOWN, "?"
    if emotion is not None and emotion.positive is not None:
        valence = round(2 * emotion.positive - 1, 2) + 0.0  # never "-0.00"
        words = f"{valence:+.2f}"
        if emotion.reliability >= FADED:
            colour = POSITIVE if valence >= 0 else NEGATIVE
    thin = max(1, round(1.5 * scale))
    cv2.rectangle(picture, (left, top), (right, bottom), DARK, thin + 2)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, thin)
    size = max(0.4, 0.55 * scale)
    (text_width, text_height), below = cv2.getTextSize(words, FONT, size, 1)
    margin = max(2, round(4 * scale))
    label = text_height + below + margin
    label_top = top - label if top >= label else top
    corner = (left + text_width + 2 * margin, label_top + label)
    cv2.rectangle(picture, (left, label_top), corner, DARK, cv2.FILLED)
    _write(picture, words, (left + margin, label_top + margin // 2 + text_height), size, colour)


def _box(face: Face, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the mesh in the picture, with a little margin."""
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    margin = 0.06 * (high - low)
    corners = np.clip((low - margin, high + margin), 0, (width - 1, height - 1))
    (left, top), (right, bottom) = corners.astype(int).tolist()
    return left, top, right, bottom


def _draw_state(panel: Uint8Image, affect: Affect | None) -> None:
    """A line in words, and below it a bar for each number."""
    height, width = panel.shape[:2]
    margin = round(0.016 * width)
    large, baseline = height / 170, round(0.36 * height)
    small = 0.58 * large
    words, colour = _in_words(affect)
    _write(panel, words, (margin, baseline), large, colour)
    details = _probabilities(affect)
    _write(panel, details, (width - margin - _length(details, small), baseline), small, SOFT)
    meters = _meters(affect)
    length = (width - margin) // len(meters) - margin
    for place, meter in enumerate(meters):
        _draw_meter(panel, meter, margin + place * (length + margin), length, small)


@dataclass(frozen=True, slots=True)
class _Meter:
    """A bar: its name, how full it is (None where unknown), and its colour."""

    name: str
    share: float | None
    colour: Bgr = SOFT


def _meters(affect: Affect | None) -> list[_Meter]:
    scored = affect if affect is not None and affect.abstain is None else None
    faces = None if scored is None or scored.valence is None else (1 + scored.valence) / 2
    satisfaction = scored.satisfaction if scored else None
    reliability = scored.reliability if scored else {}
    return [
        _Meter("faces", faces, _side(faces)),
        _Meter("satisfaction", satisfaction, _side(satisfaction)),
        _Meter("confidence", scored.confidence if scored else None),
        _Meter("trust: faces", reliability.get("face")),
        _Meter("trust: motion", reliability.get("engagement")),
        _Meter("trust: voice", reliability.get("speech")),
    ]


def _draw_meter(panel: Uint8Image, meter: _Meter, left: int, length: int, size: float) -> None:
    height = panel.shape[0]
    baseline, top, bottom = round(0.68 * height), round(0.76 * height), round(0.86 * height)
    number = "-" if meter.share is None else f"{meter.share:.2f}"
    _write(panel, meter.name, (left, baseline), size, SOFT)
    _write(panel, number, (left + length - _length(number, size), baseline), size, INK)
    cv2.rectangle(panel, (left, top), (left + length, bottom), TRACK, cv2.FILLED)
    if meter.share:
        end = left + max(1, round(meter.share * length))
        cv2.rectangle(panel, (left, top), (end, bottom), meter.colour, cv2.FILLED)


def _in_words(affect: Affect | None) -> tuple[str, Bgr]:
    if affect is None or affect.abstain is Abstention.STARTING:
        return "starting", SOFT
    if affect.abstain is not None:
        return f"no scores: {affect.abstain.value.replace('_', ' ')}", NEGATIVE
    if affect.engagement is None:
        return "engagement not known yet", INK
    return STATES[affect.engagement.label] if affect.engagement.label else "no state stands out", INK


def _probabilities(affect: Affect | None) -> str:
    if affect is None or affect.engagement is None:
        return ""
    return "   ".join(f"{STATES[state]} {getattr(affect.engagement, state):.2f}" for state in ENGAGEMENT_STATES)


def _side(share: float | None) -> Bgr:
    return POSITIVE if share is None or share >= 0.5 else NEGATIVE


def _length(words: str, size: float) -> int:
    (length, _), _ = cv2.getTextSize(words, FONT, size, 1)
    return int(length)


def _write(picture: Uint8Image, words: str, place: tuple[int, int], size: float, colour: Bgr) -> None:
    cv2.putText(picture, words, place, FONT, size, colour, max(1, round(1.4 * size)), cv2.LINE_AA)
