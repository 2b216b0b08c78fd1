"""The commands ``train-fusion`` and ``robustness``: their options, and what they print."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.errors import UserError

EXAMPLES = """\
examples:
  affect-quantize train-fusion --data data
  affect-quantize train-fusion --data data --ablations --run runs/attention
  affect-quantize train-fusion --paired lessons --models own-models
  affect-quantize robustness --data data --json robustness.json
  affect-quantize robustness --data data --report robustness.md --chart robustness.svg

--data holds fer2013plus/, ravdess/ and daisee_landmarks/; --runs holds the runs of speech_emotion and engagement, whose
fold networks answer for those that the shipped networks have learned from. Sessions are put together from these: of
nobody there a face, engagement and voice were recorded at once. --paired takes real ones instead, of a folder of your
own recordings with a labels.csv (`affect-quantize datasets` tells its columns); none of the branches may know anybody
in it.
"""

RIGHT = 0.9
"""How often a box should be right when it speaks: it is silent below the support that gave this on validation."""


def add(commands: Any, models: Path, runs: Path) -> None:
    """Adds both to the sub-commands of ``affect-quantize``."""
    train = _command(commands, "train-fusion", "train, quantize and tune the attention model that fuses the branches")
    train.set_defaults(command=_train)
    train.add_argument("--ablations", action="store_true", help="also without each of its parts, for comparison")
    train.add_argument("--epochs", type=int, metavar="N", help="for a trial: just N, instead of the recipe's")
    measure = _command(commands, "robustness", "compare all kinds of fusion, on damaged sessions of unseen people")
    measure.set_defaults(command=_robustness)
    measure.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    measure.add_argument("--report", type=Path, metavar="FILE.md", help="write them there as tables")
    measure.add_argument("--chart", type=Path, metavar="FILE.svg|FILE.png", help="draw the main ones")
    for command in (train, measure):
        source = command.add_mutually_exclusive_group(required=True)
        source.add_argument("--data", type=Path, metavar="ROOT", help="holds the data sets' folders")
        source.add_argument("--paired", type=Path, metavar="DIR", help="real sessions: recordings and their labels.csv")
        command.add_argument("--runs", type=Path, default=runs, metavar="DIR", help=f"trained branches ({runs})")
        command.add_argument("--run", type=Path, metavar="DIR", help="of the attention model (RUNS/attention)")
        command.add_argument("--models", type=Path, default=models, metavar="DIR", help=f"models ({models})")
        command.add_argument("--cache", type=Path, metavar="DIR", help="what branches answered (~/.cache/affectfusion)")
        command.add_argument("--sessions", type=int, metavar="N", help="for a trial: just N of each part")


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def _parts(arguments: argparse.Namespace) -> Any:
    from edge.inference.store import ModelStore
    from quantize.fusion import paired, parts

    option, folder = ("--data", arguments.data) if arguments.data else ("--paired", arguments.paired)
    if not folder.is_dir():
        raise UserError(f"{option} {folder}: no such folder")
    if arguments.paired:
        return paired.load(folder, ModelStore(arguments.models), arguments.sessions)
    sizes = parts.Sizes() if arguments.sessions is None else parts.Sizes(*[arguments.sessions] * 3)
    return parts.load(folder, arguments.runs, ModelStore(arguments.models), sizes)


def _run_folder(arguments: argparse.Namespace) -> Path:
    return Path(arguments.run or arguments.runs / "attention")


def _train(arguments: argparse.Namespace) -> int:
    from quantize import train_fusion
    from quantize.files import write_json
    from quantize.robustness import WEIGHTED, kinds

    parts, folder = _parts(arguments), _run_folder(arguments)
    weights, tried = train_fusion.choose_weights(parts.valid)
    print(f"weighted: {weights} has the least log loss on validation sessions, {tried[0]['log_loss']:.4f}")
    paired = arguments.paired.resolve().name if arguments.paired else None
    manifest = train_fusion.train(parts, folder, arguments.models, arguments.ablations, arguments.epochs, paired)
    print(f"attention: temperature {manifest.temperature:.2f}, written to {arguments.models / manifest.file}")
    chosen = {name: kind for name, kind in kinds(arguments.models, folder).items() if name in (WEIGHTED, "attention")}
    support = train_fusion.choose_support(parts.valid, chosen, RIGHT)
    print(f"least support to be right {RIGHT:.0%} of the time: {support}")
    write_json(folder / "chosen.json", {"weights": tried[:5], "support": support, "right": RIGHT})
    return 0


def _robustness(arguments: argparse.Namespace) -> int:
    from quantize import chart, robustness
    from quantize.evaluation import neutral
    from quantize.files import check_writable, write_bytes, write_json
    from quantize.fusion import report
    from quantize.fusion.parts import FOLDERS

    if arguments.chart:
        chart.check(arguments.chart)
    for file in filter(None, (arguments.json, arguments.report, arguments.chart)):
        check_writable(file)
    folder, found = _run_folder(arguments), _parts(arguments).test
    compared = robustness.kinds(arguments.models, folder)
    figures = robustness.compare(found, compared, robustness.least_support())
    if arguments.paired:
        figures["paired"] = arguments.paired.resolve().name
    else:
        figures["unrelated"] = robustness.unrelated(compared, found)
        figures["lasting"] = robustness.lasting(compared, lambda seconds: _lasting(found, seconds))
        figures["first_minute"] = neutral.first_minute(arguments.models, arguments.data / FOLDERS["engagement"])
    if arguments.json:
        write_json(arguments.json, figures)
    if arguments.report:
        write_bytes(arguments.report, report.markdown(figures).encode())
    if arguments.chart:
        write_bytes(arguments.chart, report.chart(figures, arguments.chart.suffix))
    print(report.text(figures))
    return 0


def _lasting(part: Any, seconds: float) -> Any:
    """Other sessions of the same answers, in which valence lasts ``seconds`` on average."""
    from quantize.fusion.material import pools
    from quantize.fusion.sessions import Course, arrange

    course = Course(seconds=part.sessions.positive.shape[1], state_s=seconds / 2)
    return replace(part, sessions=arrange(len(part.sessions.positive), pools(part.answers), course, seed=7))
