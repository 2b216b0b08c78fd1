"""The loop on a machine that is too slow, in simulated time: it drops, looks less often, says so, and never lags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edge.appliance
from edge.appliance import Appliance
from edge.clock import MonotonicClock
from edge.config import Broker, CameraSettings, Deployment, MicrophoneSettings, Perception, Settings
from edge.demo.lesson import SOUND
from edge.health.board import Board
from edge.perception.voice import GAP_S
from edge.signals import SAMPLE_RATE, Abstention, Affect, AudioChunk, Face, Frame, Utterance

FPS, CHUNK_S = 15.0, 0.1
SCORED = Affect(0.0, 3.0, 6, {"face": 0.9}, valence=0.5, satisfaction=0.75, confidence=0.7)
PICTURE = np.full((36, 64, 3), 128, np.uint8)


class World(MonotonicClock):
    """Time that passes only where work takes it; a camera and a microphone deliver meanwhile, on time."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._frames = self._chunks = 0
        self.box: Appliance | None = None

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += max(0.0, seconds)
        while self.box and self._frames < self._now * FPS:
            self.box._frames.put(Frame(PICTURE, self._frames / FPS))
            self._frames += 1
        while self.box and (self._chunks + 1) * CHUNK_S <= self._now:
            silence = np.zeros(round(CHUNK_S * SAMPLE_RATE), np.float32)
            self.box._sound.push(AudioChunk(silence, self._chunks * CHUNK_S))
            self._chunks += 1


class SlowBox:
    """The appliance with a face mesh and a voice detector that take as long as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, look_s: float = 0.0, hear_s: float = 0.0) -> None:
        self.world = World()
        self.look_s, self.hear_s = look_s, hear_s
        self.looked: list[float] = []
        self.ages_heard: list[float] = []
        self.gaps_heard: list[float] = []
        self._heard_to: float | None = None
        self.states: list[tuple[float, Affect]] = []
        """Each published state, with the age of the newest picture in it."""
        settings = Settings(
            deployment=Deployment("research", "US", "signed forms", "room", 5),
            camera=CameraSettings(source="drawn"),
            microphone=MicrophoneSettings(source="file", path=SOUND),
            perception=Perception(rate_hz=7.5),
            broker=Broker(port=9),
        )
        self.appliance = self.world.box = Appliance(settings, self.world)
        # the world is the only camera and microphone
        self.appliance._obeyed = self.appliance._gate.notice()
        pipeline = self.appliance._pipeline
        # where no frame waits, the world's time passes instead of ours
        monkeypatch.setattr(edge.appliance, "LONGEST_WAIT_S", 0.0)
        monkeypatch.setattr(pipeline.mesh, "find", self._find)
        monkeypatch.setattr(pipeline._voice, "hear", self._hear)
        monkeypatch.setattr(pipeline, "assess", lambda now, priors, outside: SCORED)
        monkeypatch.setattr(self.appliance._publisher, "affect", self._publish)
        monkeypatch.setattr(self.appliance._health, "_board", Board(Path("nowhere")))

    def runs(self, seconds: float) -> None:
        """Turns the loop until ``seconds`` have passed."""
        end = self.world.now() + seconds
        while self.world.now() < end:
            self.world.sleep(0.01)
            self.appliance._turn()

    def _find(self, frame: Frame) -> list[Face]:
        self.world.sleep(self.look_s)
        self.looked.append(frame.time)
        return []

    def _hear(self, chunk: AudioChunk) -> list[Utterance]:
        self.ages_heard.append(self.world.now() - chunk.end)
        if self._heard_to is not None and chunk.time > self._heard_to + 0.01:
            self.gaps_heard.append(chunk.time - self._heard_to)
        self._heard_to = chunk.end
        self.world.sleep(self.hear_s)
        return []

    def _publish(self, affect: Affect) -> None:
        self.states.append((self.world.now() - self.looked[-1] if self.looked else 0.0, affect))

    @property
    def scored_ages(self) -> list[float]:
        return [age for age, affect in self.states if affect.abstain is None]


@pytest.mark.parametrize("hear_s", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("look_s", [0.02, 0.2, 0.4, 0.8])
def test_no_score_lags_more_than_a_second_behind_the_camera(
    look_s: float, hear_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = SlowBox(monkeypatch, look_s, hear_s)
    box.runs(60.0)
    assert len(box.scored_ages) > 20
    assert max(box.scored_ages) < 1.0


@pytest.mark.parametrize("look_s", [1.2, 3.0])
def test_a_box_too_slow_to_keep_up_gives_no_scores_and_says_why(look_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    box = SlowBox(monkeypatch, look_s)
    box.runs(60.0)
    reasons = {affect.abstain for _, affect in box.states}
    assert reasons == {Abstention.OVERLOADED}
    assert all(affect.satisfaction is None and not affect.reliability for _, affect in box.states)
    box.look_s = 0.02
    box.runs(3.0)
    assert box.states[-1][1].abstain is None


@pytest.mark.parametrize("look_s", [0.02, 0.4, 0.8])
@pytest.mark.parametrize("hear_s", [0.0, 0.09, 0.15, 0.5])
def test_no_sound_is_heard_a_second_after_it_was_made(
    look_s: float, hear_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = SlowBox(monkeypatch, look_s, hear_s)
    box.runs(60.0)
    assert box.ages_heard
    assert max(box.ages_heard) < 1.0


@pytest.mark.parametrize("hear_s", [0.12, 0.2, 0.5])
def test_lost_sound_is_one_gap_that_starts_the_voice_afresh_and_never_many_that_are_spliced(
    hear_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = SlowBox(monkeypatch, 0.02, hear_s)
    box.runs(120.0)
    assert box.gaps_heard
    assert min(box.gaps_heard) > GAP_S


def test_sound_is_lost_only_where_hearing_it_takes_longer_than_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = SlowBox(monkeypatch, 0.3, 0.01), SlowBox(monkeypatch, 0.02, 0.15)
    for box in (quick, slow):
        box.runs(60.0)
    assert quick.appliance._sound.dropped_s == 0.0
    assert 15.0 < slow.appliance._sound.dropped_s < 45.0


def test_an_overloaded_box_looks_less_often_says_so_and_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    box = SlowBox(monkeypatch, look_s=0.18)
    assert "looking" not in box.appliance.status
    box.runs(30.0)
    assert "overloaded, looking 3.75 times a second" in box.appliance.status
    before = len(box.looked)
    box.runs(20.0)
    assert (len(box.looked) - before) / 20.0 == pytest.approx(3.75, abs=0.2)
    box.look_s = 0.01
    box.runs(150.0)
    assert "looking" not in box.appliance.status
    before = len(box.looked)
    box.runs(20.0)
    assert (len(box.looked) - before) / 20.0 == pytest.approx(7.5, abs=0.2)


def test_health_tells_the_load_the_rate_and_the_longest_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    box = SlowBox(monkeypatch, look_s=0.4)
    told = []
    monkeypatch.setattr(box.appliance._publisher, "health", told.append)
    box.runs(60.0)
    last = told[-1]
    assert (last.load, last.target_hz) == ("overloaded", 2.5)
    assert 400.0 <= last.lag_ms < 1000.0
    assert last.dropped_frames > 100
    assert (last.temperature_c, last.undervoltage, last.throttled) == (None, None, None)
