"""One loader per data set, in its official layout; what is wrong with a folder is named with its first wrong file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError

Split = Literal["train", "valid", "test"]

FoldChoice = int | Literal["all"]
"""An official fold of a data set, from 0; or all of them, in turn or together."""
ALL: Literal["all"] = "all"


def read_npz(path: Path, fields: tuple[str, ...]) -> Mapping[str, NDArray[Any]]:
    """The named ``fields`` (and ``aspect`` where there is one) of a NumPy archive.

    Raises UserError naming the file, and the field, where something is missing, malformed or of unequal length.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [field for field in fields if field not in archive]
            if missing:
                raise UserError(f"{path}: has no field {missing[0]!r}; is this the right data set?")
            content = {field: archive[field] for field in (*fields, "aspect") if field in archive}
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; --data names the data set's own folder") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a readable NumPy archive ({error})") from error
    lengths = {len(content[field]) for field in fields}
    if len(lengths) != 1 or 0 in lengths:
        raise UserError(f"{path}: fields {', '.join(fields)} are empty or differ in length")
    return content


def whole(values: NDArray[Any], low: int, high: int) -> bool:
    """Whether ``values`` are all whole numbers from ``low`` to ``high``, stored as numbers of any kind or as bool."""
    return values.dtype.kind in "biuf" and bool(
        np.all((values >= low) & (values <= high) & (values == np.floor(values)))
    )
