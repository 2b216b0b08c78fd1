"""What ``affect-edge run`` loads into a small device's memory, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "aiohttp",
    "amqtt",
    "jax",
    "keras",
    "matplotlib",
    "mediapipe",
    "pandas",
    "quantize",
    "rich",
    "scipy",
    "skimage",
    "sklearn",
    "tensorflow",
    "torch",
}

PROGRAM = """
import json, sys, threading
from pathlib import Path
from edge import cli, config, daemon
from edge.appliance import Appliance

appliance = Appliance(config.load(Path(sys.argv[1])))
threading.Timer(2.0, appliance.stop).start()
appliance.run()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every module in memory after a box has run for a while on drawn learners and a sound file."""
    from edge.demo.lesson import SOUND

    config = tmp_path_factory.mktemp("imports") / "config.toml"
    config.write_text(
        '[deployment]\npurpose = "research"\njurisdiction = "US"\nconsent = "signed forms"\n'
        '[camera]\nsource = "drawn"\nwidth = 640\nheight = 360\n'
        f'[microphone]\nsource = "file"\npath = {json.dumps(str(SOUND))}\n'
        "[broker]\nport = 9\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(config)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_running_box_loads_nothing_heavy(loaded: set[str]) -> None:
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_the_running_box_loads_only_the_kind_of_source_it_has(loaded: set[str]) -> None:
    assert {"edge.capture.drawn", "edge.capture.sound_file"} <= loaded
    others = {"opencv", "picamera", "pyaudio_microphone", "video_file", "image_folder"}
    assert not loaded & {f"edge.capture.{name}" for name in others}
    assert not loaded & {"pyaudio", "picamera2", "systemd", "edge.benchmarks", "edge.doctor"}
    assert not [name for name in loaded if name.startswith(("edge.demo", "edge.broker", "edge.experimental"))]


def test_only_the_configured_runtime_is_loaded(loaded: set[str]) -> None:
    assert "ai_edge_litert.interpreter" in loaded
    assert "tflite_runtime" not in loaded
