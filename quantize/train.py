"""Training a branch into a run folder."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import msgspec

from quantize.branches.base import Branch, Fold, Recipe
from quantize.certificates import provenance
from quantize.files import write_bytes, write_json
from quantize.runs import CONFIG, METRICS, WEIGHTS, FoldRun, Run, fold_weights
from quantize.training.checkpoints import Checkpoints


def train(branch: Branch, data: Path, recipe: Recipe, folder: Path, fresh: bool = False) -> Run:
    """Trains ``branch`` on the data set in ``data``, writes the run to ``folder`` and returns it.

    Where the same training was interrupted in ``folder`` it goes on after its last whole epoch, unless ``fresh``, and
    comes to the same weights. Raises UserError where the data are not what the branch needs, and nothing is written
    then; or where the interrupted training was another one.
    """
    checkpoints = Checkpoints(folder, branch, data, recipe)
    if fresh:
        checkpoints.discard()
    checkpoints.check()
    fitted = branch.fit(data, recipe, checkpoints)
    run = Run(
        branch=branch.name,
        recipe=dataclasses.asdict(recipe),
        preprocessing=msgspec.to_builtins(fitted.preprocessing),
        preprocessing_sha256=fitted.preprocessing.fingerprint(),
        thresholds=fitted.thresholds,
        temperature=fitted.temperature,
        split=fitted.split,
        development=fitted.development,
        versions=provenance.versions(),
        folds=tuple(map(_fold_run, fitted.folds)),
        tested_by_folds=fitted.tested_by_folds,
        identity=checkpoints.identity,
    )
    networks = {WEIGHTS: fitted.model} | {fold_weights(i): fold.model for i, fold in enumerate(fitted.folds)}
    with tempfile.TemporaryDirectory() as temporary:
        for name, network in networks.items():
            network.save(Path(temporary) / name)
            write_bytes(folder / name, (Path(temporary) / name).read_bytes())
    write_json(folder / METRICS, {"development": fitted.development, "history": fitted.history})
    write_json(folder / CONFIG, msgspec.to_builtins(run))
    checkpoints.discard()
    return run


def _fold_run(fold: Fold) -> FoldRun:
    return FoldRun(
        preprocessing=msgspec.to_builtins(fold.preprocessing),
        preprocessing_sha256=fold.preprocessing.fingerprint(),
        thresholds=fold.thresholds,
        temperature=fold.temperature,
        split=fold.split,
    )
