"""The command ``benchmark``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.commands import options
from quantize.commands.options import RUNS

EXAMPLES = """\
examples:
  affect-quantize benchmark --threads 1 2 4 --json benchmark.json --chart benchmark.svg
  affect-quantize benchmark mine.tflite other.tflite --runs 200
  affect-quantize benchmark --anchors
  affect-quantize benchmark --compare benchmark.json
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "measure latency, memory and size of models in both runtimes, in turns, for ratios that mean something"
    command = options.sub_parser(commands, "benchmark", summary, examples=EXAMPLES)
    command.set_defaults(command=_benchmark)
    command.add_argument("files", type=Path, nargs="*", metavar="FILE.tflite", help="default: the shipped branches")
    options.models_option(command)
    command.add_argument(
        "--runs-folder", type=Path, default=RUNS, metavar="DIR", help=f"where `convert` left variants (default: {RUNS})"
    )
    command.add_argument("--anchors", action="store_true", help="also the paper's ResNet-101 and raw-waveform network")
    command.add_argument("--threads", type=options.positive, nargs="+", default=[1], metavar="N", help="default: 1")
    command.add_argument(
        "--runs", type=options.positive, default=1000, metavar="N", help="invocations each (default: 1000)"
    )
    command.add_argument(
        "--seconds", type=options.positive, default=20, help="the most that they may take (default: 20)"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    command.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw the median latencies")
    command.add_argument("--compare", type=Path, metavar="OLD.json", help="print ratios to an earlier --json")
    options.caps_options(command)


def _benchmark(arguments: argparse.Namespace) -> int:
    from quantize import benchmark

    options.check_figures(arguments)
    anchors = arguments.runs_folder / "anchors" if arguments.anchors else None
    caps = options.caps(arguments)
    subjects = benchmark.subjects(arguments.files, arguments.models, arguments.runs_folder, anchors, caps)
    return benchmark.benchmark(
        subjects,
        benchmark.Effort(arguments.threads, arguments.runs, arguments.seconds),
        json_file=arguments.json,
        chart=arguments.chart,
        compare=arguments.compare,
    )
