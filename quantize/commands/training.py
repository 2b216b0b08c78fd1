"""What the commands share that train: the options of a training, its recipe, and how to go on where it was stopped."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import UserError
from quantize.branches.base import Branch, Recipe
from quantize.commands import options

GO_ON = "stopped; the same command goes on after the last whole epoch in"


def training_options(command: argparse.ArgumentParser) -> None:
    """Adds --recipe, what changes it, and --fresh."""
    command.add_argument("--recipe", default="default", metavar="NAME", help="named recipe (default: default)")
    command.add_argument(
        "--epochs",
        type=options.positive,
        metavar="N",
        help="for a trial: just N for each network, instead of the recipe's",
    )
    command.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    command.add_argument("--fresh", action="store_true", help="start over where a training was interrupted")


def chosen_recipe(branch: Branch, arguments: argparse.Namespace) -> Recipe:
    """The named recipe with what the command line changes. Raises UserError where the branch has none of that name."""
    if arguments.recipe not in branch.recipes:
        raise UserError(f"--recipe {arguments.recipe}: {branch.name} has {', '.join(sorted(branch.recipes))}")
    recipe = branch.recipes[arguments.recipe]
    if arguments.epochs:
        recipe = recipe.shortened(arguments.epochs)
    if arguments.seed is not None:
        recipe = dataclasses.replace(recipe, seed=arguments.seed)
    fold = getattr(arguments, "fold", None)
    return recipe if fold is None else recipe.of_fold(fold)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Says how to go on where the user stops the work."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"affect-quantize: {GO_ON} {folder}", file=sys.stderr)
        raise
