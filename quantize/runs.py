"""A run: the folder that training leaves behind, with everything needed to convert and judge what it made.

``model.keras`` is the network as the device runs it (batch of one, logits), ``config.json`` a Run, ``metrics.json`` the
development figures and the history of the loss.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge.errors import UserError
from quantize.branches.base import Branch

WEIGHTS, CONFIG, METRICS = "model.keras", "config.json", "metrics.json"

VARIANTS = "variants"
"""Folder, inside a run, of the same network as float32, float16, dynamic-range and int8; no device installs from it."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest will say of how its model was made, plus thresholds and temperature."""

    branch: str
    recipe: dict[str, Any]
    preprocessing: dict[str, Any]
    preprocessing_sha256: str
    thresholds: dict[str, float]
    temperature: float
    split: dict[str, Any]
    development: dict[str, Any]
    versions: dict[str, str]


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
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder / WEIGHTS}: no such file; train again")
    return run
