from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.features.face_crop import FaceCrop
from edge.signals import Limit
from quantize.augment.motion import rotations
from quantize.evaluation.conditions import FURTHER_PICTURES, PICTURES
from quantize.evaluation.qualities import picture_qualities, track_qualities


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    """An oval with eyes, brows, nose and mouth where FaceCrop would put them, on grain."""
    side, template = 384, FaceCrop()
    face = np.full((side, side), 90, np.uint8)
    cv2.ellipse(face, (192, 200), (140, 185), 0, 0, 360, 180, -1)
    for sign in (-1, 1):
        eye = (int(side * (0.5 + sign * template.eye_distance / 2)), int(side * template.eye_y))
        cv2.ellipse(face, eye, (30, 14), 0, 0, 360, 235, -1)
        cv2.circle(face, eye, 12, 30, -1)
        cv2.ellipse(face, (eye[0], eye[1] - 34), (38, 8), 0, 0, 360, 60, -1)
    cv2.ellipse(face, (192, 225), (20, 34), 0, 0, 180, 140, -1)
    cv2.ellipse(face, (192, int(side * template.mouth_y)), (60, 18), 0, 0, 360, 90, -1)
    grain = np.random.default_rng(0).normal(0, 12, face.shape)
    small = cv2.resize(np.clip(face + grain, 0, 255).astype(np.uint8), (48, 48), interpolation=cv2.INTER_AREA)
    return np.asarray(small)


def test_a_crop_has_every_quality_that_a_face_has(crop: np.ndarray) -> None:
    found = picture_qualities(crop)
    assert set(found) == {"light", "contrast", "sharpness", "size", "pose", "fit", "compression"}
    assert set(found) <= {limit.value for limit in Limit}
    assert all(0.0 <= value <= 1.0 for value in found.values())


@pytest.mark.parametrize(
    ("condition", "quality"),
    [("blur", "sharpness"), ("dark", "light"), ("resolution_4", "size"), ("jpeg_10", "compression")],
)
def test_what_a_condition_spoils_its_quality_tells(crop: np.ndarray, condition: str, quality: str) -> None:
    spoil = next(one for one in PICTURES + FURTHER_PICTURES if one.name == condition)
    assert picture_qualities(spoil(crop, 0), spoil.scale)[quality] < picture_qualities(crop)[quality] - 0.2


def test_a_track_is_judged_by_how_its_head_is_held_now() -> None:
    head = np.random.default_rng(1).normal(0, 10, (468, 3)).astype(np.float32)
    head[[33, 263, 10, 152]] = [[-20, -10, 0], [20, -10, 0], [0, -35, 0], [0, 35, 5]]
    turned = head @ rotations(np.radians([0.0, 50.0, 0.0])).T
    found = track_qualities([np.stack([turned, head]), np.stack([head, turned])], seen=0.8)
    assert found["coverage"].tolist() == [0.8, 0.8]
    assert found["pose"][1] < 0.5 < found["pose"][0] == 1.0
