"""The command ``reproduce``."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import UserError
from quantize.branches import BRANCHES
from quantize.branches.base import Branch
from quantize.commands import options
from quantize.commands.training import resumable

EXAMPLES = """\
examples:
  affect-quantize reproduce --data data
  affect-quantize reproduce speech_emotion engagement --data data
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "make all that ships again, from data to certificate, and print the difference"
    more = (
        " Ends with 1 where something else came out. Speed is not reproduced: `benchmark` measures "
        "it. The same command goes on where it was stopped."
    )
    command = options.sub_parser(commands, "reproduce", summary, more, EXAMPLES)
    command.set_defaults(command=_reproduce)
    command.add_argument("branches", nargs="*", metavar="BRANCH", help="only these (default: all)")
    command.add_argument("--data", type=Path, metavar="ROOT", help="holds fer2013plus/, ravdess/ and daisee_landmarks/")
    for branch in sorted(BRANCHES):
        option = f"--{branch.removesuffix('_emotion')}"
        command.add_argument(option, type=Path, dest=branch, metavar="DIR", help=f"{branch}'s data set elsewhere")
    command.add_argument(
        "--epochs",
        type=options.positive,
        metavar="N",
        help="for a trial: just N for each network, instead of the recipes'",
    )
    command.add_argument(
        "--into",
        type=Path,
        default=Path("runs/reproduced"),
        metavar="DIR",
        help="fresh, or left by the same command (runs/reproduced)",
    )
    options.models_option(command)
    options.cache_option(command)


def _reproduce(arguments: argparse.Namespace) -> int:
    from quantize.reproduce import reproduce

    data = _data(arguments)
    verdicts = []
    with resumable(arguments.into):
        for comparison in reproduce(data, arguments.models, arguments.into, arguments.epochs):
            print(comparison, end="\n\n", flush=True)
            verdicts.append(comparison.verdict)
    print(f"written to {arguments.into}")
    return int("different" in verdicts)


def _data(arguments: argparse.Namespace) -> dict[Branch, Path]:
    """Where the data set of each branch asked for is. Raises UserError where a branch or its folder is not known."""
    from quantize.reproduce import FOLDERS

    data: dict[Branch, Path] = {}
    for name in dict.fromkeys(arguments.branches or sorted(BRANCHES)):
        if name not in BRANCHES:
            raise UserError(f"{name}: no such branch; there are {', '.join(sorted(BRANCHES))}")
        folder = getattr(arguments, name) or (arguments.data and arguments.data / FOLDERS[name])
        if folder is None:
            raise UserError(f"{name}: where is its data set? --data ROOT or --{name.removesuffix('_emotion')} DIR")
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; the data set of {name}")
        data[BRANCHES[name]] = folder
    return data
