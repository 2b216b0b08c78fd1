"""The command ``train``."""

from __future__ import annotations

import argparse

from quantize.branches.base import Branch
from quantize.commands import options
from quantize.commands.training import chosen_recipe, resumable, training_options

EXAMPLES = """\
examples:
  affect-quantize train speech_emotion --data ravdess
  affect-quantize train speech_emotion --data ravdess --fold 0 --run runs/speech_emotion-0
  affect-quantize train speech_emotion --data ravdess --recipe random-split --run runs/speech_emotion-random
  affect-quantize train face_emotion --data DFEW --recipe affectfusion-2025 --fold all
  affect-quantize train engagement --data daisee_landmarks --epochs 2 --run runs/try
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    command = options.branch_parser(commands, "train", _train, "train a branch into a run folder", examples=EXAMPLES)
    options.run_option(command)
    training_options(command)
    options.fold_option(
        command, "the fold to keep for the test: of actors (speech_emotion), or the official one of DFEW"
    )


def _train(branch: Branch, arguments: argparse.Namespace) -> int:
    from quantize.certificates.certificate import brief
    from quantize.train import train

    folder = options.run_folder(branch, arguments)
    with resumable(folder):
        data, recipe = options.data_folder(arguments), chosen_recipe(branch, arguments)
        run = train(branch, data, recipe, folder, arguments.fresh)
    print(
        f"written to {folder}; {'across folds' if run.judges else 'on the data that set the thresholds'}: "
        f"{brief(run.development)}"
    )
    return 0
