"""The command ``evaluate``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from edge.errors import UserError
from quantize.branches.base import Branch
from quantize.branches.face_emotion import FaceEmotion
from quantize.commands import options
from quantize.commands.judging import judge, shipped
from quantize.datasets import FoldChoice

EXAMPLES = """\
examples:
  affect-quantize evaluate engagement --data daisee_landmarks --json engagement.json --html engagement.html
  affect-quantize evaluate face_emotion --data my_pictures --quick
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    command = options.branch_parser(
        commands, "evaluate", _evaluate, "judge a shipped branch on unseen data", examples=EXAMPLES
    )
    options.models_option(command)
    command.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    command.add_argument("--html", type=Path, metavar="FILE", help="write it as a page with plots")
    command.add_argument("--quick", action="store_true", help="leave out the worse conditions")
    asked = command.add_mutually_exclusive_group()
    asked.add_argument("--seen", action="store_true", help="judge also what was trained on: the figures flatter")
    options.fold_option(asked, "the official fold of DFEW to judge on, if the model was not trained on another")


def _evaluate(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.evaluation import report, tables
    from quantize.files import write_bytes, write_json

    options.check_report(arguments)
    if arguments.fold is not None:
        branch = _of_fold(branch, arguments.fold)
    figures = judge(branch, arguments, shipped(branch, arguments), arguments.quick, arguments.seen)
    if arguments.json:
        write_json(arguments.json, figures)
    if arguments.html:
        write_bytes(arguments.html, report.page(figures).encode())
    print(tables.whole(figures))
    return 0


def _of_fold(branch: Branch, fold: FoldChoice) -> Branch:
    """The branch as it judges on one official fold, or on all. Raises UserError where no data set of its has folds."""
    if not isinstance(branch, FaceEmotion):
        raise UserError(f"--fold {fold}: no data set of {branch.name} has official folds")
    return dataclasses.replace(branch, fold=fold)
