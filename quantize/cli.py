"""The command ``affect-quantize``: train, convert and evaluate the branches on a workstation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edge.errors import UserError
from quantize.commands import (
    benchmark,
    certify,
    convert,
    convert_keras,
    curve,
    datasets,
    evaluate,
    explain,
    reliability,
    reproduce,
    robustness,
    train,
    train_fusion,
)
from quantize.extraction import CACHE

EXAMPLES = """\
examples:
  affect-quantize datasets --data ravdess
  affect-quantize train speech_emotion --data ravdess
  affect-quantize train speech_emotion --data ravdess --fold 0 --run runs/speech_emotion-0
  affect-quantize train speech_emotion --data ravdess --recipe random-split --run runs/speech_emotion-random
  affect-quantize train face_emotion --data DFEW --recipe affectfusion-2025 --fold all
  affect-quantize train engagement --data daisee_landmarks --epochs 2 --run runs/try
  affect-quantize curve engagement --data daisee_landmarks --chart engagement.svg
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize evaluate engagement --data daisee_landmarks --json engagement.json --html engagement.html
  affect-quantize evaluate face_emotion --data my_pictures --quick
  affect-quantize certify face_emotion --data fer2013plus
  affect-quantize certify face_emotion --benchmark benchmark.json
  affect-quantize explain engagement --data daisee_landmarks --html states.html
  affect-quantize reproduce speech_emotion engagement --data data

--data is the data set's own folder in its official layout; `affect-quantize datasets` lists those that are known.
"""

COMMANDS = (
    train,
    curve,
    convert,
    reliability,
    convert_keras,
    benchmark,
    evaluate,
    datasets,
    certify,
    train_fusion,
    robustness,
    explain,
    reproduce,
)
"""In the order of ``--help``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr that says what is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        if cache := getattr(arguments, "cache", None):
            CACHE.set(cache)
        return int(arguments.command(arguments))
    except UserError as error:
        print(f"affect-quantize: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="affect-quantize",
        description="Train the branches, turn them into int8 TFLite, and read what that cost.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    for made in commands.choices.values():
        if made.epilog is None:  # it has no examples of its own
            made.epilog = EXAMPLES
    return parser


if __name__ == "__main__":
    sys.exit(main())
