"""Makes the lesson's film and sound: ``python -m edge.demo.lesson --out DIR``. Takes some minutes."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import soundfile

from edge.demo.lesson import ASSETS, SOUND, VIDEO, film, sound
from edge.errors import DeviceError
from edge.signals import SAMPLE_RATE, Uint8Image


def main() -> int:
    """Makes both files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m edge.demo.lesson", description="Draws and speaks the lesson.")
    parser.add_argument("--out", type=Path, default=ASSETS, metavar="DIR", help="where to write both files")
    folder: Path = parser.parse_args().out
    try:
        ffmpeg, espeak = _program("ffmpeg"), _program("espeak-ng")
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / SOUND.name, sound.samples(espeak), SAMPLE_RATE, subtype="PCM_16")
        _encode(ffmpeg, film.frames(), folder / VIDEO.name)
    except (DeviceError, OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"lesson: {error}", file=sys.stderr)
        return 1
    return 0


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise DeviceError(f"{name} is not installed; on Debian: apt install {name}")
    return path


def _encode(ffmpeg: str, frames: Iterable[Uint8Image], path: Path) -> None:
    """Writes ``frames`` as H.264, the same bytes for the same frames and encoder."""
    options = (
        f"-loglevel error -y -f rawvideo -pix_fmt bgr24 -s {film.WIDTH}x{film.HEIGHT} -r {film.FPS} -i - "
        "-c:v libx264 -preset slow -crf 26 -pix_fmt yuv420p -threads 1 -fflags +bitexact -movflags +faststart"
    )
    command = [ffmpeg, *options.split(), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for frame in frames:
            encoder.stdin.write(frame.tobytes())
        encoder.stdin.close()
    if encoder.returncode:
        raise subprocess.CalledProcessError(encoder.returncode, command)


if __name__ == "__main__":
    sys.exit(main())
