"""Everything that ships, made again from the data: trained, converted, judged and certified, then held against it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge.errors import UserError
from edge.inference.store import Manifest, ModelStore
from quantize import runs
from quantize.branches.base import Branch, Recipe
from quantize.convert import convert
from quantize.evaluate import COMPARED
from quantize.evaluation import tables
from quantize.evaluation.figures import HEADLINES
from quantize.runs import CONFIG
from quantize.train import train
from quantize.training.checkpoints import CHECKPOINTS, IDENTITY, Checkpoints
from quantize.training.identity import differences

FOLDERS = {"face_emotion": "fer2013plus", "speech_emotion": "ravdess", "engagement": "daisee_landmarks"}
"""Where the data set that a branch ships with lies below --data."""

Verdict = Literal["same", "within interval", "different"]

RUNS, MODELS = "runs", "models"
"""Where runs and converted branches lie in the folder of a reproduction."""

ELSEWHERE = "name a fresh folder with --into"
TAKEN = f"holds something already; {ELSEWHERE}"

JUDGED = ("balanced_accuracy", "auc")
"""The figures that decide whether something else came out."""


@dataclass(frozen=True)
class Comparison:
    """A shipped branch and the one made again. ``rows`` are the figures side by side: name, shipped, again."""

    branch: str
    same_file: bool
    rows: list[tuple[str, str, str]]
    verdict: Verdict

    def __str__(self) -> str:
        """A heading, a table and the verdict."""
        table = tables.markdown(["figure", "shipped", "again"], self.rows)
        file = "the same" if self.same_file else "another"
        return f"{self.branch}\n\n{table}\n\n{self.branch}: {file} file (sha256); {self.verdict}"


def recipe_of(branch: Branch, manifest: Manifest, epochs: int | None = None) -> Recipe:
    """The recipe that the shipped file was made with. Raises UserError where this code has none of its name."""
    made_with = manifest.provenance.get("recipe", {})
    name = made_with.get("name")
    if name not in branch.recipes:
        raise UserError(f"{manifest.name}: ships from the recipe {name!r}, which this code does not have")
    try:
        recipe: Recipe = msgspec.convert(made_with, type(branch.recipes[name]))
    except msgspec.ValidationError as error:
        raise UserError(f"{manifest.name}: ships from a recipe that this code cannot follow ({error})") from error
    return recipe.shortened(epochs) if epochs else recipe


def reproduce(
    branches: Mapping[Branch, Path], shipped: Path, folder: Path, epochs: int | None = None
) -> Iterator[Comparison]:
    """Makes each of ``branches`` again from the data in its folder, into ``folder``; compares it with ``shipped``.

    Each is trained in a process of its own: what Keras names its layers depends on those it made before, and the names
    are in the file. Where the same was interrupted in ``folder``, what was trained is not trained again. Raises
    UserError before the first training where ``folder`` holds anything else or a model is missing.
    """
    store = ModelStore(shipped)
    manifests = {branch: store.load(branch.name, branch.decisions)[0] for branch in branches}
    recipes = {branch: recipe_of(branch, manifest, epochs) for branch, manifest in manifests.items()}
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - {RUNS, MODELS}):
        raise UserError(f"{folder}: {TAKEN}")
    trained = {branch: _trained(folder, branch, data, recipes[branch]) for branch, data in branches.items()}
    for branch, data in branches.items():
        run = folder / RUNS / branch.name
        if not trained[branch]:
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                pool.submit(train, branch, data, recipes[branch], run).result()
        yield compare(manifests[branch], convert(branch, data, run, folder / MODELS))


def _trained(folder: Path, branch: Branch, data: Path, recipe: Recipe) -> bool:
    """Whether ``folder`` holds the whole run. Raises UserError where it holds anything but this run or a part of it."""
    run = folder / RUNS / branch.name
    checkpoints = Checkpoints(run, branch, data, recipe)
    if (run / CONFIG).exists():
        if found := differences(runs.load(run, branch).identity, checkpoints.identity):
            raise UserError(f"{run}: a run with {'; '.join(found)}; {ELSEWHERE}")
        return True
    if (run / CHECKPOINTS / IDENTITY).exists():
        checkpoints.check(ELSEWHERE)
    elif run.exists() or (folder / MODELS / f"{branch.name}.json").exists():
        raise UserError(f"{folder}: {TAKEN}")
    return False


def compare(shipped: Manifest, again: Manifest) -> Comparison:
    """The figures of both, and a verdict.

    ``same`` is the same file with the same figures; ``within interval`` says that the new balanced accuracy and AUC of
    float32 and int8 lie in the intervals of the shipped ones, on as many examples; everything else is ``different``.
    """
    before, after = shipped.figures, again.figures
    rows = [("n", str(before.get("n")), str(after["n"]))]
    for kind in COMPARED:
        for name in HEADLINES:
            was, became = _figure(before, kind, name), _figure(after, kind, name)
            rows.append((f"{tables.ROWS[name]}, {kind}", tables.interval(was), tables.interval(became)))
    rows.append(("agreement", tables.number(before.get("agreement")), tables.number(after["agreement"])))
    same_file = shipped.sha256 == again.sha256
    same_figures = all(was == became for _, was, became in rows)
    if same_file and same_figures:
        verdict: Verdict = "same"
    else:
        inside = all(
            _inside(_figure(before, kind, name), _figure(after, kind, name)) for kind in COMPARED for name in JUDGED
        )
        verdict = "within interval" if inside and before.get("n") == after["n"] else "different"
    return Comparison(shipped.name, same_file, rows, verdict)


def _figure(figures: Mapping[str, Any], kind: str, name: str) -> Mapping[str, float | None]:
    nothing: dict[str, float | None] = dict.fromkeys(("value", "low", "high"))
    found: Mapping[str, float | None] = figures.get(kind, {}).get(name, nothing)
    return found


def _inside(was: Mapping[str, float | None], became: Mapping[str, float | None]) -> bool:
    low, value, high = was["low"], became["value"], was["high"]
    return low is not None and value is not None and high is not None and low <= value <= high
