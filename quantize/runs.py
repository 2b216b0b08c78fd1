"""A run: the folder that training leaves behind, with everything needed to convert and judge what it made.

``model.keras`` is the network as the device runs it (batch of one, logits), ``config.json`` a Run, ``metrics.json`` the
development figures and the history of the loss. Where the run was cross-validated, ``fold-0.keras`` and so on are the
networks of its folds. ``logs/`` is for TensorBoard (``tensorboard --logdir RUN/logs``); until a run
is complete, ``checkpoints/`` is where it can be taken up again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge.errors import UserError
from quantize.branches.base import Branch

WEIGHTS, CONFIG, METRICS = "model.keras", "config.json", "metrics.json"

VARIANTS = "variants"
"""Folder, inside a run, of the same network as float32, float16 and dynamic-range; no device installs from it."""


class FoldRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one fold's network is judged with and on: see ``quantize.branches.base.Fold``."""

    preprocessing: dict[str, Any]
    preprocessing_sha256: str
    thresholds: dict[str, float]
    temperature: float
    split: dict[str, Any]


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest will say of how its model was made, plus thresholds and temperature.

    ``tested_by_folds`` says that no data were kept for a test, which the ``folds`` stand instead. ``identity`` is all
    that the weights depend on, as ``quantize.training.identity`` tells it.
    """

    branch: str
    recipe: dict[str, Any]
    preprocessing: dict[str, Any]
    preprocessing_sha256: str
    thresholds: dict[str, float]
    temperature: float
    split: dict[str, Any]
    development: dict[str, Any]
    versions: dict[str, str]
    folds: tuple[FoldRun, ...] = ()
    tested_by_folds: bool = True
    identity: dict[str, Any] = {}

    @property
    def judges(self) -> tuple[FoldRun, ...]:
        """The folds that stand the test; none where data were kept for it."""
        return self.folds if self.tested_by_folds else ()


def fold_weights(number: int) -> str:
    """The file of fold ``number``'s network, inside the run folder."""
    return f"fold-{number}.keras"


def load(folder: Path, branch: Branch) -> Run:
    """The run of ``branch`` in ``folder``. Raises UserError where it is missing, broken or another branch's."""
    path = folder / CONFIG
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Run)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run `affect-quantize train {branch.name}` first") from error
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path}: not a run of this program ({error}); train again") from error
    if run.branch != branch.name:
        raise UserError(f"{path}: is a run of {run.branch!r}, not of {branch.name!r}")
    for name in (WEIGHTS, *map(fold_weights, range(len(run.folds)))):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: no such file; train again")
    return run
