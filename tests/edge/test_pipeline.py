"""The loop's inside on drawn learners and real models, on a clock that nobody has to wait for."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import pytest

from edge.capture.drawn import DrawnCamera
from edge.capture.pictures import UprightCamera
from edge.capture.sound_file import SoundFileMicrophone
from edge.clock import ManualClock
from edge.config import MODELS, Deployment, Fusion, Perception, Settings
from edge.demo.lesson import SOUND
from edge.drawing import APPEARANCES, Expression, Pose, render
from edge.drawing.backdrop import classroom
from edge.drawing.scene import Placement, compose
from edge.inference.store import ModelStore
from edge.perception import neutral, open_mesh
from edge.perception.tracking import Tracker
from edge.pipeline import BLIND_S, Pipeline
from edge.privacy.gate import Gate
from edge.publish.payloads import affect_payload
from edge.publish.schema import encode
from edge.signals import (
    ENGAGEMENT_STATES,
    SAMPLE_RATE,
    Abstention,
    Affect,
    AudioChunk,
    Contribution,
    Face,
    Frame,
    Reading,
    Uint8Image,
    Utterance,
)
from edge.state import StateFolder

RATE_HZ = 7.5
WIDTH, HEIGHT = 640, 360
ROOM = Deployment("research", "US", "signed forms, class 7b", "room", 5)
SELF = Deployment("wellbeing", "US", "the learner's own device", "self", 1)
NOBODY = classroom(WIDTH, HEIGHT)
BLACK = np.zeros_like(NOBODY)


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(MODELS)


def pipeline(store: ModelStore, deployment: Deployment = ROOM, perception: Perception | None = None) -> Pipeline:
    return Pipeline(Settings(deployment=deployment, perception=perception or Perception()), store)


def drawn(learners: int, width: int = WIDTH, height: int = HEIGHT) -> Uint8Image:
    return DrawnCamera(learners, width, height, RATE_HZ, ManualClock()).read().image


def show(loop: Pipeline, pictures: Iterable[Uint8Image], start: float = 0.0) -> float:
    """Shows one picture a look, and returns the time of the last."""
    time = start
    for number, picture in enumerate(pictures):
        time = start + number / RATE_HZ
        loop.see(Frame(picture, time))
    return time


def still(picture: Uint8Image, seconds: float) -> list[Uint8Image]:
    return [picture] * round(seconds * RATE_HZ)


def assert_publishable(affect: Affect, deployment: Deployment = ROOM) -> None:
    encode("affect", affect_payload(Gate(deployment, StateFolder(None)).admit(affect), 0, 0.0))


def chunks(seconds: float) -> Iterator[AudioChunk]:
    """The bundled lesson's sound, in which somebody speaks after 12 s."""
    microphone = SoundFileMicrophone(SOUND, ManualClock())
    while (chunk := microphone.read()) is not None and chunk.end <= seconds:
        yield chunk
    microphone.close()


@pytest.fixture(scope="module")
def lesson(store: ModelStore) -> list[Affect]:
    """What the box says each second of fifteen with six learners."""
    clock = ManualClock()
    camera = DrawnCamera(6, WIDTH, HEIGHT, 15.0, clock)
    loop = pipeline(store)
    states: list[Affect] = []
    while clock.now() < 15.0:
        loop.see(camera.read())
        if clock.now() >= len(states) + 1:
            states.append(loop.assess(clock.now()))
    return states


def test_every_second_gives_a_publishable_score_of_the_whole_room(lesson: list[Affect]) -> None:
    for state in lesson:
        assert_publishable(state)
        assert state.abstain is None
        assert state.group == 6
        assert state.valence is not None
        assert state.satisfaction is not None
        assert state.reliability["face"] > 0.5
        assert "speech" not in state.reliability


def test_engagement_is_given_once_half_its_window_was_seen(lesson: list[Affect]) -> None:
    given = [state.time for state in lesson if state.engagement is not None]
    assert given == [state.time for state in lesson if state.time >= given[0]]
    assert 4.5 <= given[0] <= 6.5


def test_scores_of_a_still_room_are_stable(store: ModelStore) -> None:
    loop = pipeline(store)
    picture = drawn(6)
    states = [loop.assess(show(loop, still(picture, 1.0), start=second)) for second in range(9)]
    # what is seen adds up for some seconds before it is as sure as it can be
    assert np.ptp([state.satisfaction for state in states[4:] if state.satisfaction is not None]) < 0.05
    assert all(state.abstain is None for state in states)


def test_looks_no_more_often_than_configured(store: ModelStore) -> None:
    loop = pipeline(store)
    looked = sum(loop.see(Frame(NOBODY, number / 30)) for number in range(60))
    assert looked == pytest.approx(2 * RATE_HZ, abs=1)


def test_a_camera_slower_than_configured_is_looked_at_whenever_it_delivers(store: ModelStore) -> None:
    loop = pipeline(store)
    assert all(loop.see(Frame(NOBODY, number / 5)) for number in range(10))


def test_nobody_is_gone_because_a_busy_device_looks_seldom(store: ModelStore) -> None:
    loop = pipeline(store)
    picture = drawn(6)
    for look in (0.0, 1.8, 3.6):
        loop.see(Frame(picture, look))
        state = loop.assess(look + 1.7)
        assert state.abstain is None
        assert state.group == 6


def test_each_stage_of_the_loop_is_timed(store: ModelStore) -> None:
    loop = pipeline(store)
    loop.assess(show(loop, still(drawn(1), 1.0)))
    assert set(loop.stages.quantile_ms(0.5)) == {"mesh", "face_emotion", "fusion"}
    assert all(duration > 0 for duration in loop.stages.quantile_ms(0.95).values())


def engagement_readings(loop: Pipeline, picture: Uint8Image, seconds: int, start: float = 0.0) -> list[float]:
    """What is said of the boredom of who is in ``picture``, once a second."""
    said = []
    for second in range(seconds):
        loop.see(Frame(picture, start + second))
        engagement = loop.assess(start + second).engagement
        said.append(float("nan") if engagement is None else engagement.boredom)
    return said


def test_after_its_first_minute_a_room_is_read_relative_to_its_neutral(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neutral, "MINUTE_S", 6.0)
    picture = drawn(4)
    relative, absolute = (
        Pipeline(Settings(deployment=SELF, fusion=Fusion(baseline=baseline)), store) for baseline in (True, False)
    )
    told, as_it_is = (engagement_readings(loop, picture, 15) for loop in (relative, absolute))
    assert told[:11] == pytest.approx(as_it_is[:11], nan_ok=True)
    assert abs(told[-1] - as_it_is[-1]) > 0.01
    relative.forget()
    assert engagement_readings(relative, picture, 10, start=100.0) == pytest.approx(as_it_is[:10], nan_ok=True)


# Why there are no scores.


def test_before_the_first_frame_the_box_is_starting(store: ModelStore) -> None:
    assert pipeline(store).assess(5.0).abstain is Abstention.STARTING


def test_a_camera_that_never_delivers_is_no_camera(store: ModelStore) -> None:
    loop = pipeline(store)
    loop.assess(5.0)
    assert loop.assess(5.1 + BLIND_S).abstain is Abstention.NO_CAMERA


def test_a_camera_that_stops_is_no_camera_and_one_that_returns_gives_scores_again(store: ModelStore) -> None:
    loop = pipeline(store)
    six = drawn(6)
    end = show(loop, still(six, 2.0))
    lost = loop.assess(end + BLIND_S + 0.1)
    assert (lost.abstain, lost.group, dict(lost.reliability)) == (Abstention.NO_CAMERA, 0, {})
    end = show(loop, still(six, 2.0), start=end + 30.0)
    assert loop.assess(end).abstain is None


@pytest.mark.parametrize(
    ("picture", "reason"), [(BLACK, Abstention.TOO_DARK), (NOBODY, Abstention.NO_FACES)], ids=["black", "empty"]
)
def test_an_unreadable_picture_gives_its_reason(store: ModelStore, picture: Uint8Image, reason: Abstention) -> None:
    for deployment in (ROOM, SELF):
        loop = pipeline(store, deployment)
        state = loop.assess(show(loop, still(picture, 2.0)))
        assert (state.abstain, state.group) == (reason, 0)
        assert_publishable(state)


def test_light_that_goes_out_and_on_again(store: ModelStore) -> None:
    loop = pipeline(store)
    six = drawn(6)
    end = show(loop, still(six, 2.0))
    end = show(loop, still(BLACK, 2.0), start=end)
    assert loop.assess(end).abstain is Abstention.TOO_DARK
    end = show(loop, still(six, 2.0), start=end)
    assert loop.assess(end).abstain is None


def test_faces_too_small_to_read_are_too_far_or_not_found(store: ModelStore) -> None:
    sprite = render(APPEARANCES[0], Expression(), Pose(), 80)
    for scale in (0.25, 0.4, 0.5):
        loop = pipeline(store, SELF)
        state = loop.assess(show(loop, still(compose(NOBODY, [Placement(sprite, 300, 170, scale)]), 2.0)))
        assert state.abstain in (Abstention.TOO_FAR, Abstention.NO_FACES)
        assert state.satisfaction is None


def test_few_faces_are_scored_on_a_learners_own_device_but_never_in_a_room(store: ModelStore) -> None:
    alone = pipeline(store, SELF)
    seen = alone.assess(show(alone, still(drawn(1), 2.0)))
    own, shared = Gate(SELF, StateFolder(None)).admit(seen), Gate(ROOM, StateFolder(None)).admit(seen)
    assert own.abstain is None
    assert own.satisfaction is not None
    assert shared.abstain is Abstention.TOO_FEW_FACES
    assert (shared.satisfaction, shared.valence, shared.engagement, dict(shared.reliability)) == (None, None, None, {})


# The voice.


@pytest.fixture(scope="module")
def spoken() -> list[AudioChunk]:
    return list(chunks(20.0))


def test_on_a_learners_own_device_the_voice_alone_gives_satisfaction(
    store: ModelStore, spoken: list[AudioChunk]
) -> None:
    loop = pipeline(store, SELF)
    scored: list[Affect] = []
    for chunk in spoken:
        loop.hear(chunk)
        state = loop.assess(chunk.end)
        assert_publishable(state, SELF)
        if state.abstain is None:
            scored.append(state)
    assert scored
    for state in scored:
        assert set(state.reliability) == {"speech"}
        assert state.satisfaction is not None
        assert (state.valence, state.engagement, state.group) == (None, None, 0)
    assert min(state.time for state in scored) > 12.0


def test_in_a_room_the_voice_alone_gives_nothing(store: ModelStore, spoken: list[AudioChunk]) -> None:
    loop = pipeline(store, ROOM)
    for chunk in spoken:
        loop.hear(chunk)
        assert loop.assess(chunk.end).abstain in (Abstention.STARTING, Abstention.NO_CAMERA)


def test_an_empty_seat_is_not_scored_by_a_voice_nearby(store: ModelStore, spoken: list[AudioChunk]) -> None:
    loop = pipeline(store, SELF)
    reasons = set()
    for chunk in spoken:
        loop.see(Frame(NOBODY, chunk.time))
        loop.hear(chunk)
        reasons.add(loop.assess(chunk.end).abstain)
    assert reasons == {Abstention.NO_FACES}


def test_a_voice_is_forgotten_once_its_time_has_passed(store: ModelStore, spoken: list[AudioChunk]) -> None:
    loop = pipeline(store, SELF)
    for chunk in spoken:
        loop.hear(chunk)
    assert "speech" in loop.assess(spoken[-1].end).reliability
    assert "speech" not in loop.assess(spoken[-1].end + 10.0).reliability


def test_the_room_is_known_to_be_silent_only_while_it_is_listened_to(
    store: ModelStore, spoken: list[AudioChunk]
) -> None:
    loop, six = pipeline(store), drawn(6)
    assert loop.assess(show(loop, still(six, 1.0))).voice is None
    for chunk in spoken:
        loop.hear(chunk)
        if 5.0 <= chunk.end < 5.0 + len(chunk.samples) / SAMPLE_RATE:
            assert loop.assess(show(loop, still(six, 1.0), start=4.2)).voice is False
    now = spoken[-1].end
    assert loop.assess(show(loop, still(six, 1.0), start=now - 0.8)).voice is True
    assert loop.assess(show(loop, still(six, 1.0), start=now + 4.0)).voice is None


def test_a_microphone_that_is_switched_off_is_no_silent_room(store: ModelStore) -> None:
    loop = pipeline(store)
    end = show(loop, still(drawn(6), 1.0))
    loop.hear(AudioChunk(np.zeros(SAMPLE_RATE, np.float32), end - 1.0))
    assert loop.assess(end).voice is None
    noise = np.random.default_rng(1).normal(0.0, 1e-3, SAMPLE_RATE).astype(np.float32)
    loop.hear(AudioChunk(noise, end - 1.0))
    assert loop.assess(end).voice is False


# From outside.


def test_modalities_from_outside_move_a_state_and_never_make_one(store: ModelStore) -> None:
    outside = [Contribution("physiology", 0.1, None, 1.0), Contribution("behaviour", None, 0.9, 0.5)]
    loop = pipeline(store)
    nothing = loop.assess(0.0, outside=outside)
    assert (nothing.abstain, dict(nothing.reliability)) == (Abstention.STARTING, {})
    end = show(loop, still(drawn(6), 6.0))
    alone, moved = loop.assess(end), loop.assess(end, outside=outside)
    assert dict(moved.reliability) == {**alone.reliability, "physiology": 1.0, "behaviour": 0.5}
    assert alone.satisfaction is not None and moved.satisfaction is not None
    assert moved.satisfaction < alone.satisfaction
    assert moved.valence == alone.valence
    assert alone.engagement is not None and moved.engagement is not None
    assert moved.engagement.engagement > alone.engagement.engagement
    assert moved.engagement.boredom == alone.engagement.boredom
    assert_publishable(moved)
    small = Gate(Deployment("research", "US", "signed forms", "room", 7), StateFolder(None)).admit(moved)
    assert (small.satisfaction, dict(small.reliability)) == (None, {})


# Memory.


def in_memory(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def test_forgetting_leaves_nothing_of_what_was_seen_and_heard(store: ModelStore, spoken: list[AudioChunk]) -> None:
    before = {kind: in_memory(kind) for kind in (Face, Reading, Utterance)}
    loop = pipeline(store, SELF)
    six = drawn(6)
    for chunk in spoken:
        loop.see(Frame(six, chunk.time))
        loop.hear(chunk)
    now = spoken[-1].end
    assert set(loop.assess(now).reliability) == {"face", "engagement", "speech"}
    assert in_memory(Face) > before[Face]
    assert in_memory(Reading) > before[Reading]
    loop.forget()
    assert {kind: in_memory(kind) for kind in before} == before
    after = loop.assess(now)
    assert (after.abstain, after.group, dict(after.reliability)) == (Abstention.STARTING, 0, {})
    end = show(loop, still(six, 1.0), start=now)
    assert set(loop.assess(end).reliability) == {"face"}


def test_a_group_that_leaves_is_gone_after_the_forward_fill(store: ModelStore) -> None:
    loop = pipeline(store)
    end = show(loop, still(drawn(6), 7.0))
    gone = show(loop, still(NOBODY, 0.5), start=end)
    assert loop.assess(gone).group == 6
    gone = show(loop, still(NOBODY, 1.0), start=gone)
    state = loop.assess(gone)
    assert (state.abstain, state.group, dict(state.reliability)) == (Abstention.NO_FACES, 0, {})


def test_readings_of_who_left_do_not_speak_for_who_stays(store: ModelStore) -> None:
    smiling = render(APPEARANCES[0], Expression(smile=1.0, open=0.35), Pose(), 200)
    frowning = render(APPEARANCES[0], Expression(smile=-1.0, furrow=1.0, brow=-1.0, lids=0.55), Pose(), 200)
    both = compose(NOBODY, [Placement(smiling, 160, 180), Placement(frowning, 480, 180)])
    one = compose(NOBODY, [Placement(frowning, 480, 180)])
    # a drawn frown is nothing that anybody could be sure of
    unsure = Settings(deployment=ROOM, fusion=Fusion(minimum_reliability=0.0))
    left, always = Pipeline(unsure, store), Pipeline(unsure, store)
    end = show(left, still(both, 3.0))
    show(always, still(one, 3.0))
    together = left.assess(end).valence
    for loop in (left, always):
        now = show(loop, still(one, 4.0), start=end)
    stayed, alone = left.assess(now).valence, always.assess(now).valence
    assert together is not None
    assert stayed is not None
    assert stayed < together
    assert stayed == pytest.approx(alone, abs=0.05)


# A lowered rate.


def test_a_third_of_the_looks_give_the_same_room(store: ModelStore) -> None:
    full, lowered = pipeline(store), pipeline(store)
    lowered.rate_hz = RATE_HZ / 3
    looks = []
    for number, picture in enumerate(moving(12.0)):
        frame = Frame(picture, number / RATE_HZ)
        looks.append((full.see(frame), lowered.see(frame)))
    of_full, of_lowered = np.sum(looks, axis=0)
    assert of_lowered == pytest.approx(of_full / 3, abs=1)
    usual, low = full.assess(frame.time), lowered.assess(frame.time)
    assert (low.group, low.abstain) == (usual.group, None)
    assert usual.engagement is not None
    assert low.engagement is not None
    for state in ENGAGEMENT_STATES:
        assert getattr(low.engagement, state) == pytest.approx(getattr(usual.engagement, state), abs=0.05)


def moving(seconds: float) -> Iterator[Uint8Image]:
    """Six drawn learners who sway and change their moods."""
    camera = DrawnCamera(6, WIDTH, HEIGHT, RATE_HZ, ManualClock())
    for _ in range(round(seconds * RATE_HZ)):
        yield camera.read().image


# Who is counted.


def test_seventeen_faces_are_at_most_sixteen(store: ModelStore) -> None:
    loop = pipeline(store)
    state = loop.assess(show(loop, still(drawn(17, 1280, 720), 2.0)))
    assert state.group == 16
    assert_publishable(state)


def test_a_camera_that_is_pushed_does_not_double_the_room(store: ModelStore) -> None:
    sprites = [render(APPEARANCES[look], Expression(), Pose(), 130) for look in range(3)]
    left, right = (
        compose(NOBODY, [Placement(sprite, x + 105 * place, 180) for place, sprite in enumerate(sprites)])
        for x in (60, 370)
    )
    loop = pipeline(store)
    end = show(loop, still(left, 2.0))
    groups = []
    for number, picture in enumerate(still(right, 3.0), start=1):
        loop.see(Frame(picture, end + number / RATE_HZ))
        state = loop.assess(end + number / RATE_HZ)
        groups.append(state.group)
        assert Gate(ROOM, StateFolder(None)).admit(state).satisfaction is None
    assert max(groups) == groups[-1] == 3


def test_a_full_room_that_jumps_stays_publishable(store: ModelStore) -> None:
    loop = pipeline(store)
    room = drawn(16, 1280, 720)
    end = show(loop, still(room, 2.0))
    for number, picture in enumerate(still(np.ascontiguousarray(np.roll(room, 120, axis=1)), 1.0), start=1):
        loop.see(Frame(picture, end + number / RATE_HZ))
        state = loop.assess(end + number / RATE_HZ)
        assert state.group <= 16
        assert_publishable(state)


def crossing(seconds: float) -> Iterator[Uint8Image]:
    """One learner walks in front of another, each to the other's place, and both stay there for a while."""
    left, right = (render(APPEARANCES[look], Expression(), Pose(), 200) for look in (0, 3))
    for number in range(round((seconds + 2.0) * RATE_HZ)):
        way = 360 * min(1.0, number / RATE_HZ / seconds)
        yield compose(NOBODY, [Placement(left, 140 + way, 190), Placement(right, 500 - way, 170)])


@pytest.mark.parametrize("seconds", [3.0, 6.0, 9.0])
def test_two_faces_crossing_are_never_three_and_end_as_two(store: ModelStore, seconds: float) -> None:
    loop = pipeline(store)
    groups = []
    for number, picture in enumerate(crossing(seconds)):
        loop.see(Frame(picture, number / RATE_HZ))
        groups.append(loop.assess(number / RATE_HZ).group)
    assert max(groups) == groups[-1] == 2


def test_two_faces_crossing_slowly_never_become_three_tracks(store: ModelStore) -> None:
    mesh, tracker = open_mesh(Perception(), store), Tracker(1.0)
    tracks = []
    for number, picture in enumerate(crossing(8.0)):
        time = number / RATE_HZ
        tracker.follow(mesh.find(Frame(picture, time)), time)
        tracks.append(len(tracker.alive))
    assert max(tracks) == tracks[-1] == 2


# How the picture comes.


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (3840, 2160)], ids=["4:3", "16:9", "4K"])
def test_every_format_is_scored(store: ModelStore, width: int, height: int) -> None:
    loop = pipeline(store)
    state = loop.assess(show(loop, still(drawn(6, width, height), 1.5)))
    assert (state.group, state.abstain) == (6, None)


class TurnedCamera:
    """A drawn camera mounted on its side or upside down."""

    def __init__(self, turn: int) -> None:
        self._camera = DrawnCamera(6, WIDTH, HEIGHT, RATE_HZ, ManualClock())
        self._turn = turn

    def read(self) -> Frame:
        frame = self._camera.read()
        return Frame(cv2.rotate(frame.image, self._turn), frame.time)

    def close(self) -> None:
        self._camera.close()


@pytest.mark.parametrize(
    ("mounted", "rotation"),
    [(cv2.ROTATE_90_COUNTERCLOCKWISE, 90), (cv2.ROTATE_180, 180), (cv2.ROTATE_90_CLOCKWISE, 270)],
)
def test_a_turned_camera_sees_the_same_room_once_its_rotation_is_set(
    store: ModelStore, mounted: int, rotation: int
) -> None:
    states = []
    for camera in (
        UprightCamera(TurnedCamera(mounted), rotation),
        DrawnCamera(6, WIDTH, HEIGHT, RATE_HZ, ManualClock()),
    ):
        loop = pipeline(store)
        for _ in range(15):
            frame = camera.read()
            assert frame is not None
            loop.see(frame)
        states.append(loop.assess(frame.time))
    assert states[0] == states[1]
    assert states[0].group == 6
