"""What is slow is done once: files -> arrays, in parallel, into a cache that an interrupted run continues.

Each source has a file of its own in ``CACHE/NAME-FINGERPRINT/``, named by the source's path, size and time: another
preprocessing, or a source that was changed, is computed anew. Crops, landmarks and voices are biometric data: the
cache is a workstation's working data, readable by its owner alone (mode 0700), and never shipped. Delete it at will.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import signal
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import UserError
from edge.features import Preprocessing
from quantize.files import write_bytes

Arrays = Mapping[str, NDArray[Any]]

CACHE: ContextVar[Path | None] = ContextVar("CACHE", default=None)
"""The folder that ``--cache`` names; None for ``$XDG_CACHE_HOME/affectfusion``."""

FEW = 64
"""So many sources are computed sooner than processes are started for them."""


class UnreadableError(Exception):
    """A source among many that cannot be read; says why in a few words."""


class Extraction(Preprocessing, frozen=True):
    """How one source becomes arrays. Its parameters are its fingerprint, and so part of the cache's key."""

    def __call__(self, source: Path) -> Arrays:
        """Named arrays from one file or folder. Raises UnreadableError where it is damaged."""
        raise NotImplementedError


_Job = tuple[Extraction, Path, Path]
"""What to do, with which source, and where the arrays belong."""


def code(*modules: ModuleType) -> str:
    """SHA-256 (hex) of the modules' sources: for extractions whose arithmetic has no version of its own."""
    files = [Path(str(module.__file__)).read_bytes() for module in modules]
    return hashlib.sha256(b"\0".join(files)).hexdigest()


def cache_folder() -> Path:
    """The folder that ``--cache`` names, else ``$XDG_CACHE_HOME/affectfusion``, else ``~/.cache/affectfusion``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return CACHE.get() or Path(base) / "affectfusion"


def extract(
    extraction: Extraction, folder: Path, sources: Sequence[Path], workers: int | None = None
) -> tuple[list[Arrays | None], dict[Path, str]]:
    """The arrays of each of ``sources``, which lie below ``folder``, and why those that have None cannot be read.

    Only what is not in the cache is computed, by ``workers`` processes (default: one for each core). Raises UserError
    where the cache cannot be written or a worker is killed; what was finished stays.
    """
    place = _place(extraction)
    targets = [place / _key(folder, source) for source in sources]
    arrays = [_read(target) for target in targets]
    missing = [i for i, array in enumerate(arrays) if array is None]
    jobs = [(extraction, sources[i], targets[i]) for i in missing]
    flaws = _compute(jobs, len(sources), workers or os.cpu_count() or 1)
    for i in missing:
        arrays[i] = _read(targets[i])
    return arrays, flaws


def _compute(jobs: list[_Job], total: int, workers: int) -> dict[Path, str]:
    """Fills the cache; returns what cannot be read, and why."""
    if not jobs:
        return {}
    name = type(jobs[0][0]).__name__
    bar = tqdm(total=total, initial=total - len(jobs), desc=name, unit="file", leave=False)
    if workers == 1 or len(jobs) <= FEW:
        with bar:
            return _flaws(jobs, map(_extract, jobs), bar)
    # a fresh interpreter for each worker: a copy of one with TensorFlow's threads in it may never come back
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_settle)
    try:
        with bar:
            return _flaws(jobs, pool.map(_extract, jobs, chunksize=8), bar)
    except BrokenProcessPool as error:
        raise UserError(f"{name}: a worker was killed (too little memory?); run again to continue") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _flaws(jobs: list[_Job], reasons: Iterable[str | None], bar: Any) -> dict[Path, str]:
    """The sources that have a reason for not being read, as the reasons come in."""
    flaws: dict[Path, str] = {}
    for (_, source, _), reason in zip(jobs, reasons, strict=True):
        bar.update()
        if reason is not None:
            flaws[source] = reason
    return flaws


def _settle() -> None:
    """One core for each worker; Ctrl-C is for the process that started them."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _extract(job: _Job) -> str | None:
    """Computes one source into its place in the cache; returns why that is not possible."""
    extraction, source, target = job
    try:
        arrays = extraction(source)
    except UnreadableError as error:
        return str(error)
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_bytes(target, content.getvalue())
    return None


def _read(path: Path) -> Arrays | None:
    """What the cache holds there; None for nothing, or for a file that a failing disk left half-written."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _place(extraction: Extraction) -> Path:
    """The folder of one extraction, its owner's alone."""
    place = cache_folder() / f"{type(extraction).__name__}-{extraction.fingerprint()[:16]}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
    except OSError as error:
        raise UserError(f"{place}: cannot be made ({error.strerror}); name another place with --cache") from error
    return place


def _key(folder: Path, source: Path) -> str:
    """A name for what ``source`` is now: path below ``folder``, and size and time of its file or files."""
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    identity = [(str(file.relative_to(folder)), *_size_and_time(file)) for file in files]
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:]}.npz"


def _size_and_time(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
