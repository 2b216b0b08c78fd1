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
  affect-quantize train face_emotion --data fer2013plus
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize evaluate engagement --data daisee_landmarks --html engagement.html
  affect-quantize robustness --data data --report robustness.md
  affect-quantize reproduce --data data

`affect-quantize COMMAND --help` tells more of each. --data is the data set's own folder in its official layout;
`affect-quantize datasets` lists those that are known.
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
