"""Data sets in miniature, in their official layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock


def drawn(learners: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """A photograph of drawn learners, whom the face mesh finds: uint8 (height, width, 3)."""
    return DrawnCamera(learners, width, height, 7.5, ManualClock(), seed=seed).read().image


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def picture(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def table(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def video(path: Path, frames: Sequence[np.ndarray], fps: float = 30.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
