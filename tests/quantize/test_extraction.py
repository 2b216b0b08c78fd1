from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UserError
from edge.features.face_crop import FaceCrop
from quantize import extraction
from quantize.datasets import tolerance
from quantize.datasets.face_pictures import face_crops
from quantize.extraction import CACHE, Arrays, Extraction, UnreadableError, extract


class Doubled(Extraction, frozen=True):
    """Twice the number in a file, noted in ``log`` each time it is computed; ``stop`` is read as Ctrl-C."""

    log: str
    factor: int = 2
    stop: str = ""
    slow_s: float = 0.0

    def __call__(self, source: Path) -> Arrays:
        time.sleep(self.slow_s)
        text = source.read_text() if source.exists() else "nothing"
        if self.stop and source.name == Path(self.stop).read_text():
            raise KeyboardInterrupt
        with Path(self.log).open("a") as log:
            log.write(f"{source.name}\n")
        if not text.isdigit():
            raise UnreadableError("not a number")
        return {"value": np.array(self.factor * int(text))}


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    files = [folder / f"{i:03d}" for i in range(20)]
    for i, file in enumerate(files):
        file.write_text(str(i))
    return files


def computed(log: Path) -> list[str]:
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


def values(arrays: list[Arrays | None]) -> list[int]:
    return [int(array["value"]) for array in arrays if array is not None]


def test_what_was_computed_once_is_not_computed_again(sources: list[Path], tmp_path: Path) -> None:
    log = tmp_path / "log"
    for expected in (20, 0):
        arrays, flaws = extract(Doubled(str(log)), sources[0].parent, sources)
        assert values(arrays) == [2 * i for i in range(20)] and not flaws
        assert len(computed(log)) == expected


def test_an_interrupted_run_continues_where_it_stopped(sources: list[Path], tmp_path: Path) -> None:
    log, stop = tmp_path / "log", tmp_path / "stop"
    stop.write_text("012")
    doubled = Doubled(str(log), stop=str(stop))
    with pytest.raises(KeyboardInterrupt):
        extract(doubled, sources[0].parent, sources)
    assert computed(log) == [f"{i:03d}" for i in range(12)]
    stop.write_text("none")
    arrays, _ = extract(doubled, sources[0].parent, sources)
    assert computed(log) == [f"{i:03d}" for i in range(12, 20)]
    assert values(arrays) == [2 * i for i in range(20)]


def test_a_killed_run_with_several_workers_continues_where_it_stopped(sources: list[Path], tmp_path: Path) -> None:
    for i in range(20, 200):
        (sources[0].parent / f"{i:03d}").write_text(str(i))
    sources = sorted(sources[0].parent.iterdir())
    log = tmp_path / "log"
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        "from test_extraction import CACHE, Doubled, extract\n"
        "if __name__ == '__main__':\n"
        f"    CACHE.set(Path({str(extraction.cache_folder())!r}))\n"
        f"    folder = Path({str(sources[0].parent)!r})\n"
        f"    extract(Doubled({str(log)!r}, slow_s=0.05), folder, sorted(folder.iterdir()), workers=2)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], start_new_session=True, stderr=subprocess.DEVNULL, env=os.environ
    ) as run:
        deadline = time.monotonic() + 60
        while len(log.read_text().split() if log.exists() else []) < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
    before = set(computed(log))
    arrays, _ = extract(Doubled(str(log), slow_s=0.05), sources[0].parent, sources, workers=2)
    after = computed(log)
    assert values(arrays) == [2 * i for i in range(200)]
    # what each of the two workers was at when it was killed is computed twice, nothing else
    assert len(before) >= 20 and len(before & set(after)) <= 2
    assert len(after) == len(set(after)) <= 182


def test_another_preprocessing_is_computed_anew(sources: list[Path], tmp_path: Path) -> None:
    log = tmp_path / "log"
    extract(Doubled(str(log)), sources[0].parent, sources)
    computed(log)
    arrays, _ = extract(Doubled(str(log), factor=3), sources[0].parent, sources)
    assert len(computed(log)) == 20 and values(arrays)[1] == 3


def test_a_changed_source_is_computed_anew(sources: list[Path], tmp_path: Path) -> None:
    log = tmp_path / "log"
    extract(Doubled(str(log)), sources[0].parent, sources)
    computed(log)
    sources[3].write_text("100")
    arrays, _ = extract(Doubled(str(log)), sources[0].parent, sources)
    assert computed(log) == ["003"] and values(arrays)[3] == 200


def test_a_data_set_that_was_moved_is_not_computed_anew(sources: list[Path], tmp_path: Path) -> None:
    log = tmp_path / "log"
    extract(Doubled(str(log)), sources[0].parent, sources)
    computed(log)
    moved = sources[0].parent.rename(tmp_path / "elsewhere")
    extract(Doubled(str(log)), moved, sorted(moved.iterdir()))
    assert computed(log) == []


def test_the_cache_is_its_owners_alone(sources: list[Path], tmp_path: Path, cache: Path) -> None:
    extract(Doubled(str(tmp_path / "log")), sources[0].parent, sources)
    (place,) = cache.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_cache_follows_the_desktops_convention(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert extraction.cache_folder() == tmp_path / "xdg" / "affectfusion"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert extraction.cache_folder() == tmp_path / ".cache" / "affectfusion"


def test_a_cache_that_cannot_be_made_is_one_line(sources: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    CACHE.set(tmp_path / "file")
    with pytest.raises(UserError, match="name another place with --cache"):
        extract(Doubled(str(tmp_path / "log")), sources[0].parent, sources)


def test_a_damaged_cache_file_is_computed_anew(sources: list[Path], tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    extract(Doubled(str(log)), sources[0].parent, sources)
    computed(log)
    next(cache.rglob("*.npz")).write_bytes(b"PK")
    arrays, _ = extract(Doubled(str(log)), sources[0].parent, sources)
    assert len(computed(log)) == 1 and values(arrays) == [2 * i for i in range(20)]


def test_unreadable_sources_are_none_and_tried_again(sources: list[Path], tmp_path: Path) -> None:
    sources[5].write_text("five")
    sources[7].unlink()
    for _ in range(2):
        arrays, flaws = extract(Doubled(str(tmp_path / "log")), sources[0].parent, sources)
        assert [i for i, array in enumerate(arrays) if array is None] == [5, 7]
        assert flaws == {sources[5]: "not a number", sources[7]: "not a number"}
    sources[5].write_text("5")
    arrays, flaws = extract(Doubled(str(tmp_path / "log")), sources[0].parent, sources)
    assert values(arrays)[5] == 10 and list(flaws) == [sources[7]]


def test_one_in_a_hundred_is_tolerated_and_named_two_are_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flaws = {tmp_path / f"{i}.png": "torn" for i in range(5)}
    tolerance.settle(tmp_path, flaws, 500, "pictures")
    assert "5 of 500 pictures left out" in caplog.text
    assert "2.png (torn) and 2 more" in caplog.text and "3.png" not in caplog.text
    with pytest.raises(UserError, match=r"0\.png: torn; 5 of 499 pictures cannot be used, at most 1 % may be"):
        tolerance.settle(tmp_path, flaws, 499, "pictures")


def test_another_crop_is_another_extraction() -> None:
    assert face_crops().fingerprint() == face_crops().fingerprint()
    assert face_crops(crop=FaceCrop(eye_y=0.4)).fingerprint() != face_crops().fingerprint()
