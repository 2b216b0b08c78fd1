"""The command ``robustness``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from quantize.commands import options, sessions

if TYPE_CHECKING:
    from quantize.fusion.material import Part


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "compare all kinds of fusion, on damaged sessions of unseen people"
    command = options.sub_parser(commands, "robustness", summary, examples=sessions.EXAMPLES)
    command.set_defaults(command=_robustness)
    command.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    command.add_argument("--report", type=Path, metavar="FILE.md", help="write them there as tables")
    command.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw the main ones")
    sessions.session_options(command)


def _robustness(arguments: argparse.Namespace) -> int:
    from quantize import robustness
    from quantize.evaluation import neutral
    from quantize.files import write_bytes, write_json
    from quantize.fusion import report
    from quantize.fusion.parts import FOLDERS

    options.check_figures(arguments, arguments.report)
    folder, found = sessions.run_folder(arguments), sessions.parts(arguments).test
    compared = robustness.kinds(arguments.models, folder)
    figures = robustness.compare(found, compared, robustness.least_support())
    if paired := sessions.paired_name(arguments):
        figures["paired"] = paired
    else:
        figures["unrelated"] = robustness.unrelated(compared, found)
        figures["lasting"] = robustness.lasting(compared, lambda seconds: _lasting(found, seconds))
        figures["first_minute"] = neutral.first_minute(arguments.models, arguments.data / FOLDERS["engagement"])
    if arguments.json:
        write_json(arguments.json, figures)
    if arguments.report:
        write_bytes(arguments.report, report.markdown(figures).encode())
    if arguments.chart:
        write_bytes(arguments.chart, report.chart(figures, arguments.chart.suffix))
    print(report.text(figures))
    return 0


def _lasting(part: Part, seconds: float) -> Part:
    """Other sessions of the same answers, in which valence lasts ``seconds`` on average."""
    from quantize.fusion.material import pools
    from quantize.fusion.sessions import Course, arrange

    course = Course(seconds=part.sessions.positive.shape[1], state_s=seconds / 2)
    return replace(part, sessions=arrange(len(part.sessions.positive), pools(part.answers), course, seed=7))
