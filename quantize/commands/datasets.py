"""The command ``datasets``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.commands import options

EXAMPLES = """\
examples:
  affect-quantize datasets
  affect-quantize datasets --data ravdess
  affect-quantize datasets --data DFEW --fold all
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "list the data sets that are known, or say what a folder holds"
    more = (
        " Known layouts are listed with where they come from and their terms; a folder is read, all that training will "
        "need of it extracted, and its examples counted."
    )
    command = options.sub_parser(commands, "datasets", summary, more, EXAMPLES)
    command.set_defaults(command=_datasets)
    command.add_argument("--data", type=Path, metavar="DIR", help="say what this folder holds")
    options.fold_option(command, "the official fold of DFEW to count")
    options.cache_option(command)


def _datasets(arguments: argparse.Namespace) -> int:
    from quantize.datasets import catalogue

    if arguments.data:
        print(catalogue.summary(options.data_folder(arguments), arguments.fold))
    else:
        print(catalogue.listing())
    return 0
