"""A real PortAudio on an ALSA device that plays a file. Real microphones are untested on hardware."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.capture.pyaudio_microphone import PyAudioMicrophone
from edge.clock import ManualClock
from edge.errors import UserError

needs_pyaudio = pytest.mark.skipif(
    importlib.util.find_spec("pyaudio") is None, reason="PyAudio is not installed (extra `microphone`)"
)

LISTEN = """
import json, sys
import numpy as np
from edge.capture import SourceLostError, pyaudio_microphone
from edge.clock import MonotonicClock
if sys.argv[2] == "native":
    pyaudio_microphone._offers = lambda *format: False
try:
    microphone = pyaudio_microphone.PyAudioMicrophone(sys.argv[1], MonotonicClock())
except SourceLostError as error:
    print(json.dumps({"lost": str(error)}))
    sys.exit()
chunks = [microphone.read() for _ in range(20)]
microphone.close()
microphone.close()
heard = np.concatenate([chunk.samples for chunk in chunks])
spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
print(json.dumps({
    "dtype": str(heard.dtype), "length": len(heard), "level": float(np.abs(heard).max()),
    "hertz": float(np.argmax(spectrum)) * 16000 / len(heard),
}))
"""


def listen(home: Path, device: str, rate: str = "any") -> tuple[dict[str, object], str]:
    """What a process with the sound cards of ``home``/.asoundrc hears, and what it writes to stderr.

    No ALSA plug-in without hardware refuses a rate, so ``rate`` = "native" refuses 16 kHz in its place.
    """
    answer = subprocess.run(
        [sys.executable, "-c", LISTEN, device, rate],
        env={**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(answer.stdout), answer.stderr


def install_card(home: Path, rate: int, channels: int) -> None:
    """A sound card called "classroom" that offers one format and plays a tone of 440 Hz."""
    sound = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(rate * 20) / rate)
    pcm = np.repeat((sound * 32767).astype("<i2")[:, None], channels, axis=1)
    (home / "tone.raw").write_bytes(pcm.tobytes())
    (home / ".asoundrc").write_text(
        f"""
        pcm.classroom {{
            type file
            format "raw"
            file "/dev/null"
            infile "{home}/tone.raw"
            slave.pcm "null"
        }}
        """
    )


@needs_pyaudio
@pytest.mark.system
def test_a_microphone_is_found_by_part_of_its_name_and_heard_at_16_khz(tmp_path: Path) -> None:
    install_card(tmp_path, 16_000, 1)
    heard, chatter = listen(tmp_path, "Class")
    assert heard["dtype"] == "float32"
    assert heard["length"] == 2 * 16_000
    assert heard["hertz"] == pytest.approx(440.0, abs=1.0)
    assert heard["level"] == pytest.approx(0.5, abs=0.02)
    assert chatter == ""


@needs_pyaudio
@pytest.mark.system
def test_a_microphone_that_does_not_offer_16_khz_is_mixed_down_and_resampled(tmp_path: Path) -> None:
    install_card(tmp_path, 44_100, 2)
    heard, _ = listen(tmp_path, "classroom", rate="native")
    assert heard["length"] == pytest.approx(2 * 16_000, abs=200)
    assert heard["hertz"] == pytest.approx(440.0, abs=1.0)
    assert heard["level"] == pytest.approx(0.5, abs=0.02)


@needs_pyaudio
@pytest.mark.system
def test_an_empty_name_opens_a_microphone(tmp_path: Path) -> None:
    install_card(tmp_path, 16_000, 1)
    heard, _ = listen(tmp_path, "")
    assert heard["hertz"] == pytest.approx(440.0, abs=1.0)


@needs_pyaudio
@pytest.mark.system
def test_a_box_without_a_sound_card_says_so(tmp_path: Path) -> None:
    answer, chatter = listen(tmp_path, "")
    assert "no microphone found" in str(answer["lost"])
    assert chatter == ""


@needs_pyaudio
@pytest.mark.system
def test_an_absent_microphone_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    install_card(tmp_path, 16_000, 1)
    answer, chatter = listen(tmp_path, "Jabra")
    assert "'Jabra'" in str(answer["lost"])
    assert "'classroom'" in str(answer["lost"])
    assert chatter == ""


def test_without_pyaudio_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(UserError, match="portaudio19-dev"):
        PyAudioMicrophone("", ManualClock())
