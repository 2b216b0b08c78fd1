from __future__ import annotations

import os
from pathlib import Path

import pytest
from trees import noise, picture

from edge.errors import UserError
from quantize.cli import main
from quantize.datasets import catalogue, paired
from quantize.datasets.layouts import choose


def test_every_layout_says_where_it_comes_from_and_on_what_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    said = capsys.readouterr().out
    for layouts in catalogue.LAYOUTS.values():
        for layout in layouts:
            assert f"{layout.name} (" in said and layout.page in said and layout.terms in said
            assert layout.page.startswith("https://") or layout is paired.LAYOUT
            assert all(file in said for file in layout.files)


def _row(said: str, label: str) -> list[str]:
    return next(line.split()[1:] for line in said.splitlines() if line.startswith(label + " "))


def test_faces_are_counted_by_split_and_label(faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(faces)]) == 0
    said = capsys.readouterr().out
    assert "FER2013 with FER+ votes as NumPy archives, for face_emotion" in said
    assert _row(said, "pictures") == ["112", "32", "32"]
    assert _row(said, "happy") == _row(said, "positive") == ["56", "16", "16"]


def test_clips_are_counted_by_fold(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(clips)]) == 0
    first = capsys.readouterr().out
    assert "DFEW, clips of 16 faces in five official folds, for face_emotion" in first
    assert _row(first, "clips") == ["36", "4", "10"] and _row(first, "pictures") == ["576", "64", "160"]
    assert _row(first, "happy") == _row(first, "positive") == ["18", "2", "5"]
    assert main(["datasets", "--data", str(clips), "--fold", "all"]) == 0
    each = capsys.readouterr().out
    assert [line for line in each.splitlines() if line.startswith("fold")] == [f"fold {fold}" for fold in range(5)]


@pytest.mark.parametrize("fold", ["5", "-1"])
def test_a_fold_that_there_is_not_is_one_line(clips: Path, fold: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(clips), "--fold", fold]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert f"--fold {fold}: DFEW" in said and said.endswith("has the folds 0, 1, 2, 3, 4, all")


def test_landmarks_are_counted_by_split_and_label(landmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(landmarks)]) == 0
    said = capsys.readouterr().out
    assert "DAiSEE as face-mesh landmarks, for engagement" in said
    assert _row(said, "clips") == ["104", "52"] and _row(said, "subjects") == ["8", "4"]


def test_speech_is_counted_by_channel_and_label(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--data", str(voices)]) == 0
    said = capsys.readouterr().out
    assert _row(said, "recordings") == ["240"] and _row(said, "calm") == ["30"]
    assert _row(said, "female") == _row(said, "male") == ["5"]


def test_what_is_skipped_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(100):
        picture(tmp_path / ("happy" if i % 2 else "sad") / f"{i:03d}.png", noise(i, 48, 48))
    (tmp_path / "sad" / "000.png").write_bytes(b"torn")
    said = catalogue.summary(tmp_path)
    assert _row(said, "pictures") == ["99"]
    assert "1 of 100 pictures left out" in caplog.text and "000.png" in caplog.text


def test_the_cache_can_be_put_elsewhere(voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert main(["datasets", "--data", str(voices), "--cache", str(tmp_path / "here")]) == 0
    assert len(list((tmp_path / "here").rglob("*.npz"))) == 240
    assert not (tmp_path / "xdg").exists()


def test_a_folder_that_holds_no_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").mkdir()
    assert main(["datasets", "--data", str(tmp_path)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "not a data set that is known here" in said
    assert all(name in said for name in ("train.npz", "fer2013.csv", "AudioWAV/", "daisee_landmarks.npz"))


@pytest.mark.parametrize("layouts", catalogue.LAYOUTS.values(), ids=catalogue.LAYOUTS)
def test_an_empty_folder_is_none_of_them(layouts: tuple, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="looked for"):
        choose(tmp_path, layouts)


@pytest.mark.parametrize("name", ["fer2013plus", "daisee_landmarks", "ravdess"])
def test_real_data_is_recognised(name: str) -> None:
    folder = Path(os.environ.get("AFFECT_DATA", "")) / name
    if not os.environ.get("AFFECT_DATA") or not folder.is_dir():
        pytest.skip(f"AFFECT_DATA does not name a folder with {name}/ in it")
    found = [layout for layouts in catalogue.LAYOUTS.values() for layout in layouts if layout.recognises(folder)]
    assert len(found) == 1
