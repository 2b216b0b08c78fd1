"""The command ``curve``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.branches.base import Branch
from quantize.commands import options
from quantize.commands.training import chosen_recipe, resumable, training_options

EXAMPLES = """\
examples:
  affect-quantize curve engagement --data daisee_landmarks --chart engagement.svg
  affect-quantize curve face_emotion --data fer2013plus --recipe once --shares 50 100 --json curve.json
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "train on growing shares of the data, and tell how well its labels can be told"
    command = options.branch_parser(commands, "curve", _curve, summary, examples=EXAMPLES)
    command.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH-curve)")
    training_options(command)
    command.add_argument(
        "--shares",
        type=options.percent,
        nargs="+",
        default=[25, 50, 75, 100],
        metavar="PERCENT",
        help="default: 25 50 75 100",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    command.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw them")


def _curve(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize import curve, curve_chart
    from quantize.files import write_bytes, write_json

    options.check_figures(arguments)
    folder = arguments.run or options.RUNS / f"{branch.name}-curve"
    shares = [percent / 100 for percent in arguments.shares]
    with resumable(folder):
        data, recipe = options.data_folder(arguments), chosen_recipe(branch, arguments)
        report = curve.curve(branch, data, recipe, shares, folder, arguments.fresh)
    if arguments.json:
        write_json(arguments.json, report)
    if arguments.chart:
        write_bytes(arguments.chart, curve_chart.draw(report, arguments.chart.suffix))
    print(curve.table(report))
    return 0
