"""FER+ votes in their official file, ``fer2013new.csv``: ten people's answers to each picture of FER2013.

Barsoum et al. 2016 (doi:10.1145/2993148.2993165). The lines are in the order of ``fer2013.csv``; a picture that holds
no face has no name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantize.datasets.tables import rows

FILE = "fer2013new.csv"
COLUMNS = (
    *("neutral", "happiness", "surprise", "sadness", "anger"),
    *("disgust", "fear", "contempt", "unknown", "NF"),
)


@dataclass(frozen=True)
class Votes:
    """One picture's: the file's line, ``Training``, ``PublicTest`` or ``PrivateTest``, its name, the ten counts."""

    line: int
    usage: str
    name: str
    counts: tuple[int, ...]


def read(path: Path) -> list[Votes]:
    """Every line of the file. Raises UserError naming it, and the line, where it is not what it should be."""
    return [
        Votes(row.line, row["Usage"], row["Image name"], tuple(row.integer(column, 0, 10) for column in COLUMNS))
        for row in rows(path, ("Usage", "Image name", *COLUMNS))
    ]
