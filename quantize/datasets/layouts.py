"""What a data set looks like in its folder, where it comes from and on what terms, and how to tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edge.errors import UserError

Loader_co = TypeVar("Loader_co", bound=Callable[..., object], covariant=True)


@dataclass(frozen=True)
class Layout(Generic[Loader_co]):
    """``files`` is what a folder of this layout holds, ``recognises`` whether one does, ``load`` its loader.

    ``splits`` names those that a folder has, in order; none where the data set has no splits.
    """

    name: str
    files: tuple[str, ...]
    page: str
    terms: str
    recognises: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]]
    load: Loader_co


def choose(folder: Path, layouts: Sequence[Layout[Loader_co]]) -> Layout[Loader_co]:
    """The first layout that ``folder`` holds. Raises UserError that lists all that was looked for."""
    for layout in layouts:
        if layout.recognises(folder):
            return layout
    sought = "; ".join(f"{layout.files[0]} ({layout.name})" for layout in layouts)
    raise UserError(f"{folder}: not a data set that is known here; looked for {sought}")
