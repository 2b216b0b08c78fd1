"""The command ``datasets``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.commands import options


def add(commands: options.Commands) -> None:
    """Adds the command with its options. It shows no examples: hence the empty epilog."""
    command = commands.add_parser(
        "datasets",
        help="list the data sets that are known, or say what a folder holds",
        description="List the known layouts with where they come from and their terms; or read a folder, extract what "
        "training will need of it, and count its examples.",
        epilog="",
    )
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
