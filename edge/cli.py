"""The command ``affect-edge``: one function per sub-command, each thin over the room that does the work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from edge import __version__
from edge.analyse import command as analysing
from edge.config import CREDENTIALS, INSTALLED, MODELS, MOSQUITTO
from edge.dashboard import command as showing
from edge.errors import DeviceError, UserError
from edge.homeassistant import console as homeassistant
from edge.privacy import console
from edge.session.report import command as reporting
from edge.view import command as viewing
from edge.words import command as stating
from edge.words import explaining


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command and returns its exit code: 0 done, 1 a failure, 2 a user's mistake."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (UserError, DeviceError) as error:
        print(f"affect-edge {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of our output has gone (``affect-edge schema | head``): nothing is wrong
        sys.stderr.close()
        return 0


def _run(options: argparse.Namespace) -> int:
    from edge import daemon

    return daemon.run(options.config, options.log_level)


def _demo(options: argparse.Namespace) -> int:
    from edge.demo.show import show

    return show(camera=options.camera, microphone=options.microphone, speed=options.speed, plain=options.plain)


def _doctor(options: argparse.Namespace) -> int:
    from edge.doctor import examine, report

    return report(examine(options.config))


def _broker_config(options: argparse.Namespace) -> int:
    from edge import config
    from edge.broker.configure import configure
    from edge.broker.places import Places

    places = Places(options.out.resolve(), options.credentials.resolve())
    return configure(config.load(options.config), places, options.dry_run)


def _schema(options: argparse.Namespace) -> int:
    from edge.publish.schema import text

    print(text())
    return 0


def _prepare_card(options: argparse.Namespace) -> int:
    from edge.card.prepare import prepare

    return prepare(options)


def _benchmark(options: argparse.Namespace) -> int:
    if options.models is not None:
        from edge.benchmarks import models

        files = options.models or models.shipped(MODELS)
        return models.benchmark(files, options.threads, options.runs, options.seconds, options.json)
    if options.pulse:
        from edge.benchmarks import pulse

        return pulse.benchmark(options.seconds, options.json)
    from edge.benchmarks import loop

    return loop.benchmark(options.faces, options.seconds, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="affect-edge",
        description="Estimates a room's engagement and satisfaction on this device; only fused scores leave it.",
    )
    parser.add_argument("--version", action="version", version=f"affect-edge {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, examples: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=about,
            description=about,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        return sub

    run = command(
        "run",
        _run,
        "Run the appliance: camera and microphone in, scores out over MQTT, until stopped.",
        "  affect-edge run --config classroom.toml\n  affect-edge run --config classroom.toml --log-level debug",
    )
    run.add_argument("--config", type=Path, default=INSTALLED, help="the configuration (default: %(default)s)")
    run.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="default: %(default)s",
    )

    demo = command(
        "demo",
        _demo,
        "Show the appliance at work on a bundled lesson of drawn learners, as an MQTT subscriber sees it.",
        "  affect-edge demo\n"
        "  affect-edge demo --camera /dev/video0 --microphone default\n"
        "  affect-edge demo --camera lesson.mp4 --microphone lesson.wav",
    )
    demo.add_argument("--camera", metavar="DEVICE|FILE", help="a webcam (/dev/video0, 0) or a video file")
    demo.add_argument("--microphone", metavar="NAME|FILE", help='"default", part of a device\'s name, or a sound file')
    demo.add_argument("--speed", type=_speed, default=1.0, help="play recordings this many times as fast, 0.1 to 8")
    demo.add_argument("--plain", action="store_true", help="one line per message instead of a live screen")

    doctor = command(
        "doctor",
        _doctor,
        "Check this device: what is plugged in, which models load, whether the broker answers; with the cure.",
        "  affect-edge doctor --config classroom.toml\n  sudo affect-edge doctor",
    )
    doctor.add_argument("--config", type=Path, help=f"the configuration (default: {INSTALLED} where it exists)")

    console.add_arguments(
        command("privacy", console.act, "Grant or revoke consent, mute or unmute: at this box.", console.EXAMPLES)
    )

    broker = command(
        "broker-config",
        _broker_config,
        "Write the configuration of mosquitto, the broker on the box: passwords, rights, certificates, listeners.",
        "  affect-edge broker-config --config classroom.toml --out mosquitto --credentials secrets\n"
        "  sudo affect-edge broker-config && sudo systemctl restart mosquitto\n"
        "  sudo affect-edge broker-config --dry-run",
    )
    broker.add_argument("--config", type=Path, default=INSTALLED, help="the configuration (default: %(default)s)")
    broker.add_argument(
        "--out", type=Path, default=MOSQUITTO, metavar="DIR", help="mosquitto's folder (default: %(default)s)"
    )
    broker.add_argument(
        "--credentials",
        type=Path,
        default=CREDENTIALS,
        metavar="DIR",
        help="where passwords are kept, and made where there are none (default: %(default)s)",
    )
    broker.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")

    reporting.add_arguments(
        command(
            "report",
            reporting.act,
            "Write what a lesson was like: one page to read in two minutes, or tables for analysts.",
            reporting.EXAMPLES,
        )
    )

    homeassistant.add_arguments(
        command(
            "homeassistant",
            homeassistant.act,
            "Show how Home Assistant is told of this box, or take the box out of it.",
            homeassistant.EXAMPLES,
        )
    )

    analysing.add_arguments(
        command(
            "analyse",
            analysing.act,
            "Analyse recorded lessons faster than real time, several at once, into the same reports.",
            analysing.EXAMPLES,
        )
    )

    viewing.add_arguments(
        command(
            "view",
            viewing.act,
            "Show in a window what the loop sees: your own camera, or a recording. Never on an installed box.",
            viewing.EXAMPLES,
        )
    )

    showing.add_arguments(
        command("dashboard", showing.act, "Show the rooms of a broker in a browser, live.", showing.EXAMPLES)
    )

    stating.add_arguments(
        command("state", stating.act, "Say how a room is now, in a sentence or as JSON: for tutors.", stating.EXAMPLES)
    )

    explaining.add_arguments(
        command(
            "explain",
            explaining.act,
            "Say what a room's scores rest on now, what holds that back and what helps; or why there are none.",
            explaining.EXAMPLES,
        )
    )

    command(
        "schema",
        _schema,
        "Print the JSON Schema of every message the appliance publishes.",
        "  affect-edge schema\n  affect-edge schema > affectfusion.schema.json",
    )

    from edge.card import options as card

    card.add_options(
        command(
            "prepare-card",
            _prepare_card,
            "Put a box's answers and this release on a freshly written Raspberry Pi OS card; it then installs itself.",
            card.EXAMPLES,
        )
    )

    bench = command(
        "benchmark",
        _benchmark,
        "Measure the loop on drawn learners: stage times, CPU, memory, ratios taken in one run; or the models alone.",
        "  affect-edge benchmark\n"
        "  affect-edge benchmark --faces 1 8 --json loop.json\n"
        "  affect-edge benchmark --models --threads 1 2 4 --json models.json\n"
        "  affect-edge benchmark --models mine.tflite --runs 200\n"
        "  affect-edge benchmark --pulse",
    )
    bench.add_argument(
        "--faces",
        type=int,
        nargs="+",
        default=[1, 2, 4, 8, 16],
        choices=range(1, 17),
        metavar="N",
        help="1 to 16",
    )
    bench.add_argument(
        "--models",
        type=Path,
        nargs="*",
        metavar="FILE.tflite",
        help="measure model files instead of the loop, in every installed runtime (default: the installed models)",
    )
    bench.add_argument(
        "--pulse",
        action="store_true",
        help="measure the experimental pulse instead, on drawn faces with a known one; the box itself never takes one",
    )
    bench.add_argument(
        "--threads", type=_count, nargs="+", default=[1], metavar="N", help="with --models: threads (default: 1)"
    )
    bench.add_argument(
        "--runs", type=_count, default=1000, metavar="N", help="with --models: invocations measured (default: 1000)"
    )
    bench.add_argument(
        "--seconds",
        type=_seconds,
        default=20.0,
        help="of video for each number of faces; with --models, the most that one measurement takes (default: 20)",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    return parser


def _between(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


_speed = _between(0.1, 8.0)
_seconds = _between(2.0, 600.0)
