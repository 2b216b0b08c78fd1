"""Real sessions: a miniature of a set in which learners were filmed with sound, from its recordings to the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.config import MODELS
from edge.demo.lesson import SOUND
from edge.errors import UserError
from edge.inference.store import ModelStore
from quantize.cli import main
from quantize.datasets.paired import SPLITS
from quantize.extraction import CACHE
from quantize.fusion import damages, paired, training
from quantize.fusion import parts as parts_of
from quantize.fusion.material import OWN
from quantize.fusion.parts import Parts
from quantize.fusion.training import DEFAULT, Windows

pytest.importorskip("tensorflow", reason="the workstation's extra [quantize] is not installed")

SECONDS, FPS = 64, 7.5
CASES, CONDITIONS = ("clean", "occlusion_60", "all_missing_60"), ("clean", "occlusion_60", "jitter_3")
HEADER = "recording,person,split,from_s,to_s,valence,boredom,confusion,engagement,frustration"


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """A few cases stand for all, which would take minutes."""
    cases = [case for case in damages.cases() if case.name in CASES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damages, "cases", lambda: cases)
        patch.setattr(parts_of, "under", lambda branch: [one for one in branch.hardships if one.name in CONDITIONS])
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One drawn learner in each split, rated for just over a minute; of some seconds no state is known."""
    made, lines = tmp_path_factory.mktemp("paired"), [HEADER]
    samples, rate = soundfile.read(SOUND)
    for seed, split in enumerate(SPLITS):
        camera = DrawnCamera(1, 320, 240, FPS, ManualClock(), seed=seed)
        writer = cv2.VideoWriter(str(made / f"{split}.avi"), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (320, 240))
        for _ in range(round(SECONDS * FPS)):
            writer.write(camera.read().image)
        writer.release()
        soundfile.write(made / f"{split}.wav", samples[: SECONDS * rate], rate)
        lines.append(f"{split}.avi,{split}-person,{split},1,31,positive,0,0,3,1")
        lines.append(f"{split}.avi,{split}-person,{split},31,{SECONDS},negative,3,,1,")
    (made / "labels.csv").write_text("\n".join(lines) + "\n")
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared-cache")


@pytest.fixture(scope="module")
def parts(folder: Path, cache: Path, few: None) -> Parts:
    token = CACHE.set(cache)
    found = paired.load(folder, ModelStore(MODELS))
    CACHE.reset(token)
    return found


def test_a_session_is_what_one_person_showed_and_said_at_that_moment(parts: Parts) -> None:
    sessions = parts.test.sessions
    assert sessions.positive.shape == (1, paired.SECONDS)
    assert sessions.positive[0].tolist() == [1] * 30 + [0] * 30
    assert sessions.high[0, 0].tolist() == [0, 0, 1, 0] and sessions.high[0, -1].tolist() == [1, -1, 0, -1]
    assert (sessions.face[0] >= 0).all(), "a face in every second"
    # the first windows hold too little of a face
    assert (sessions.clip[0] >= 0).tolist() == [False] * 3 + [True] * 57
    heard = sessions.voice[0] >= 0
    assert 0 < heard.sum() < 30
    for name, rows in (("face", sessions.face), ("engagement", sessions.clip), ("speech", sessions.voice)):
        assert rows.max() < len(parts.test.answers[name].truth)
    truth = parts.test.answers["speech"].truth[sessions.voice[0, heard], 0]
    assert np.array_equal(truth, 1 - sessions.positive[0, heard])


def test_nobody_is_in_two_parts(parts: Parts) -> None:
    for name in OWN:
        people = [set(part.answers[name].groups.tolist()) for part in (parts.train, parts.valid, parts.test)]
        assert people == [{f"{split}-person"} for split in SPLITS]


def test_what_nobody_rated_teaches_nothing(parts: Parts) -> None:
    features = training.features_of(parts.train.answers, DEFAULT.steps)
    _, true = Windows(parts.train, features, DEFAULT).draw(16, np.random.default_rng(0))
    assert np.isfinite(true[..., 0]).all() and np.isnan(true[..., 1:]).any() and not np.isnan(true[..., 1:]).all()
    loss, logits = training.loss_of(0.1), np.zeros_like(true)
    moved = np.where(np.isnan(true), 5.0, 0.0).astype(np.float32)
    without = training.loss_of(0.0)
    assert np.allclose(without(true, logits), without(true, moved))
    assert np.isfinite(loss(true, moved)).all()


def test_robustness_reports_on_real_sessions(folder: Path, parts: Parts, cache: Path, tmp_path: Path) -> None:
    arguments = ["--paired", str(folder), "--models", str(MODELS), "--cache", str(cache)]
    outputs = ["--json", str(tmp_path / "r.json"), "--report", str(tmp_path / "r.md")]
    assert main(["robustness", *arguments, *outputs, "--run", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["paired"] == folder.name and found["sessions"] == 1 and found["seconds"] == paired.SECONDS
    assert "lasting" not in found and "first_minute" not in found
    report = (tmp_path / "r.md").read_text()
    assert f"learners of `{folder.name}`" in report and "put together" not in report


def test_a_split_that_is_rated_too_briefly_is_named(folder: Path, tmp_path: Path, cache: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "labels.csv").unlink()
    table = (folder / "labels.csv").read_text().replace(f"valid,31,{SECONDS}", "valid,35,40")
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(UserError, match="nobody of the split 'valid' is rated for 60 s on end"):
        paired.load(tmp_path, ModelStore(MODELS))


def test_real_and_arranged_sessions_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["robustness", "--paired", "a", "--data", "b"])
    assert ended.value.code == 2 and "not allowed with argument" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-fusion", "--paired", str(tmp_path / "none")]) == 2
    assert f"--paired {tmp_path / 'none'}: no such folder" in capsys.readouterr().err
