"""The command ``explain``, with a sub-command for each branch that can be explained."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.signals import EMOTIONS
from quantize import explain
from quantize.branches import BRANCHES
from quantize.commands import options
from quantize.explain import Explained

EXAMPLES = """\
examples:
  affect-quantize explain face_emotion --data fer2013plus --html faces.html
  affect-quantize explain face_emotion --data fer2013plus --html sad.html --emotion sad --count 40
  affect-quantize explain engagement --data daisee_landmarks --html states.html --json states.json
  affect-quantize explain engagement --data daisee_landmarks --clips 1429 --permutations 20
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its branches and their options."""
    summary = "say in words and as a page where the face network looks, or what moves the four states"
    command = options.sub_parser(commands, "explain", summary, examples=EXAMPLES)
    branches = command.add_subparsers(metavar="BRANCH", required=True)
    _face(branches)
    _states(branches)


def _face(branches: options.Commands) -> None:
    about = "Grad-CAM on the test pictures, right and wrong ones, and what hiding the places costs that matter most"
    face = options.sub_parser(branches, "face_emotion", about, examples=EXAMPLES)
    options.run_option(face)
    face.add_argument(
        "--count", type=options.positive, default=24, metavar="N", help="pictures in the page (default: 24)"
    )
    face.add_argument("--emotion", choices=EMOTIONS, metavar="NAME", help=f"only these: {', '.join(EMOTIONS)}")
    _common(face, _explain_face)


def _states(branches: options.Commands) -> None:
    about = "Shapley values of the shipped model's features and of the parts of a face, on people it was not trained on"
    states = options.sub_parser(branches, "engagement", about, examples=EXAMPLES)
    options.models_option(states)
    states.add_argument(
        "--clips", type=options.positive, default=300, metavar="N", help="drawn from all (default: 300)"
    )
    states.add_argument(
        "--permutations", type=options.even, default=6, metavar="N", help="for each clip, even (default: 6)"
    )
    _common(states, _explain_states)


def _common(command: argparse.ArgumentParser, action: Callable[[argparse.Namespace], Explained]) -> None:
    command.set_defaults(command=partial(_explain, action))
    options.data_option(command)
    command.add_argument("--html", type=Path, metavar="FILE", help="write the page with plots there")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="fixes everything drawn (default: 1)")
    options.cache_option(command)


def _explain(action: Callable[[argparse.Namespace], Explained], arguments: argparse.Namespace) -> int:
    from quantize.files import write_bytes, write_json

    options.check_report(arguments)
    found = action(arguments)
    if arguments.json:
        write_json(arguments.json, found.report)
    if arguments.html:
        write_bytes(arguments.html, found.page.encode())
    print("\n".join(found.sentences))
    return 0


def _explain_face(arguments: argparse.Namespace) -> Explained:
    data, run = options.data_folder(arguments), options.run_folder(BRANCHES["face_emotion"], arguments)
    return explain.face_emotion(data, run, arguments.count, arguments.seed, arguments.emotion)


def _explain_states(arguments: argparse.Namespace) -> Explained:
    effort = arguments.clips, arguments.permutations, arguments.seed
    return explain.engagement(options.data_folder(arguments), arguments.models, *effort)
