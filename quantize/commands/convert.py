"""The command ``convert``."""

from __future__ import annotations

import argparse

from quantize.branches.base import Branch
from quantize.commands import options

EXAMPLES = """\
examples:
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize convert speech_emotion --data ravdess --run runs/speech_emotion-0 --models try
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "quantize a run to int8, judge it on unseen data, certify it"
    command = options.branch_parser(commands, "convert", _convert, summary, examples=EXAMPLES)
    options.run_option(command)
    options.models_option(command)
    options.caps_options(command)


def _convert(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.convert import convert
    from quantize.evaluate import FLOAT32
    from quantize.evaluation import tables

    options.check_outputs(*(arguments.models / part / f"{branch.name}.tflite" for part in ("", FLOAT32)))
    data, run = options.data_folder(arguments), options.run_folder(branch, arguments)
    manifest = convert(branch, data, run, arguments.models, options.caps(arguments))
    print(tables.whole(manifest.figures))
    print(f"written to {arguments.models / manifest.file}, with its manifest and card")
    return 0
