"""Why a branch says what it says, on data that it was not trained on: in words, as figures and as a page."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import UserError
from quantize.branches import BRANCHES


@dataclass(frozen=True)
class Explained:
    """``sentences`` for the terminal, the ``report`` for JSON, and the ``page`` as HTML."""

    sentences: list[str]
    report: dict[str, Any]
    page: str


def face_emotion(data: Path, folder: Path, count: int, seed: int, emotion: str | None = None) -> Explained:
    """Where the network of the run in ``folder`` looks on the official test pictures, ``count`` of them shown.

    Raises UserError where TensorFlow, the run or the data are missing or not what they should be.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise UserError("explain face_emotion: needs TensorFlow; pip install 'affectfusion-edge[quantize]'")
    from edge.features.face_crop import FaceCrop
    from quantize import runs
    from quantize.explanation import faces, gradcam, pages
    from quantize.training import fitting

    fitting.settle(seed)
    branch = BRANCHES["face_emotion"]
    run = runs.load(folder, branch)
    examples = branch.unseen(data, FaceCrop(), run.split)
    network = gradcam.load(folder / runs.WEIGHTS)
    found = faces.explain(network, examples, branch.labels, run.temperature, count, seed, emotion)
    found.report["sha256"] = hashlib.sha256((folder / runs.WEIGHTS).read_bytes()).hexdigest()
    return Explained(faces.sentences(found.report), found.report, pages.of_faces(found, data.resolve().name))


def engagement(data: Path, models: Path, clips: int, permutations: int, seed: int) -> Explained:
    """What moves the four states of the int8 model in ``models``, on ``clips`` of people it was not trained on.

    Raises UserError where the model or the data are missing or not what they should be.
    """
    from quantize.explanation import pages, states

    found = states.explain(data, models, states.Effort(clips, permutations, seed))
    told = [states.sentence(state, of) for state, of in found.report["states"].items()]
    return Explained(told, found.report, pages.of_states(found))
