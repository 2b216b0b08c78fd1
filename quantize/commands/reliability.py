"""The command ``reliability``."""

from __future__ import annotations

import argparse

from quantize.branches.base import Branch
from quantize.commands import options

EXAMPLES = """\
examples:
  affect-quantize reliability face_emotion --data fer2013plus
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "learn anew how far a shipped branch can be trusted"
    command = options.branch_parser(commands, "reliability", _reliability, summary, examples=EXAMPLES)
    options.run_option(command)
    options.models_option(command)


def _reliability(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.convert import renew_reliability
    from quantize.evaluation import tables

    options.check_outputs(arguments.models / f"{branch.name}.json")
    run = options.run_folder(branch, arguments)
    manifest = renew_reliability(branch, options.data_folder(arguments), run, arguments.models)
    print(tables.reliability(manifest.provenance["reliability"]))
    return 0
