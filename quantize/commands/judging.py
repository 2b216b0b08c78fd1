"""What the commands share that judge a shipped branch: its manifest, and its report on a data set."""

from __future__ import annotations

import argparse
from typing import Any

from edge.errors import UserError
from edge.inference.store import Manifest, ModelStore
from quantize.branches.base import Branch
from quantize.commands import options


def shipped(branch: Branch, arguments: argparse.Namespace) -> Manifest:
    """The manifest of the branch in --models, checked against its file. Raises UserError where it cannot be used."""
    return ModelStore(arguments.models).load(branch.name, branch.decisions)[0]


def judge(
    branch: Branch, arguments: argparse.Namespace, manifest: Manifest, quick: bool = False, seen: bool = False
) -> dict[str, Any]:
    """The report of the branch on what --data holds: without the worse conditions if ``quick``, all of it if ``seen``.

    Raises UserError where the manifest does not say what was trained on, or the data are not what they should be.
    """
    from quantize.evaluate import evaluate

    preprocessing = ModelStore(arguments.models).preprocessing(manifest, branch.preprocessing)
    split = manifest.provenance.get("split")
    if not isinstance(split, dict) or "train" not in split:
        raise UserError(f"{arguments.models / branch.name}.json: does not say what was trained on; convert again")
    examples = branch.unseen(options.data_folder(arguments), preprocessing, None if seen else split)
    conditions = () if quick else branch.conditions
    return evaluate(branch, manifest, arguments.models, examples, conditions, seen)
