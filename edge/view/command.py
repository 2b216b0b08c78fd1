"""The command ``affect-edge view``."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from edge import config
from edge.config import CameraSettings, Deployment, MicrophoneSettings, Settings
from edge.errors import UserError
from edge.privacy.gate import Gate
from edge.state import StateFolder

EXAMPLES = """\
  affect-edge view
  affect-edge view --camera /dev/video2 --microphone default
  affect-edge view --demo
  affect-edge view lesson.mp4 --config classroom.toml
  affect-edge view lesson.mp4 --config classroom.toml --annotated copy.mp4

Without VIDEO it shows your own camera, to you. For a recording [deployment] in the configuration must
declare purpose, jurisdiction and consent, as for the box. Nothing is sent, and nothing kept but the copy
you ask for, which shows guesses about each face: keep it as you would the recording. Close the window, or
press q, to end. It does not run on an installed box, which shows nobody's face to anybody."""

OWN = Deployment("demonstration", "none", "the person who looks at their own camera", mode="self", minimum_group=1)
DRAWN = Deployment("demonstration", "none", "nobody is shown or heard")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("recording", nargs="?", type=Path, metavar="VIDEO", help="a video, or a folder of pictures")
    shown.add_argument("--camera", metavar="DEVICE", help="a camera: /dev/video0, or its number (default: 0)")
    shown.add_argument("--demo", action="store_true", help="the bundled lesson of drawn learners")
    parser.add_argument("--microphone", metavar="NAME", help='with a camera: "default", or part of a device\'s name')
    parser.add_argument("--no-sound", action="store_true", help="with VIDEO: look only, without listening")
    parser.add_argument(
        "--annotated", type=Path, metavar="COPY.mp4", help="with VIDEO: write what the window would show, and open none"
    )
    parser.add_argument(
        "--config", type=Path, default=config.INSTALLED, help="with VIDEO: the configuration (default: %(default)s)"
    )


def act(options: argparse.Namespace) -> int:
    """Shows what was asked for until the window is closed, or writes the copy. Raises UserError and DeviceError."""
    # the folder, as not everybody may look into it
    if config.INSTALLED.parent.exists():
        raise UserError("this is an installed box, which shows nobody's face to anybody; look on a laptop instead")
    recorded = options.demo or options.recording is not None
    if options.annotated is not None and not recorded:
        raise UserError("--annotated: what a camera sees is not recorded; name a VIDEO")
    if options.microphone is not None and recorded:
        raise UserError("--microphone goes with a camera; a recording has its own sound")
    settings = _settings(options)
    gate = Gate(settings.deployment, StateFolder(settings.storage.folder))
    if gate.closed is not None:
        raise UserError(f"{options.config}: {gate.explanation}")
    if options.annotated is not None:
        _annotate(settings, gate, options.annotated)
    else:
        _show(settings, gate)
    return 0


# The loop, its models and the window are loaded where they are used, not by every command.


def _show(settings: Settings, gate: Gate) -> None:
    from edge.view.live import Viewer
    from edge.view.window import Window

    with Window("affect-edge view") as window:
        Viewer(settings, gate, window).run()


def _annotate(settings: Settings, gate: Gate, copy: Path) -> None:
    from rich.console import Console

    from edge.view.annotated import Annotator

    console = Console(stderr=True, highlight=False)
    annotator = Annotator(settings, gate)
    if not console.is_terminal:
        annotator.write(copy, lambda _: None)
    else:
        with console.status("annotating") as status:
            annotator.write(copy, lambda seconds: status.update(f"annotating: {seconds:.0f} s"))
    print(copy)


def _settings(options: argparse.Namespace) -> Settings:
    from edge.capture.recordings import sources

    if options.recording is not None:
        settings = config.load(options.config)
        camera, microphone = sources(options.recording, settings.camera.fps, with_sound=not options.no_sound)
        return msgspec.structs.replace(settings, camera=camera, microphone=microphone)
    if options.demo:
        from edge.demo.lesson import SOUND, VIDEO

        return Settings(
            deployment=DRAWN,
            camera=CameraSettings(source="file", path=VIDEO),
            microphone=MicrophoneSettings(source="file", path=SOUND),
        )
    name = options.microphone
    return Settings(
        deployment=OWN,
        camera=CameraSettings(source="v4l2", device=options.camera or "0"),
        microphone=MicrophoneSettings(source="none")
        if name is None
        else MicrophoneSettings(source="pyaudio", device="" if name == "default" else name),
    )
