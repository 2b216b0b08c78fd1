"""What a data set looks like in its folder, where it comes from and on what terms, and how to tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from edge.errors import UserError
from quantize.datasets import FoldChoice

Loader_co = TypeVar("Loader_co", bound=Callable[..., object], covariant=True)


@dataclass(frozen=True)
class Layout(Generic[Loader_co]):
    """``files`` is what a folder of this layout holds, ``recognises`` whether one does, ``load`` its loader.

    ``splits`` names those that a folder has, in order; none where the data set has no splits. ``folds`` are the loaders
    of its official folds where it has some; ``load`` is then the first one's.
    """

    name: str
    files: tuple[str, ...]
    page: str
    terms: str
    recognises: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]]
    load: Loader_co
    folds: Mapping[FoldChoice, Loader_co] = field(default_factory=dict)

    def loader(self, fold: FoldChoice | None = None) -> Loader_co:
        """The loader of ``fold``, or where none is named of the first. Raises UserError where there is no such fold."""
        if fold is None:
            return self.load
        if fold not in self.folds:
            known = f"the folds {', '.join(map(str, self.folds))}" if self.folds else "no folds to choose from"
            raise UserError(f"--fold {fold}: {self.name}: has {known}")
        return self.folds[fold]


def choose(folder: Path, layouts: Sequence[Layout[Loader_co]]) -> Layout[Loader_co]:
    """The first layout that ``folder`` holds. Raises UserError that lists all that was looked for."""
    for layout in layouts:
        if layout.recognises(folder):
            return layout
    sought = "; ".join(f"{layout.files[0]} ({layout.name})" for layout in layouts)
    raise UserError(f"{folder}: not a data set that is known here; looked for {sought}")
