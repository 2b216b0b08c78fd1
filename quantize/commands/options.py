"""What the sub-commands share: their parsers, options and types of numbers, and the checks before the work."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from edge.errors import UserError
from quantize.branches import BRANCHES
from quantize.branches.base import Branch
from quantize.conversion.capped import Caps
from quantize.datasets import ALL, FoldChoice

MODELS = Path("models_tflite")
RUNS = Path("runs")

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where a sub-command adds its parser."""


def sub_parser(
    commands: Commands, name: str, summary: str, more: str = "", examples: str = ""
) -> argparse.ArgumentParser:
    """A sub-command with its line in the list, its description (the summary and ``more``) and its examples."""
    return commands.add_parser(
        name,
        help=summary,
        # str.capitalize would make names small
        description=f"{summary[0].upper()}{summary[1:]}.{more}",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def branch_parser(
    commands: Commands,
    name: str,
    action: Callable[[Branch, argparse.Namespace], int],
    summary: str,
    examples: str,
    data: bool = True,
) -> argparse.ArgumentParser:
    """A sub-command on one branch, which ``action`` is given; ``data``: it needs the branch's data set."""
    command = sub_parser(commands, name, summary, examples=examples)
    command.set_defaults(command=lambda arguments: action(BRANCHES[arguments.branch], arguments))
    command.add_argument("branch", choices=sorted(BRANCHES), metavar="BRANCH", help=", ".join(sorted(BRANCHES)))
    if data:
        data_option(command)
    cache_option(command)
    return command


def data_option(command: argparse.ArgumentParser) -> None:
    """Adds --data, without which the command does not run."""
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set's own folder")


def cache_option(command: argparse.ArgumentParser) -> None:
    """Adds --cache, which ``main`` sets."""
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="extracted crops, landmarks and voices (default: ~/.cache/affectfusion)",
    )


def models_option(command: argparse.ArgumentParser) -> None:
    """Adds --models."""
    command.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help=f"models (default: {MODELS})")


def run_option(command: argparse.ArgumentParser) -> None:
    """Adds --run, for ``run_folder``."""
    command.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH)")


def fold_option(command: argparse._ActionsContainer, meaning: str) -> None:
    """Adds --fold."""
    command.add_argument("--fold", type=fold, metavar="N|all", help=f"{meaning}; the first is 0")


def caps_options(command: argparse.ArgumentParser) -> None:
    """Adds --gib and --minutes, for ``caps``."""
    usual = Caps()
    command.add_argument(
        "--gib", type=positive, default=usual.gib, help=f"memory a conversion may take (default: {usual.gib:g})"
    )
    command.add_argument(
        "--minutes", type=positive, default=usual.seconds / 60, help=f"and its time (default: {usual.seconds / 60:g})"
    )


# argparse puts the names of these types into its messages
def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def even(text: str) -> int:
    """An even number from 2."""
    number = positive(text)
    if number % 2:
        raise argparse.ArgumentTypeError("must be even")
    return number


def percent(text: str) -> int:
    """A whole number from 1 to 100."""
    number = positive(text)
    if number > 100:
        raise argparse.ArgumentTypeError("must be at most 100")
    return number


def fold(text: str) -> FoldChoice:
    """The number of a fold, or all of them; which there are is the data set's to say."""
    if text == ALL:
        return ALL
    if not text.lstrip("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor {ALL!r}")
    return int(text)


def data_folder(arguments: argparse.Namespace, option: str = "data") -> Path:
    """The folder that --data, or another ``option``, names. Raises UserError where there is none."""
    folder: Path = getattr(arguments, option)
    if not folder.is_dir():
        raise UserError(f"--{option} {folder}: no such folder")
    return folder


def run_folder(branch: Branch, arguments: argparse.Namespace) -> Path:
    """--run, or the branch's own folder of ``RUNS``."""
    return arguments.run or RUNS / branch.name


def caps(arguments: argparse.Namespace) -> Caps:
    """What a conversion may take."""
    return Caps(arguments.gib, arguments.minutes * 60)


def check_outputs(*files: Path | None) -> None:
    """Finds out before the work what could not be written after it; None is not to be written. Raises UserError."""
    from quantize.files import check_writable

    for file in filter(None, files):
        check_writable(file)


def check_figures(arguments: argparse.Namespace, *others: Path | None) -> None:
    """``check_outputs`` of --json, ``others`` and --chart, which must be a picture."""
    from quantize import chart

    if arguments.chart:
        chart.check(arguments.chart)
    check_outputs(arguments.json, *others, arguments.chart)


def check_report(arguments: argparse.Namespace) -> None:
    """``check_outputs`` of --json and --html, which cannot be one file."""
    check_outputs(arguments.json, arguments.html)
    if arguments.json and arguments.json == arguments.html:
        raise UserError(f"--json and --html: both name {arguments.json}")
