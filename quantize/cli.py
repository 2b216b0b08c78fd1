"""The command ``affect-quantize``: train, convert and evaluate the branches on a workstation."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from edge.errors import UserError
from edge.inference.store import Manifest, ModelStore
from edge.signals import EMOTIONS
from quantize import explain
from quantize.branches import BRANCHES
from quantize.branches.base import Branch, Recipe
from quantize.branches.face_emotion import FaceEmotion
from quantize.conversion.capped import Caps
from quantize.datasets import ALL, FoldChoice
from quantize.explain import Explained
from quantize.extraction import CACHE
from quantize.fusion import commands as fusion

MODELS = Path("models_tflite")
RUNS = Path("runs")

EXAMPLES = """\
examples:
  affect-quantize datasets --data ravdess
  affect-quantize train speech_emotion --data ravdess
  affect-quantize train speech_emotion --data ravdess --fold 0 --run runs/speech_emotion-0
  affect-quantize train speech_emotion --data ravdess --recipe random-split --run runs/speech_emotion-random
  affect-quantize train face_emotion --data DFEW --recipe affectfusion-2025 --fold all
  affect-quantize train engagement --data daisee_landmarks --epochs 2 --run runs/try
  affect-quantize curve engagement --data daisee_landmarks --chart engagement.svg
  affect-quantize convert face_emotion --data fer2013plus
  affect-quantize evaluate engagement --data daisee_landmarks --json engagement.json --html engagement.html
  affect-quantize evaluate face_emotion --data my_pictures --quick
  affect-quantize certify face_emotion --data fer2013plus
  affect-quantize certify face_emotion --benchmark benchmark.json
  affect-quantize explain engagement --data daisee_landmarks --html states.html
  affect-quantize reproduce speech_emotion engagement --data data

--data is the data set's own folder in its official layout; `affect-quantize datasets` lists those that are known.
"""

GO_ON = "stopped; the same command goes on after the last whole epoch in"

CONVERT_KERAS_EXAMPLES = """\
examples:
  affect-quantize convert-keras mine.keras --representative inputs.npy --out mine.tflite
  affect-quantize convert-keras mine.keras --representative inputs.npy --unseen others.npy --out mine.tflite
  affect-quantize convert-keras lstm.h5 --representative inputs.npy --out lstm.tflite --variants lstm --json lstm.json
  affect-quantize convert-keras mine.keras --representative random --out try.tflite
"""

EXPLAIN_EXAMPLES = """\
examples:
  affect-quantize explain face_emotion --data fer2013plus --html faces.html
  affect-quantize explain face_emotion --data fer2013plus --html sad.html --emotion sad --count 40
  affect-quantize explain engagement --data daisee_landmarks --html states.html --json states.json
  affect-quantize explain engagement --data daisee_landmarks --clips 1429 --permutations 20
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
        if cache := getattr(arguments, "cache", None):
            CACHE.set(cache)
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
    _training_options(train)
    _fold_option(train, "the fold to keep for the test: of actors (speech_emotion), or the official one of DFEW")
    _curve_command(commands)
    convert = _command(commands, "convert", _convert, "quantize a run to int8, judge it on unseen data, certify it")
    _run_option(convert)
    _models_option(convert)
    _caps_options(convert)
    relied = _command(commands, "reliability", _reliability, "learn anew how far a shipped branch can be trusted")
    _run_option(relied)
    _models_option(relied)
    _convert_keras_command(commands)
    _benchmark_command(commands)
    evaluate = _command(commands, "evaluate", _evaluate, "judge a shipped branch on unseen data")
    _models_option(evaluate)
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    datasets = commands.add_parser(
        "datasets",
        help="list the data sets that are known, or say what a folder holds",
        description="List the known layouts with where they come from and their terms; or read a folder, extract what "
        "training will need of it, and count its examples.",
    )
    datasets.set_defaults(command=_datasets)
    datasets.add_argument("--data", type=Path, metavar="DIR", help="say what this folder holds")
    _fold_option(datasets, "the official fold of DFEW to count")
    _cache_option(datasets)
    evaluate.add_argument("--html", type=Path, metavar="FILE", help="write it as a page with plots")
    evaluate.add_argument("--quick", action="store_true", help="leave out the worse conditions")
    asked = evaluate.add_mutually_exclusive_group()
    asked.add_argument("--seen", action="store_true", help="judge also what was trained on: the figures flatter")
    _fold_option(asked, "the official fold of DFEW to judge on, if the model was not trained on another")
    certify = _command(commands, "certify", _certify, "renew the certificate and card of a shipped branch", data=False)
    _models_option(certify)
    source = certify.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, metavar="DIR", help="the data set's own folder: judge now")
    source.add_argument(
        "--report", type=Path, metavar="FILE", help="what `evaluate --json FILE` wrote; without either, figures stay"
    )
    certify.add_argument("--benchmark", type=Path, metavar="FILE", help="latencies that `benchmark --json FILE` wrote")
    fusion.add(commands, MODELS, RUNS)
    _explain_command(commands)
    _reproduce_command(commands)
    return parser


def _subparser(commands: Any, name: str, summary: str, about: str, examples: str = EXAMPLES) -> argparse.ArgumentParser:
    """A sub-command with its line in the list, its description and its examples."""
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=about,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def _sentence(summary: str) -> str:
    """``summary`` with a capital and a full stop; ``str.capitalize`` would make names small."""
    return f"{summary[0].upper()}{summary[1:]}."


def _reproduce_command(commands: Any) -> None:
    summary = "make all that ships again, from data to certificate, and print the difference"
    about = (
        _sentence(summary)
        + " Ends with 1 where something else came out. Speed is not reproduced: `benchmark` measures "
        "it. The same command goes on where it was stopped."
    )
    reproduce = _subparser(commands, "reproduce", summary, about)
    reproduce.set_defaults(command=_reproduce)
    reproduce.add_argument("branches", nargs="*", metavar="BRANCH", help="only these (default: all)")
    reproduce.add_argument(
        "--data", type=Path, metavar="ROOT", help="holds fer2013plus/, ravdess/ and daisee_landmarks/"
    )
    for branch in sorted(BRANCHES):
        option = f"--{branch.removesuffix('_emotion')}"
        reproduce.add_argument(option, type=Path, dest=branch, metavar="DIR", help=f"{branch}'s data set elsewhere")
    reproduce.add_argument(
        "--epochs", type=_positive, metavar="N", help="for a trial: just N for each network, instead of the recipes'"
    )
    reproduce.add_argument(
        "--into",
        type=Path,
        default=Path("runs/reproduced"),
        metavar="DIR",
        help="fresh, or left by the same command (runs/reproduced)",
    )
    _models_option(reproduce)
    _cache_option(reproduce)


def _command(commands: Any, name: str, action: Any, summary: str, data: bool = True) -> argparse.ArgumentParser:
    command = _subparser(commands, name, summary, _sentence(summary))
    command.set_defaults(command=lambda arguments: action(BRANCHES[arguments.branch], arguments))
    command.add_argument("branch", choices=sorted(BRANCHES), metavar="BRANCH", help=", ".join(sorted(BRANCHES)))
    if data:
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set's own folder")
    _cache_option(command)
    return command


def _cache_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="extracted crops, landmarks and voices (default: ~/.cache/affectfusion)",
    )


def _fold_option(command: Any, meaning: str) -> None:
    command.add_argument("--fold", type=_fold, metavar="N|all", help=f"{meaning}; the first is 0")


def _run_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH)")


def _training_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--recipe", default="default", metavar="NAME", help="named recipe (default: default)")
    command.add_argument(
        "--epochs", type=_positive, metavar="N", help="for a trial: just N for each network, instead of the recipe's"
    )
    command.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    command.add_argument("--fresh", action="store_true", help="start over where a training was interrupted")


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


def _curve_command(commands: Any) -> None:
    curve = _command(
        commands, "curve", _curve, "train on growing shares of the data, and tell how well its labels can be told"
    )
    curve.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/BRANCH-curve)")
    _training_options(curve)
    curve.add_argument(
        "--shares", type=_percent, nargs="+", default=[25, 50, 75, 100], metavar="PERCENT", help="default: 25 50 75 100"
    )
    curve.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    curve.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw them")


def _convert_keras_command(commands: Any) -> None:
    summary = "quantize a Keras model of your own to int8, and tell what that did to its answers"
    about = _sentence(summary) + " A Keras file can hold code: convert only what you trust."
    command = _subparser(commands, "convert-keras", summary, about, CONVERT_KERAS_EXAMPLES)
    command.set_defaults(command=_convert_keras)
    command.add_argument("keras", type=Path, metavar="FILE", help="the model, .keras or .h5, one input and one output")
    command.add_argument(
        "--representative",
        required=True,
        metavar="FILE.npy|random",
        help="at least 100 training inputs (n, ...) that set the int8 ranges; random: for a first look only",
    )
    command.add_argument(
        "--unseen", type=Path, metavar="FILE.npy", help="inputs that decide nothing: what is kept of their answers too"
    )
    command.add_argument("--out", type=Path, required=True, metavar="FILE.tflite", help="the int8 file to write")
    command.add_argument("--variants", type=Path, metavar="DIR", help="write float32, float16, dynamic and int8 there")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    _caps_options(command)


def _benchmark_command(commands: Any) -> None:
    summary = "measure latency, memory and size of models in both runtimes, in turns, for ratios that mean something"
    command = _subparser(commands, "benchmark", summary, _sentence(summary), BENCHMARK_EXAMPLES)
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


def _explain_command(commands: Any) -> None:
    summary = "say in words and as a page where the face network looks, or what moves the four states"
    parser = _subparser(commands, "explain", summary, _sentence(summary), EXPLAIN_EXAMPLES)
    branches = parser.add_subparsers(metavar="BRANCH", required=True)
    about = "Grad-CAM on the test pictures, right and wrong ones, and what hiding the places costs that matter most"
    face = _subparser(branches, "face_emotion", about, _sentence(about), EXPLAIN_EXAMPLES)
    _run_option(face)
    face.add_argument("--count", type=_positive, default=24, metavar="N", help="pictures in the page (default: 24)")
    face.add_argument("--emotion", choices=EMOTIONS, metavar="NAME", help=f"only these: {', '.join(EMOTIONS)}")
    about = "Shapley values of the shipped model's features and of the parts of a face, on people it was not trained on"
    states = _subparser(branches, "engagement", about, _sentence(about), EXPLAIN_EXAMPLES)
    _models_option(states)
    states.add_argument("--clips", type=_positive, default=300, metavar="N", help="drawn from all (default: 300)")
    states.add_argument("--permutations", type=_even, default=6, metavar="N", help="for each clip, even (default: 6)")
    for command, action in ((face, _explain_face), (states, _explain_states)):
        command.set_defaults(command=partial(_explain, action))
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set's own folder")
        command.add_argument("--html", type=Path, metavar="FILE", help="write the page with plots there")
        command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
        command.add_argument("--seed", type=int, default=1, metavar="N", help="fixes everything drawn (default: 1)")
        _cache_option(command)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _even(text: str) -> int:
    number = _positive(text)
    if number % 2:
        raise argparse.ArgumentTypeError("must be even")
    return number


def _fold(text: str) -> FoldChoice:
    if text == ALL:
        return ALL
    if not text.lstrip("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor {ALL!r}")
    return int(text)


def _percent(text: str) -> int:
    number = _positive(text)
    if number > 100:
        raise argparse.ArgumentTypeError("must be at most 100")
    return number


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Says how to go on where the user stops the work."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"affect-quantize: {GO_ON} {folder}", file=sys.stderr)
        raise


def _folder(arguments: argparse.Namespace) -> Path:
    data: Path = arguments.data
    if not data.is_dir():
        raise UserError(f"--data {data}: no such folder")
    return data


def _check_outputs(*files: Path | None) -> None:
    """Finds out before the work what could not be written after it; None is not to be written."""
    from quantize.files import check_writable

    for file in filter(None, files):
        check_writable(file)


def _run_folder(branch: Branch, arguments: argparse.Namespace) -> Path:
    return arguments.run or RUNS / branch.name


def _recipe(branch: Branch, arguments: argparse.Namespace) -> Recipe:
    """The named recipe with what the command line changes."""
    if arguments.recipe not in branch.recipes:
        raise UserError(f"--recipe {arguments.recipe}: {branch.name} has {', '.join(sorted(branch.recipes))}")
    recipe = branch.recipes[arguments.recipe]
    if arguments.epochs:
        recipe = recipe.shortened(arguments.epochs)
    if arguments.seed is not None:
        recipe = dataclasses.replace(recipe, seed=arguments.seed)
    fold = getattr(arguments, "fold", None)
    return recipe if fold is None else recipe.of_fold(fold)


def _train(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificates.certificate import brief
    from quantize.train import train

    folder = _run_folder(branch, arguments)
    with _resumable(folder):
        run = train(branch, _folder(arguments), _recipe(branch, arguments), folder, arguments.fresh)
    print(
        f"written to {folder}; {'across folds' if run.judges else 'on the data that set the thresholds'}: "
        f"{brief(run.development)}"
    )
    return 0


def _curve(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize import chart, curve, curve_chart
    from quantize.files import write_bytes, write_json

    if arguments.chart:
        chart.check(arguments.chart)
    _check_outputs(arguments.json, arguments.chart)
    folder = arguments.run or RUNS / f"{branch.name}-curve"
    shares = [percent / 100 for percent in arguments.shares]
    with _resumable(folder):
        report = curve.curve(branch, _folder(arguments), _recipe(branch, arguments), shares, folder, arguments.fresh)
    if arguments.json:
        write_json(arguments.json, report)
    if arguments.chart:
        write_bytes(arguments.chart, curve_chart.draw(report, arguments.chart.suffix))
    print(curve.table(report))
    return 0


def _convert(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.convert import convert
    from quantize.evaluate import FLOAT32
    from quantize.evaluation import tables

    _check_outputs(*(arguments.models / part / f"{branch.name}.tflite" for part in ("", FLOAT32)))
    manifest = convert(branch, _folder(arguments), _run_folder(branch, arguments), arguments.models, _caps(arguments))
    print(tables.whole(manifest.figures))
    print(f"written to {arguments.models / manifest.file}, with its manifest and card")
    return 0


def _reliability(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.convert import renew_reliability
    from quantize.evaluation import tables

    _check_outputs(arguments.models / f"{branch.name}.json")
    run = _run_folder(branch, arguments)
    manifest = renew_reliability(branch, _folder(arguments), run, arguments.models)
    print(tables.reliability(manifest.provenance["reliability"]))
    return 0


def _convert_keras(arguments: argparse.Namespace) -> int:
    from quantize.conversion.foreign import Kept, convert_keras
    from quantize.files import write_json

    variant = arguments.variants and arguments.variants / "float32.tflite"
    _check_outputs(arguments.out, arguments.json, variant)
    report = convert_keras(
        arguments.keras,
        arguments.representative,
        arguments.out,
        arguments.variants,
        _caps(arguments),
        arguments.unseen,
    )
    if arguments.json:
        write_json(arguments.json, report)
    for kind, kept in report["kept"].items():
        print(f"{kind}: {Kept(**kept)}")
    if "unseen" in report:
        print(f"int8, unseen: {Kept(**report['unseen'])}")
    print(f"int8 is {report['method']}")
    print(
        f"{report['delegated']} of {report['nodes']} nodes are delegated"
        + (f", all but {', '.join(report['exempt'])}" if report["exempt"] else "")
    )
    sizes = report["bytes"]
    print(f"written to {arguments.out}: {sizes['int8']} bytes, {sizes['int8'] / sizes['float32']:.2f} of float32")
    return 0


def _benchmark(arguments: argparse.Namespace) -> int:
    from quantize import benchmark, chart

    if arguments.chart:
        chart.check(arguments.chart)
    _check_outputs(arguments.json, arguments.chart)
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
    from quantize.evaluation import report, tables
    from quantize.files import write_bytes, write_json

    _check_outputs(arguments.json, arguments.html)
    if arguments.json and arguments.json == arguments.html:
        raise UserError(f"--json and --html: both name {arguments.json}")
    if arguments.fold is not None:
        branch = _of_fold(branch, arguments.fold)
    figures = _judge(branch, arguments, _shipped(branch, arguments), arguments.quick, arguments.seen)
    if arguments.json:
        write_json(arguments.json, figures)
    if arguments.html:
        write_bytes(arguments.html, report.page(figures).encode())
    print(tables.whole(figures))
    return 0


def _datasets(arguments: argparse.Namespace) -> int:
    from quantize.datasets import catalogue

    if arguments.data:
        print(catalogue.summary(_folder(arguments), arguments.fold))
    else:
        print(catalogue.listing())
    return 0


def _certify(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize import certify
    from quantize.evaluation import tables

    manifest = _shipped(branch, arguments)
    _check_outputs(arguments.models / f"{branch.name}.json")
    benchmark = certify.read_benchmark(arguments.benchmark) if arguments.benchmark else None
    if arguments.data:
        report = _judge(branch, arguments, manifest)
    elif arguments.report:
        report = certify.read_report(arguments.report, branch.name)
    else:
        report = certify.figures_of(manifest)
    manifest = certify.certified(manifest, report, benchmark)
    certify.write(manifest, arguments.models)
    print(tables.whole(manifest.figures))
    print(f"written to {arguments.models / branch.name}.json and .md")
    return 0


def _explain(action: Callable[[argparse.Namespace], Explained], arguments: argparse.Namespace) -> int:
    from quantize.files import write_bytes, write_json

    _check_outputs(arguments.json, arguments.html)
    if arguments.json and arguments.json == arguments.html:
        raise UserError(f"--json and --html: both name {arguments.json}")
    found = action(arguments)
    if arguments.json:
        write_json(arguments.json, found.report)
    if arguments.html:
        write_bytes(arguments.html, found.page.encode())
    print("\n".join(found.sentences))
    return 0


def _explain_face(arguments: argparse.Namespace) -> Explained:
    run = _run_folder(BRANCHES["face_emotion"], arguments)
    return explain.face_emotion(_folder(arguments), run, arguments.count, arguments.seed, arguments.emotion)


def _explain_states(arguments: argparse.Namespace) -> Explained:
    effort = arguments.clips, arguments.permutations, arguments.seed
    return explain.engagement(_folder(arguments), arguments.models, *effort)


def _reproduce(arguments: argparse.Namespace) -> int:
    from quantize.reproduce import FOLDERS, reproduce

    data: dict[Branch, Path] = {}
    for name in dict.fromkeys(arguments.branches or sorted(BRANCHES)):
        if name not in BRANCHES:
            raise UserError(f"{name}: no such branch; there are {', '.join(sorted(BRANCHES))}")
        folder = getattr(arguments, name) or (arguments.data and arguments.data / FOLDERS[name])
        if folder is None:
            raise UserError(f"{name}: where is its data set? --data ROOT or --{name.removesuffix('_emotion')} DIR")
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; the data set of {name}")
        data[BRANCHES[name]] = folder
    verdicts = []
    with _resumable(arguments.into):
        for comparison in reproduce(data, arguments.models, arguments.into, arguments.epochs):
            print(comparison, end="\n\n", flush=True)
            verdicts.append(comparison.verdict)
    print(f"written to {arguments.into}")
    return int("different" in verdicts)


def _shipped(branch: Branch, arguments: argparse.Namespace) -> Manifest:
    """The manifest of the branch that is there, checked against its file."""
    return ModelStore(arguments.models).load(branch.name, branch.decisions)[0]


def _of_fold(branch: Branch, fold: FoldChoice) -> Branch:
    """The branch as it judges on one official fold, or on all. Raises UserError where no data set of its has folds."""
    if not isinstance(branch, FaceEmotion):
        raise UserError(f"--fold {fold}: no data set of {branch.name} has official folds")
    return dataclasses.replace(branch, fold=fold)


def _judge(
    branch: Branch, arguments: argparse.Namespace, manifest: Manifest, quick: bool = False, seen: bool = False
) -> dict[str, Any]:
    """The report of the branch on what --data holds."""
    from quantize.evaluate import evaluate

    preprocessing = ModelStore(arguments.models).preprocessing(manifest, branch.preprocessing)
    split = manifest.provenance.get("split")
    if not isinstance(split, dict) or "train" not in split:
        raise UserError(f"{arguments.models / branch.name}.json: does not say what was trained on; convert again")
    examples = branch.unseen(_folder(arguments), preprocessing, None if seen else split)
    conditions = () if quick else branch.conditions
    return evaluate(branch, manifest, arguments.models, examples, conditions, seen)


if __name__ == "__main__":
    sys.exit(main())
