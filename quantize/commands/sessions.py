"""What ``train-fusion`` and ``robustness`` share: their examples, and the options that say which sessions to take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge.inference.store import ModelStore
from quantize.commands import options
from quantize.commands.options import RUNS

if TYPE_CHECKING:
    from quantize.fusion.parts import Parts

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


def session_options(command: argparse.ArgumentParser) -> None:
    """Adds where the sessions come from and how many to take, for ``parts`` and ``run_folder``."""
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="ROOT", help="holds the data sets' folders")
    source.add_argument("--paired", type=Path, metavar="DIR", help="real sessions: recordings and their labels.csv")
    command.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help=f"trained branches ({RUNS})")
    command.add_argument("--run", type=Path, metavar="DIR", help="of the attention model (RUNS/attention)")
    options.models_option(command)
    command.add_argument("--cache", type=Path, metavar="DIR", help="what branches answered (~/.cache/affectfusion)")
    command.add_argument("--sessions", type=options.positive, metavar="N", help="for a trial: just N of each part")


def parts(arguments: argparse.Namespace) -> Parts:
    """The sessions to train, choose and test on. Raises UserError where data, runs or models are missing."""
    from quantize.fusion import paired
    from quantize.fusion.parts import Sizes, load

    if arguments.paired:
        folder = options.data_folder(arguments, "paired")
        return paired.load(folder, ModelStore(arguments.models), arguments.sessions)
    sizes = Sizes() if arguments.sessions is None else Sizes(*[arguments.sessions] * 3)
    return load(options.data_folder(arguments), arguments.runs, ModelStore(arguments.models), sizes)


def paired_name(arguments: argparse.Namespace) -> str | None:
    """What the set of real sessions is called; None where they are put together."""
    return arguments.paired.resolve().name if arguments.paired else None


def run_folder(arguments: argparse.Namespace) -> Path:
    """Where the attention model is trained."""
    return Path(arguments.run or arguments.runs / "attention")
