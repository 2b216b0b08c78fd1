"""The settings choose the source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from edge.capture import SourceLostError
from edge.capture.sources import open_camera, open_microphone
from edge.clock import ManualClock
from edge.config import CameraSettings, MicrophoneSettings


def test_every_source_is_turned_upright(tmp_path: Path) -> None:
    picture = np.zeros((24, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (32, 24))
    writer.write(picture)
    writer.release()
    for settings in (
        CameraSettings(source="images", path=tmp_path, rotation=90),
        CameraSettings(source="file", path=tmp_path / "a.avi", rotation=90),
        CameraSettings(source="drawn", width=320, height=240, learners=1, rotation=90),
    ):
        camera = open_camera(settings, ManualClock())
        frame = camera.read()
        assert frame is not None
        assert frame.image.shape[0] > frame.image.shape[1]
        camera.close()


def test_a_sound_file_is_a_microphone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(1600, 0.5), 16_000, subtype="FLOAT")
    microphone = open_microphone(MicrophoneSettings(source="file", path=tmp_path / "a.wav"), ManualClock())
    chunk = microphone.read()
    assert chunk is not None
    assert (chunk.samples == 0.5).all()


def test_an_absent_camera_is_lost_not_wrong() -> None:
    with pytest.raises(SourceLostError, match="/dev/video99"):
        open_camera(CameraSettings(device="/dev/video99"), ManualClock())


def test_no_source_is_loaded_before_it_is_chosen() -> None:
    program = (
        "import sys, edge.capture.sources; print(*sorted({'soundfile', 'pyaudio', 'picamera2'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
