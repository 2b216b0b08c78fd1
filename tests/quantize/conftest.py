from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from quantize.conversion import gate
from quantize.extraction import CACHE


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test extracts into a cache of its own and leaves none behind."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    token = CACHE.set(None)
    yield folder / "affectfusion"
    CACHE.reset(token)


@pytest.fixture
def at_any_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Post-training int8 is kept whatever it costs a network that has hardly learned anything."""
    monkeypatch.setattr(gate, "DROP", 1.0)
    monkeypatch.setattr(gate, "AGREEMENT", 0.0)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FER2013 with FER+ votes in miniature: happy pictures are bright below, sad ones above."""
    folder = tmp_path_factory.mktemp("fer2013plus")
    rng = np.random.default_rng(0)
    for split, count in (("train", 112), ("valid", 32), ("test", 32)):
        happy = np.arange(count) % 2 == 0
        ramp = np.linspace(-60, 60, 48)[None, :, None] * np.where(happy, 1, -1)[:, None, None]
        images = np.clip(128 + ramp + rng.normal(0, 20, (count, 48, 48)), 0, 255).astype(np.uint8)
        votes = np.zeros((count, 10), np.uint8)
        votes[np.arange(count), np.where(happy, 1, 3)] = 8
        votes[:, 0] = 2
        np.savez(
            folder / f"{split}.npz",
            images=images,
            ferplus_votes=votes,
            binary_ferplus=np.where(happy, 0, 1).astype(np.int8),
            dup_group=np.arange(count, dtype=np.int32),
            leak=np.zeros(count, bool),
        )
    return folder


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DFEW in miniature: fifty clips, of which each fold tests ten; the odd, happy, are bright below, the sad above.

    A corner of every picture tells its clip, by its number times five, and another its frame, by ten times its number.
    """
    folder = tmp_path_factory.mktemp("dfew")
    rng = np.random.default_rng(0)
    ramp = np.linspace(-60, 60, 48)[:, None]
    numbers = np.arange(1, 51)
    for number in numbers:
        place = folder / "Clip" / "clip_224x224_16f" / f"{number:05d}"
        place.mkdir(parents=True)
        for frame in range(1, 17):
            image = 128 + (ramp if number % 2 else -ramp) + rng.normal(0, 20, (48, 48))
            image[:8, :8], image[:8, -8:] = 5 * number, 10 * frame
            cv2.imwrite(str(place / f"{number}_{frame}.jpg"), np.clip(image, 0, 255).astype(np.uint8))
    for fold in range(5):
        tested = (numbers - 1) // 2 % 5 == fold
        for part, rows in (("test", numbers[tested]), ("train", numbers[~tested])):
            table = folder / "EmoLabel_DataSplit" / f"{part}(single-labeled)" / f"set_{fold + 1}.csv"
            table.parent.mkdir(parents=True, exist_ok=True)
            table.write_text("\n".join(["video_name,label", *(f"{row:05d},{1 if row % 2 else 2}" for row in rows)]))
    return folder


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RAVDESS in miniature: ten actors, eight emotions, three times each; each emotion hums at its own pitch."""
    folder = tmp_path_factory.mktemp("ravdess")
    rng = np.random.default_rng(0)
    seconds = np.arange(16_000) / 16_000
    for actor in range(1, 11):
        place = folder / "speech" / f"Actor_{actor:02d}"
        place.mkdir(parents=True)
        for emotion in range(1, 9):
            pitch = 100 + 15 * emotion + actor
            hum = sum(np.sin(2 * np.pi * pitch * k * seconds) / k for k in range(1, 20))
            syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * seconds)
            for statement, repetition in ((1, 1), (1, 2), (2, 1)):
                samples = 0.1 * hum * syllables + rng.normal(0, 0.001, len(seconds))
                name = f"03-01-{emotion:02d}-01-{statement:02d}-{repetition:02d}-{actor:02d}.wav"
                soundfile.write(place / name, np.pad(samples, 4_000).astype(np.float32), 16_000)
    return folder


@pytest.fixture(scope="session")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DAiSEE landmarks in miniature: twelve subjects, thirteen stills each; the bored look down."""
    folder = tmp_path_factory.mktemp("daisee_landmarks")
    rng = np.random.default_rng(0)
    count = 156
    head = rng.normal(0, 20, (478, 3))
    head[33], head[263], head[1] = (-20, -10, 10), (20, -10, 10), (0, 0, -20)
    shapes = head + rng.normal(0, 1.0, (count, 478, 3))
    labels = rng.integers(0, 4, (count, 4)).astype(np.int8)
    shapes[:, 10:30, 1] += 3.0 * labels[:, :1]
    subjects = np.array([f"s{i // 13:02d}" for i in range(count)])
    np.savez(
        folder / "daisee_landmarks.npz",
        landmarks=shapes.astype(np.float16),
        found=np.ones(count, bool),
        subject=subjects,
        split=np.where(np.arange(count) < 104, "Train", "Validation"),
        labels=labels,
    )
    return folder
