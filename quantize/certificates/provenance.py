"""Where a model comes from: data sets with their terms, and the versions that made it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("numpy", "tensorflow-cpu", "tensorflow", "scikit-learn", "ai-edge-litert", "tflite-runtime"),
    *("opencv-python-headless", "opencv-python", "opencv-contrib-python", "mediapipe", "webrtcvad-wheels", "soxr"),
)


def versions() -> dict[str, str]:
    """The versions of Python and of every package that has a say in the result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
