"""The command ``certify``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.branches.base import Branch
from quantize.commands import options
from quantize.commands.judging import judge, shipped

EXAMPLES = """\
examples:
  affect-quantize certify face_emotion --data fer2013plus
  affect-quantize certify face_emotion --benchmark benchmark.json
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "renew the certificate and card of a shipped branch"
    command = options.branch_parser(commands, "certify", _certify, summary, data=False, examples=EXAMPLES)
    options.models_option(command)
    source = command.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, metavar="DIR", help="the data set's own folder: judge now")
    source.add_argument(
        "--report", type=Path, metavar="FILE", help="what `evaluate --json FILE` wrote; without either, figures stay"
    )
    command.add_argument("--benchmark", type=Path, metavar="FILE", help="latencies that `benchmark --json FILE` wrote")


def _certify(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize import certify
    from quantize.evaluation import tables

    manifest = shipped(branch, arguments)
    options.check_outputs(arguments.models / f"{branch.name}.json")
    benchmark = certify.read_benchmark(arguments.benchmark) if arguments.benchmark else None
    if arguments.data:
        report = judge(branch, arguments, manifest)
    elif arguments.report:
        report = certify.read_report(arguments.report, branch.name)
    else:
        report = certify.figures_of(manifest)
    manifest = certify.certified(manifest, report, benchmark)
    certify.write(manifest, arguments.models)
    print(tables.whole(manifest.figures))
    print(f"written to {arguments.models / branch.name}.json and .md")
    return 0
