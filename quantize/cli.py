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
from quantize.capped import Caps

MODELS = Path("models_tflite")
RUNS = Path("runs")

EXAMPLES = """\
examples:
  affect-quantize train speech_emotion --data ravdess
  affect-quantize train speech_emotion --data ravdess --fold 0 --run runs/speech_emotion-0
  affect-quantize train engagement --data daisee_landmarks --epochs 2 --run runs/try
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize evaluate engagement --data daisee_landmarks --json engagement.json

--data is the data set's own folder: FER2013 with FER+ votes for face_emotion (train.npz, valid.npz, test.npz), DAiSEE
landmarks for engagement (daisee_landmarks.npz), RAVDESS for speech_emotion (.../Actor_01/03-01-01-01-01-01-01.wav).
"""

CONVERT_KERAS_EXAMPLES = """\
examples:
  affect-quantize convert-keras mine.keras --representative inputs.npy --out mine.tflite
  affect-quantize convert-keras lstm.h5 --representative inputs.npy --out lstm.tflite --variants lstm --json lstm.json
  affect-quantize convert-keras mine.keras --representative random --out try.tflite
"""

BENCHMARK_EXAMPLES = """\
examples:
  affect-quantize benchmark --threads 1 2 4 --json benchmark.json --chart benchmark.svg
  affect-quantize benchmark mine.tflite other.tflite --runs 200
  affect-quantize benchmark --anchors
  affect-quantize benchmark --compare benchmark.json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr that says what is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
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
        "--fold", type=int, choices=range(5), help="speech_emotion: the fold of actors kept for the test"
    )
    convert = _command(commands, "convert", _convert, "quantize a run to int8, judge it on unseen data, certify it")
    _run_option(convert)
    _models_option(convert)
    _caps_options(convert)
    _convert_keras_command(commands)
    _benchmark_command(commands)
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
    command.set_defaults(command=lambda arguments: action(BRANCHES[arguments.branch], arguments))
    command.add_argument("branch", choices=sorted(BRANCHES), metavar="BRANCH", help=", ".join(sorted(BRANCHES)))
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set's own folder")
    return command


def _run_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH)")


def _models_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help=f"models (default: {MODELS})")


def _caps_options(command: argparse.ArgumentParser) -> None:
    caps = Caps()
    command.add_argument(
        "--gib", type=_positive, default=caps.gib, help=f"memory a conversion may take (default: {caps.gib:g})"
    )
    command.add_argument(
        "--minutes", type=_positive, default=caps.seconds / 60, help=f"and its time (default: {caps.seconds / 60:g})"
    )


def _caps(arguments: argparse.Namespace) -> Caps:
    return Caps(arguments.gib, arguments.minutes * 60)


def _convert_keras_command(commands: Any) -> None:
    summary = "quantize a Keras model of your own to int8, and tell what that did to its answers"
    command = commands.add_parser(
        "convert-keras",
        help=summary,
        description=summary.capitalize() + ". A Keras file can hold code: convert only what you trust.",
        epilog=CONVERT_KERAS_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_convert_keras)
    command.add_argument("keras", type=Path, metavar="FILE", help="the model, .keras or .h5, one input and one output")
    command.add_argument(
        "--representative",
        required=True,
        metavar="FILE.npy|random",
        help="at least 100 training inputs (n, ...) that set the int8 ranges; random: for a first look only",
    )
    command.add_argument("--out", type=Path, required=True, metavar="FILE.tflite", help="the int8 file to write")
    command.add_argument("--variants", type=Path, metavar="DIR", help="write float32, float16 and dynamic files there")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    _caps_options(command)


def _benchmark_command(commands: Any) -> None:
    summary = "measure latency, memory and size of models in both runtimes, in turns, for ratios that mean something"
    command = commands.add_parser(
        "benchmark",
        help=summary,
        description=summary.capitalize() + ".",
        epilog=BENCHMARK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=_benchmark)
    command.add_argument("files", type=Path, nargs="*", metavar="FILE.tflite", help="default: the shipped branches")
    _models_option(command)
    command.add_argument(
        "--runs-folder", type=Path, default=RUNS, metavar="DIR", help=f"where `convert` left variants (default: {RUNS})"
    )
    command.add_argument("--anchors", action="store_true", help="also the paper's ResNet-101 and raw-waveform network")
    command.add_argument("--threads", type=_positive, nargs="+", default=[1], metavar="N", help="default: 1")
    command.add_argument("--runs", type=_positive, default=1000, metavar="N", help="invocations each (default: 1000)")
    command.add_argument("--seconds", type=_positive, default=20, help="the most that they may take (default: 20)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    command.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw the median latencies")
    command.add_argument("--compare", type=Path, metavar="OLD.json", help="print ratios to an earlier --json")
    _caps_options(command)


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
    return arguments.run or RUNS / branch.name


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
    print(f"written to {folder}; on the data that set the thresholds: {brief(run.development)}")
    return 0


def _convert(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificate import table
    from quantize.convert import convert

    manifest = convert(branch, _folder(arguments), _run_folder(branch, arguments), arguments.models, _caps(arguments))
    print(table(manifest.figures))
    print(f"written to {arguments.models / manifest.file}, with its manifest and card")
    return 0


def _convert_keras(arguments: argparse.Namespace) -> int:
    from quantize.files import write_json
    from quantize.foreign import Kept, convert_keras

    report = convert_keras(
        arguments.keras, arguments.representative, arguments.out, arguments.variants, _caps(arguments)
    )
    if arguments.json:
        write_json(arguments.json, report)
    for kind, kept in report["kept"].items():
        print(f"{kind}: {Kept(**kept)}")
    print(
        f"{report['delegated']} of {report['nodes']} nodes are delegated"
        + (f", all but {', '.join(report['exempt'])}" if report["exempt"] else "")
    )
    sizes = report["bytes"]
    print(f"written to {arguments.out}: {sizes['int8']} bytes, {sizes['int8'] / sizes['float32']:.2f} of float32")
    return 0


def _benchmark(arguments: argparse.Namespace) -> int:
    from quantize import benchmark

    anchors = arguments.runs_folder / "anchors" if arguments.anchors else None
    subjects = benchmark.subjects(arguments.files, arguments.models, arguments.runs_folder, anchors, _caps(arguments))
    return benchmark.benchmark(
        subjects,
        benchmark.Effort(arguments.threads, arguments.runs, arguments.seconds),
        json_file=arguments.json,
        chart=arguments.chart,
        compare=arguments.compare,
    )


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
