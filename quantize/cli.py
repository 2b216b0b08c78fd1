"""The command ``affect-quantize``: train, convert and evaluate the branches on a workstation."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.errors import UserError
from edge.inference.store import ModelStore
from quantize.branches import BRANCHES
from quantize.branches.base import Branch, Recipe

MODELS = Path("models_tflite")

EXAMPLES = """\
examples:
  affect-quantize train speech_emotion --data ravdess
  affect-quantize train speech_emotion --data ravdess --fold 0 --run runs/speech_emotion-0
  affect-quantize train speech_emotion --data ravdess --recipe random-split --run runs/speech_emotion-random
  affect-quantize train engagement --data daisee_landmarks --epochs 2 --run runs/try
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize evaluate engagement --data daisee_landmarks --json engagement.json

--data is the data set's own folder: FER2013 with FER+ votes for face_emotion (train.npz, valid.npz, test.npz), DAiSEE
landmarks for engagement (daisee_landmarks.npz), RAVDESS for speech_emotion (.../Actor_01/03-01-01-01-01-01-01.wav).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr that says what is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(BRANCHES[arguments.branch], arguments))
    except UserError as error:
        print(f"affect-quantize: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="affect-quantize",
        description="Train the branches, turn them into int8 TFLite, and read what that cost.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    train = _command(commands, "train", _train, "train a branch into a run folder")
    _run_option(train)
    train.add_argument("--recipe", default="default", metavar="NAME", help="named recipe (default: default)")
    train.add_argument("--epochs", type=_positive, metavar="N", help="instead of the recipe's")
    train.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    train.add_argument(
        "--fold", type=int, choices=range(5), help="speech_emotion: a fold of actors to keep for the test"
    )
    convert = _command(commands, "convert", _convert, "quantize a run to int8, judge it on unseen data, certify it")
    _run_option(convert)
    _models_option(convert)
    evaluate = _command(commands, "evaluate", _evaluate, "judge a shipped branch on unseen data")
    _models_option(evaluate)
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    return parser


def _command(commands: Any, name: str, action: Any, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary.capitalize() + ".",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=action)
    command.add_argument("branch", choices=sorted(BRANCHES), metavar="BRANCH", help=", ".join(sorted(BRANCHES)))
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set's own folder")
    return command


def _run_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH)")


def _models_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help=f"models (default: {MODELS})")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _folder(arguments: argparse.Namespace) -> Path:
    data: Path = arguments.data
    if not data.is_dir():
        raise UserError(f"--data {data}: no such folder")
    return data


def _run_folder(branch: Branch, arguments: argparse.Namespace) -> Path:
    return arguments.run or Path("runs") / branch.name


def _recipe(branch: Branch, arguments: argparse.Namespace) -> Recipe:
    """The named recipe with what the command line changes."""
    if arguments.recipe not in branch.recipes:
        raise UserError(f"--recipe {arguments.recipe}: {branch.name} has {', '.join(sorted(branch.recipes))}")
    recipe = branch.recipes[arguments.recipe]
    changes = {name: getattr(arguments, name) for name in ("epochs", "seed", "fold")}
    changes = {name: value for name, value in changes.items() if value is not None}
    if "fold" in changes and not hasattr(recipe, "fold"):
        raise UserError(f"--fold: {branch.name} has no folds to choose from")
    return dataclasses.replace(recipe, **changes)


def _train(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificate import brief
    from quantize.train import train

    folder = _run_folder(branch, arguments)
    run = train(branch, _folder(arguments), _recipe(branch, arguments), folder)
    print(
        f"written to {folder}; {'across folds' if run.folds else 'on the data that set the thresholds'}: "
        f"{brief(run.development)}"
    )
    return 0


def _convert(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificate import table
    from quantize.convert import convert

    manifest = convert(branch, _folder(arguments), _run_folder(branch, arguments), arguments.models)
    print(table(manifest.figures))
    print(f"written to {arguments.models / manifest.file}, with its manifest and card")
    return 0


def _evaluate(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificate import table
    from quantize.evaluate import evaluate
    from quantize.files import write_json

    store = ModelStore(arguments.models)
    manifest, _ = store.load(branch.name)
    preprocessing = store.preprocessing(manifest, branch.preprocessing)
    examples = branch.unseen(_folder(arguments), preprocessing, manifest.provenance["split"])
    report = evaluate(branch, manifest, arguments.models, examples)
    if arguments.json:
        write_json(arguments.json, report)
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
