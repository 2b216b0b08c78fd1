"""The inside of the loop: frames and sound in, the room's Affect out. It knows no hardware, broker or real time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge.branches.engagement import EngagementBranch
from edge.branches.face_emotion import FaceEmotionBranch
from edge.branches.speech_emotion import SpeechEmotionBranch
from edge.config import Settings
from edge.fusion import late, room
from edge.fusion.kinds import open_fusion
from edge.inference.store import ModelStore
from edge.perception import open_mesh
from edge.perception.neutral import Neutral
from edge.perception.quality import (
    DARK,
    SMALLEST_EYE_DISTANCE,
    brightness,
    face_qualities,
    voice_qualities,
)
from edge.perception.tracking import Tracker, eye_distance
from edge.perception.voice import VoiceSegmenter
from edge.perception.windows import LandmarkWindow
from edge.signals import Abstention, Affect, AudioChunk, Contribution, Face, Frame, Modality, Qualities, Reading
from edge.stages import StageTimes

EMOTION_PERIOD_S = 1.0
"""Each face's emotion is read once a second: as often as the room's state is published."""

LIGHT_PERIOD_S = 0.5
"""How often the light is measured."""

_VOICE_REMAINS = (Abstention.STARTING, Abstention.NO_CAMERA, Abstention.TOO_DARK)

BLIND_S = 2.0
"""Without a frame for this long the camera counts as gone."""

DEAF_S = 2.0
"""Without sound for this long nothing is known of voices."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One face of the last look, with the newest reading of its emotion; a person's, so it may go to a screen only."""

    face: Face
    emotion: Reading | None


Observer = Callable[[Sequence[Sighting]], object]


@dataclass(slots=True)
class _Subject:
    """What is remembered of one track while it lives."""

    window: LandmarkWindow
    emotions: deque[Reading] = field(default_factory=lambda: deque(maxlen=32))
    next_emotion: float = float("-inf")
    qualities: Qualities = field(default_factory=dict)


class Pipeline:
    """Perception, branches and fusion in one thread.

    ``see`` and ``hear`` take what was captured, in time order; ``assess`` says what the room's state is. All memory of
    people is in here, and ``forget`` empties it. An ``observer`` is shown each face after each look; no box has one.
    Raises UserError where a model cannot be trusted.
    """

    def __init__(self, settings: Settings, store: ModelStore, observer: Observer | None = None) -> None:
        self._settings = settings
        self._observer = observer
        self.rate_hz = settings.perception.rate_hz
        """Looks a second; may be lowered and raised at any time, as windows are cut by time."""
        self.stages = StageTimes()
        self.mesh = open_mesh(settings.perception, store)
        self.face_emotion = FaceEmotionBranch(store)
        self.engagement = EngagementBranch(store)
        self.speech_emotion = SpeechEmotionBranch(store)
        self._tracker = Tracker(settings.perception.forward_fill_s)
        self._voice = VoiceSegmenter()
        self._fusion = open_fusion(settings.fusion, store, self.engagement.manifest.thresholds)
        self.forget()

    def forget(self) -> None:
        """Forgets everybody and everything seen or heard (mute, consent withdrawn, another camera)."""
        self.mesh.forget()
        self._tracker.forget()
        self._voice.reset()
        self._fusion.forget()
        self._subjects: dict[int, _Subject] = {}
        self._neutral = Neutral()
        self._speech: deque[Reading] = deque(maxlen=16)
        self._listened = float("-inf")
        self._crowd: deque[tuple[float, int]] = deque()
        self._next_look = float("-inf")
        # the last frame's time; before the first one, when it was first missed
        self._awaiting_since: float | None = None
        self._brightness: float | None = None
        self._next_light = float("-inf")

    def due(self, time: float) -> bool:
        """Whether a frame of ``time`` would be looked at."""
        return time >= self._next_look - 0.1 / self.rate_hz

    def see(self, frame: Frame) -> bool:
        """Looks at a frame, if one is due at the configured rate; returns whether it did."""
        if not self.due(frame.time):
            return False
        period = 1.0 / self.rate_hz
        self._next_look = max(self._next_look + period, frame.time + 0.5 * period)
        self._awaiting_since = frame.time
        if frame.time >= self._next_light:
            self._next_light = frame.time + LIGHT_PERIOD_S
            self._brightness = brightness(frame.image)
        with self.stages.timed("mesh"):
            faces = self._tracker.follow(self.mesh.find(frame), frame.time)
        for face in faces:
            self._study(frame, face)
        self._crowd.append((frame.time, len(faces)))
        self._let_go(frame.time)
        if self._observer is not None:
            self._observer([Sighting(face, self._newest_emotion(face)) for face in faces])
        return True

    def hear(self, chunk: AudioChunk) -> None:
        """Takes the next stretch of sound; an utterance that ends in it is read at once."""
        if chunk.samples.any():  # exact silence is a microphone that is switched off, not a quiet room
            self._listened = chunk.end
        with self.stages.timed("voice"):
            utterances = self._voice.hear(chunk)
        for utterance in utterances:
            with self.stages.timed("speech_emotion"):
                self._speech.append(self.speech_emotion.read(utterance, voice_qualities(utterance.samples)))

    def assess(
        self, now: float, priors: Mapping[str, float] = late.NO_PRIORS, outside: Sequence[Contribution] = ()
    ) -> Affect:
        """The room's state at ``now``, or why there is none; ``priors`` as in ``late.engagement``.

        Modalities from ``outside`` move a state that the box has made itself; they never make one.
        """
        if self._blind(now):
            self._let_go(now)
        readings = room.current(self._readings(now), now, self._settings.fusion.window_s)
        with self.stages.timed("fusion"):
            return self._fused(readings, now, priors, outside)

    def _fused(
        self, readings: Sequence[Reading], now: float, priors: Mapping[str, float], outside: Sequence[Contribution]
    ) -> Affect:
        """What ``readings``, all that still count, come to."""
        fusion = self._settings.fusion
        # not the tracks alive: one face that jumps is two of them until the first ends
        group = max((count for _, count in self._crowd), default=0)
        rooms = room.pool(readings)
        fused = self._fusion.fuse(readings, rooms, now)
        reliability: dict[Modality, float] = {name: reading.reliability for name, reading in rooms.items()}
        reason = self._blindness(now, list(self._tracker.alive.values()))
        if reason is not None and not (reason in _VOICE_REMAINS and self._alone and "speech" in rooms):
            return Affect(now, fusion.window_s, group, reliability, abstain=reason)
        positive = [(said.positive, said.reliability) for said in outside if said.positive is not None]
        engaged = [(said.engagement, said.reliability) for said in outside if said.engagement is not None]
        satisfaction, confidence = late.moved((fused.satisfaction, fused.confidence), positive)
        # conflict lowers confidence but is a finding; abstaining is for when nothing can be trusted
        if fused.satisfaction is None or fused.support < fusion.minimum_reliability:
            return Affect(now, fusion.window_s, group, reliability, abstain=Abstention.UNRELIABLE)
        return Affect(
            time=now,
            window_s=fusion.window_s,
            group=group,
            reliability={**reliability, **{said.modality: said.reliability for said in outside}},
            engagement=late.engagement(late.engaged(fused.engagement, engaged), self._fusion.thresholds, priors)
            if fused.engagement is not None
            else None,
            valence=2.0 * rooms["face"].values["positive"] - 1.0 if "face" in rooms else None,
            satisfaction=satisfaction,
            confidence=confidence,
            emotions=room.emotions(rooms),
            voice="speech" in rooms if now - self._listened < DEAF_S else None,
            weights=fused.weights,
            limits=room.limits(readings),
        )

    @property
    def _alone(self) -> bool:
        """On a learner's own device the voice can only be the learner's: it may speak where nothing can be seen."""
        return self._settings.deployment.mode == "self"

    def _study(self, frame: Frame, face: Face) -> None:
        """Adds what one face shows now to what is remembered of its track."""
        subject = self._subjects.get(face.track)
        if subject is None:
            shape = self.engagement.preprocessing
            subject = self._subjects[face.track] = _Subject(LandmarkWindow(shape.steps, shape.rate_hz, shape))
        subject.window.add(face.landmarks, frame.time)
        if frame.time >= subject.next_emotion:
            subject.next_emotion = frame.time + EMOTION_PERIOD_S
            with self.stages.timed("face_emotion"):
                crop = self.face_emotion.preprocessing.cut(frame.image, face.landmarks)
                subject.qualities = face_qualities(frame.image, face, crop)
                subject.emotions.append(self.face_emotion.read(crop, face, subject.qualities))

    def _newest_emotion(self, face: Face) -> Reading | None:
        emotions = self._subjects[face.track].emotions
        return emotions[-1] if emotions else None

    def _let_go(self, now: float) -> None:
        """Forgets the faces that were not seen for too long before ``now``."""
        self._tracker.expire(now)
        self._subjects = {track: s for track, s in self._subjects.items() if track in self._tracker.alive}
        self._neutral.keep(self._subjects)
        while self._crowd and now - self._crowd[0][0] > self._settings.perception.forward_fill_s:
            self._crowd.popleft()

    def _readings(self, now: float) -> list[Reading]:
        """Every reading in memory, with a fresh engagement reading per track that was watched for half a window."""
        readings = list(self._speech)
        for track, subject in self._subjects.items():
            readings.extend(subject.emotions)
            window, covered = subject.window.cut(now)
            if covered >= 0.5:
                if self._settings.fusion.baseline:
                    self._neutral.saw(track, window, now)
                    window = self._neutral.relative(window)
                with self.stages.timed("engagement"):
                    qualities: Qualities = {**subject.qualities, "coverage": covered}
                    readings.append(self.engagement.read(window, now, qualities, track))
        return readings

    def _blind(self, now: float) -> bool:
        """Whether no frame has come for too long; until then, who was there at the last look still is."""
        if self._awaiting_since is None:
            self._awaiting_since = now
        return now - self._awaiting_since > BLIND_S

    def _blindness(self, now: float, faces: list[Face]) -> Abstention | None:
        """Why nothing can be said from the picture, if so."""
        if self._blind(now):
            return Abstention.NO_CAMERA
        if self._brightness is None:
            return Abstention.STARTING
        if self._brightness < DARK:
            return Abstention.TOO_DARK
        if not faces:
            return Abstention.NO_FACES
        if all(eye_distance(face.landmarks) < SMALLEST_EYE_DISTANCE for face in faces):
            return Abstention.TOO_FAR
        return None
