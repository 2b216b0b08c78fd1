"""What an interrupted training leaves in its run folder, and who may go on from there.

``checkpoints/`` holds a folder for each network of the run and ``run.json``, which tells what the run is made from; it
goes when the run is complete. ``logs/`` is for TensorBoard and stays.
"""

from __future__ import annotations

import json
import shutil
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import UserError
from quantize.files import write_json
from quantize.training.identity import differences, identity

if TYPE_CHECKING:
    from quantize.branches.base import Branch, Recipe

CHECKPOINTS, LOGS, IDENTITY = "checkpoints", "logs", "run.json"


@dataclass(frozen=True)
class Part:
    """The training of one network: what it is called, and where it keeps its checkpoint and logs, if anywhere."""

    name: str
    checkpoint: Path | None = None
    logs: Path | None = None


class Checkpoints:
    """The checkpoints of one run, in ``folder``: nothing is written there before the first network is to be trained.

    ``command`` trains: another one trains other networks from the same, and does not go on from them.
    """

    def __init__(self, folder: Path, branch: Branch, data: Path, recipe: Recipe, command: str = "train") -> None:
        self._folder, self._made_from, self._command, self._prefix = folder, (branch, data, recipe), command, ""

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that the run's networks depend on."""
        return {"command": self._command, **identity(*self._made_from)}

    def check(self, otherwise: str = "--fresh starts over") -> None:
        """Raises UserError where an interrupted run of something else lies here, and says what to do ``otherwise``."""
        path = self._folder / CHECKPOINTS / IDENTITY
        try:
            was = json.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read ({error}); {otherwise}") from error
        if found := differences(was, self.identity):
            raise UserError(f"{path.parent}: an interrupted run with {'; '.join(found)}; {otherwise}")

    def part(self, name: str) -> Part:
        """The part of the run that trains the network called ``name``, begun or not."""
        if not (self._folder / CHECKPOINTS / IDENTITY).exists():
            write_json(self._folder / CHECKPOINTS / IDENTITY, self.identity)
        name = self._prefix + name
        checkpoint, logs = (self._folder / place / name for place in (CHECKPOINTS, LOGS))
        if not checkpoint.exists():
            shutil.rmtree(logs, ignore_errors=True)
        return Part(name, checkpoint, logs)

    def within(self, group: str) -> Checkpoints:
        """The same for one ``group`` of the run's networks, which then have names of their own."""
        within = copy(self)
        within._prefix = f"{self._prefix}{group}-"
        return within

    def discard(self) -> None:
        """Forgets what was trained so far; what it was goes last, so that no part of it passes for another run's."""
        place = self._folder / CHECKPOINTS
        if not (place / IDENTITY).exists():
            return
        for part in filter(Path.is_dir, place.iterdir()):
            shutil.rmtree(part)
        shutil.rmtree(place)
