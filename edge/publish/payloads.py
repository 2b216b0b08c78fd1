"""What every message holds: the contract from which the published JSON Schema is generated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from edge.config import Purpose
from edge.signals import Abstention, Affect, Limit, Modality
from edge.signals import Engagement as RoomEngagement

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Signed = Annotated[float, Meta(ge=-1.0, le=1.0)]
Amount = Annotated[float, Meta(ge=0.0)]
Count = Annotated[int, Meta(ge=0)]
Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}$")]
Timestamp = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        extra_json_schema={"format": "date-time"},
    ),
]
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", extra_json_schema={"format": "date"})]

Bucket = Literal["0", "1", "2-4", "5-9", "10-16"]
Label = Literal["boredom", "confusion", "engagement", "frustration"]
SensorState = Literal["opening", "live", "lost", "frozen", "silent", "ended", "closing", "closed", "none"]
HealthLoad = Literal["normal", "overloaded", "hot"]
PrivacyState = Literal["capturing", "muted", "not_declared", "no_consent", "prohibited"]
MutedBy = Literal["command", "button", "console", "unknown"]
AlertKind = Literal[
    "low_engagement",
    "high_confusion",
    "high_frustration",
    "negative_climate",
    "too_lively",
    "too_quiet",
    "too_talkative",
]
AlertPhase = Literal["began", "still", "cleared", "unobserved"]
IgnoredInput = Literal["retained", "too_often", "oversized", "malformed", "small_group", "stale", "future", "flicker"]
Scenario = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,40}$")]
CommandName = Literal["mute", "unmute", "start_session", "end_session", "mark", "scenario"]

_LARGEST_OF_BUCKET: tuple[tuple[int, Bucket], ...] = (
    (0, "0"),
    (1, "1"),
    (4, "2-4"),
    (9, "5-9"),
    (16, "10-16"),
)


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a message."""


class Payload(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="v", tag=1):
    """A whole message; ``v`` is the version of the contract."""


class Engagement(Part, frozen=True):
    """The room's engagement."""

    label: Annotated[Label | None, Meta(description="The likeliest state over its own threshold; null if none is.")]
    boredom: Annotated[Share, Meta(description="Probability of boredom.")]
    confusion: Annotated[Share, Meta(description="Probability of confusion.")]
    engagement: Annotated[Share, Meta(description="Probability of engagement.")]
    frustration: Annotated[Share, Meta(description="Probability of frustration.")]


class ByModality(Part, frozen=True):
    """A share for each modality; one that was not seen or heard is absent, not zero."""

    face: Annotated[Share | UnsetType, Meta(description="Facial expression.")] = UNSET
    engagement: Annotated[Share | UnsetType, Meta(description="Landmark sequences.")] = UNSET
    speech: Annotated[Share | UnsetType, Meta(description="Voice.")] = UNSET
    physiology: Annotated[Share | UnsetType, Meta(description="From outside: wearables, say.")] = UNSET
    behaviour: Annotated[Share | UnsetType, Meta(description="From outside: what an LMS sees, say.")] = UNSET
    text: Annotated[Share | UnsetType, Meta(description="From outside: what is written, say.")] = UNSET


class Reliability(ByModality, frozen=True):
    """How often what each modality says now is right: 0.5 is an even chance, and says nothing.

    One that was not seen or heard is absent, not zero.
    """


class Weights(ByModality, frozen=True):
    """How much of the evidence each modality stands for now: shares that sum to 1, but for rounding."""


class Limits(Part, frozen=True):
    """What most holds the reliability of a modality of the box's own back; one that nothing holds back is absent."""

    face: Annotated[Limit | UnsetType, Meta(description="Facial expression.")] = UNSET
    engagement: Annotated[Limit | UnsetType, Meta(description="Landmark sequences.")] = UNSET
    speech: Annotated[Limit | UnsetType, Meta(description="Voice.")] = UNSET


class AffectPayload(Payload, frozen=True):
    """The room's state over the last window, or the reason why there is none."""

    time: Annotated[Timestamp, Meta(description="When the window ended: RFC 3339, UTC.")]
    sequence: Annotated[Count, Meta(description="Counts up by one a message; starts again when the box does.")]
    window_s: Annotated[Amount, Meta(description="Length of the window in seconds.")]
    group: Annotated[Bucket, Meta(description="How many faces stand behind the numbers.")]
    engagement: Annotated[Engagement | None, Meta(description="Engagement; null if unknown.")]
    valence: Annotated[Signed | None, Meta(description="From -1 (negative) to 1 (positive); null if unknown.")]
    satisfaction: Annotated[Share | None, Meta(description="From 0 to 1; null if unknown.")]
    confidence: Annotated[Share, Meta(description="How far to trust the scores.")]
    reliability: Annotated[
        Reliability,
        Meta(description="How often each modality is right when it looks or sounds as now; 0.5 says nothing."),
    ]
    abstain: Annotated[Abstention | None, Meta(description="Why there are no scores; null if there are.")]
    weights: Annotated[
        Weights | UnsetType, Meta(description="Which modalities carry the scores; absent if unknown or abstaining.")
    ] = UNSET
    limits: Annotated[
        Limits | UnsetType, Meta(description="What holds modalities back; absent if nothing does, or abstaining.")
    ] = UNSET


class AbstainedSeconds(Part, frozen=True):
    """Seconds without scores, by reason; a reason that never applied is absent."""

    not_declared: Annotated[Amount | UnsetType, Meta(description="Purpose or consent not declared.")] = UNSET
    no_consent: Annotated[Amount | UnsetType, Meta(description="Consent was revoked, or has ended.")] = UNSET
    prohibited: Annotated[Amount | UnsetType, Meta(description="The declared use is prohibited.")] = UNSET
    muted: Annotated[Amount | UnsetType, Meta(description="Muted.")] = UNSET
    starting: Annotated[Amount | UnsetType, Meta(description="Not yet a full window.")] = UNSET
    no_camera: Annotated[Amount | UnsetType, Meta(description="No camera.")] = UNSET
    too_dark: Annotated[Amount | UnsetType, Meta(description="Too dark to see.")] = UNSET
    no_faces: Annotated[Amount | UnsetType, Meta(description="Nobody in view.")] = UNSET
    too_far: Annotated[Amount | UnsetType, Meta(description="Faces too small.")] = UNSET
    too_few_faces: Annotated[Amount | UnsetType, Meta(description="Below the minimum group.")] = UNSET
    unreliable: Annotated[Amount | UnsetType, Meta(description="No modality was reliable.")] = UNSET
    overloaded: Annotated[Amount | UnsetType, Meta(description="The box could not keep up.")] = UNSET


class SessionSeconds(Part, frozen=True):
    """Where the session's time went; what is neither scored nor abstained went unobserved."""

    total: Annotated[Amount, Meta(description="From the start to the last state.")]
    scored: Annotated[Amount, Meta(description="With scores.")]
    abstained: Annotated[AbstainedSeconds, Meta(description="Without scores, by reason.")]


class LabelShares(Part, frozen=True):
    """Share of the time with known engagement spent under each label."""

    boredom: Annotated[Share, Meta(description="Bored.")]
    confusion: Annotated[Share, Meta(description="Confused.")]
    engagement: Annotated[Share, Meta(description="Engaged.")]
    frustration: Annotated[Share, Meta(description="Frustrated.")]
    none: Annotated[Share, Meta(description="No state over its threshold.")]


class EmotionShares(Part, frozen=True):
    """Share of each emotion in faces and voices together, over the time with any."""

    neutral: Annotated[Share, Meta(description="Neutral or calm.")]
    happy: Annotated[Share, Meta(description="Happy.")]
    surprised: Annotated[Share, Meta(description="Surprised.")]
    sad: Annotated[Share, Meta(description="Sad.")]
    angry: Annotated[Share, Meta(description="Angry.")]
    disgust: Annotated[Share, Meta(description="Disgusted.")]
    fear: Annotated[Share, Meta(description="Afraid.")]


class Half(Part, frozen=True):
    """One half of the session."""

    engaged: Annotated[Share | None, Meta(description="Share of the time under the label engagement; null if unknown.")]
    satisfaction: Annotated[Share | None, Meta(description="Mean over time; null if never known.")]
    coverage: Annotated[Share, Meta(description="Share of it with scores.")]


class Halves(Part, frozen=True):
    """The session in two, to the nearest minute."""

    first: Annotated[Half, Meta(description="The first half.")]
    second: Annotated[Half, Meta(description="The second half.")]


class Activity(Half, frozen=True):
    """What the lesson was marked as, for a time."""

    seconds: Annotated[Amount, Meta(description="How long, in all.")]


class SessionPayload(Payload, frozen=True):
    """The statistics of a session so far; with ``final``, its summary."""

    id: Annotated[Identifier, Meta(description="Names the session; says nothing about people.")]
    started: Annotated[Timestamp, Meta(description="When it began: RFC 3339, UTC.")]
    ended: Annotated[Timestamp | None, Meta(description="When it ended; null while it runs.")]
    final: Annotated[bool, Meta(description="Whether this is the summary.")]
    seconds: Annotated[SessionSeconds, Meta(description="Where the time went.")]
    engagement: Annotated[LabelShares | None, Meta(description="Time under each label; null if never known.")]
    valence: Annotated[Signed | None, Meta(description="Mean over time; null if never known.")]
    satisfaction: Annotated[Share | None, Meta(description="Mean over time; null if never known.")]
    coverage: Annotated[Share, Meta(description="Share of the session with scores.")]
    emotions: Annotated[EmotionShares | None, Meta(description="Emotions in faces and voices; null if never known.")]
    transitions: Annotated[Count, Meta(description="How often the engagement label changed.")]
    longest_low_s: Annotated[
        Amount, Meta(description="Longest unbroken time bored, frustrated or below 0.4 in satisfaction.")
    ]
    halves: Annotated[Halves, Meta(description="The first half beside the second.")]
    activities: Annotated[
        dict[Identifier, Activity], Meta(max_length=40, description="By mark; time without one is in none.")
    ]
    scenario: Annotated[
        Scenario | UnsetType,
        Meta(description="The kind of lesson whose rules make alerts now; absent from what is read back later."),
    ] = UNSET


class AlertPayload(Payload, frozen=True):
    """A state of the room that lasts, or lasted."""

    time: Annotated[Timestamp, Meta(description="When this was said: RFC 3339, UTC.")]
    kind: Annotated[AlertKind, Meta(description="Which state.")]
    phase: Annotated[
        AlertPhase,
        Meta(description="Began; goes on; is over; or nothing is known any more, which ends it too."),
    ]
    since: Annotated[Timestamp, Meta(description="When it began: RFC 3339, UTC.")]
    seconds: Annotated[Amount, Meta(description="From its beginning until now.")]
    share: Annotated[Share, Meta(description="Share of the recent watched time in this state.")]
    scenario: Annotated[Scenario, Meta(description="The kind of lesson whose rules spoke.")]


class IgnoredInputs(Part, frozen=True):
    """Messages of a modality from outside that were ignored, by reason; a reason that never applied is absent."""

    retained: Annotated[Count | UnsetType, Meta(description="Retained: of a moment that is gone.")] = UNSET
    too_often: Annotated[Count | UnsetType, Meta(description="Too soon after the one before.")] = UNSET
    oversized: Annotated[Count | UnsetType, Meta(description="Longer than any message is.")] = UNSET
    malformed: Annotated[Count | UnsetType, Meta(description="Not what the schema says, or out of range.")] = UNSET
    small_group: Annotated[Count | UnsetType, Meta(description="Of fewer people than the minimum group.")] = UNSET
    stale: Annotated[Count | UnsetType, Meta(description="Too old, or no newer than the one before.")] = UNSET
    future: Annotated[Count | UnsetType, Meta(description="From the future, by the box's clock.")] = UNSET
    flicker: Annotated[Count | UnsetType, Meta(description="Of a score that leaps to and fro.")] = UNSET


class InputCounts(Part, frozen=True):
    """What came of a modality from outside, since start; nothing is counted while the box does not capture."""

    taken: Annotated[Count, Meta(description="Messages taken.")]
    ignored: Annotated[IgnoredInputs, Meta(description="Messages ignored, by reason.")]


class InputsHealth(Part, frozen=True):
    """The modalities from outside that the box listens to."""

    physiology: Annotated[InputCounts | UnsetType, Meta(description="What came of it.")] = UNSET
    behaviour: Annotated[InputCounts | UnsetType, Meta(description="What came of it.")] = UNSET
    text: Annotated[InputCounts | UnsetType, Meta(description="What came of it.")] = UNSET


class HealthPayload(Payload, frozen=True):
    """How the box itself is doing."""

    fps: Annotated[Amount, Meta(description="Frames a second that the camera delivers.")]
    rate_hz: Annotated[Amount, Meta(description="Frames a second that are looked at.")]
    target_hz: Annotated[Amount, Meta(description="Frames a second that the box aims to look at now.")]
    load: Annotated[
        HealthLoad,
        Meta(description="Why the box looks less often than configured; normal if it does not."),
    ]
    lag_ms: Annotated[
        Amount | None,
        Meta(description="Longest time from a picture to the state that counts it, since the last message; or null."),
    ]
    dropped_frames: Annotated[Count, Meta(description="Frames replaced by a newer one, since start.")]
    dropped_audio_s: Annotated[Amount, Meta(description="Seconds of sound lost, since start.")]
    latency_ms: Annotated[
        dict[Identifier, Amount], Meta(description="Median milliseconds of each stage of the loop, by name.")
    ]
    rss_mib: Annotated[Amount, Meta(description="Resident memory in MiB.")]
    temperature_c: Annotated[float | None, Meta(description="Of the processor, in degrees Celsius; null if unknown.")]
    undervoltage: Annotated[bool | None, Meta(description="Whether the power supply is too weak; null if unknown.")]
    throttled: Annotated[bool | None, Meta(description="Whether the board slows its processor; null if unknown.")]
    queue: Annotated[Count, Meta(description="Messages the broker has yet to acknowledge.")]
    lost: Annotated[Count, Meta(description="Messages dropped unsent, the oldest of a full outbox, since start.")]
    camera: Annotated[
        SensorState,
        Meta(description="The camera: frozen if its picture stands still, none if none is configured."),
    ]
    microphone: Annotated[
        SensorState,
        Meta(description="The microphone: silent if there is not even noise, none if none is configured."),
    ]
    version: Annotated[Identifier, Meta(description="Version of the software.")]
    runtime: Annotated[Literal["litert", "tflite-runtime"], Meta(description="What runs the models.")]
    models: Annotated[
        dict[Identifier, Digest],
        Meta(description="First 12 hex digits of each model file's sha256, by name."),
    ]
    uptime_s: Annotated[Amount, Meta(description="Seconds since the box started.")]
    inputs: Annotated[
        InputsHealth | UnsetType, Meta(description="Modalities from outside; absent where none is allowed.")
    ] = UNSET


class PrivacyPayload(Payload, frozen=True):
    """Whether the box captures, why, and under which declaration."""

    state: Annotated[
        PrivacyState,
        Meta(
            description="In every state but capturing nothing of camera and microphone is used, and they are closed as "
            "soon as their drivers let go."
        ),
    ]
    reason: Annotated[Line, Meta(description="Why, in words.")]
    since: Annotated[Timestamp, Meta(description="When the state began: RFC 3339, UTC.")]
    minimum_group: Annotated[int, Meta(ge=1, description="Faces that must be in view before any score is given.")]
    muted_by: Annotated[
        MutedBy | None,
        Meta(
            description="What muted it, whatever the state; null if it is not muted. A mute by anything but a command "
            "is lifted at the box only; unknown if its record was damaged."
        ),
    ]
    consent_until: Annotated[
        Date | None,
        Meta(description="The last day of the consent, after which capture closes by itself; null if it has none."),
    ]
    purpose: Annotated[Purpose, Meta(description="What the operator declared the scores are for; empty if undeclared.")]
    jurisdiction: Annotated[Line, Meta(description="Under whose law; empty if undeclared.")]
    mode: Annotated[Literal["room", "self"], Meta(description="A group, or a learner's own device.")]


class CommandPayload(Payload, frozen=True):
    """What the box may be told to do."""

    command: Annotated[CommandName, Meta(description="The command.")]
    name: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,40}$")],
        Meta(description="mark: what the room does from now on, empty for nothing in particular; scenario: which."),
    ] = ""


class InputPayload(Payload, frozen=True):
    """What a modality from outside says of the room, never of a person: a valence, an engagement or both."""

    time: Annotated[Timestamp, Meta(description="When this was so: RFC 3339, UTC.")]
    reliability: Annotated[Share, Meta(description="How far to trust it.")]
    group: Annotated[
        int, Meta(ge=1, le=10_000, description="How many people it speaks of; in a room at least the minimum group.")
    ]
    valence: Annotated[Signed | UnsetType, Meta(description="From -1 (negative) to 1 (positive).")] = UNSET
    engagement: Annotated[Share | UnsetType, Meta(description="From 0 (not engaged) to 1 (engaged).")] = UNSET


def affect_payload(affect: Affect, sequence: int, wall_time: float) -> AffectPayload:
    """Put ``affect`` into its published form; ``wall_time``, seconds since 1970, is when its window ended.

    An abstention carries no scores, whatever stands beside it. Raises ValueError where the group is not in
    0..16, and TypeError for an unknown modality or what is no number.
    """
    scored = affect.abstain is None
    return AffectPayload(
        time=timestamp(wall_time),
        sequence=sequence,
        window_s=float(affect.window_s),
        group=bucket(affect.group),
        engagement=_engagement(affect.engagement) if scored and affect.engagement else None,
        valence=float(affect.valence) if scored and affect.valence is not None else None,
        satisfaction=float(affect.satisfaction) if scored and affect.satisfaction is not None else None,
        confidence=float(affect.confidence) if scored else 0.0,
        reliability=Reliability(**_shares(affect.reliability)),
        abstain=affect.abstain,
        weights=Weights(**_shares(affect.weights)) if scored and affect.weights else UNSET,
        limits=Limits(**{str(name): limit for name, limit in affect.limits.items()})
        if scored and affect.limits
        else UNSET,
    )


def bucket(group: int) -> Bucket:
    """Coarsen the size of a group. Raises ValueError outside 0..16, the most faces the box follows."""
    for largest, name in _LARGEST_OF_BUCKET:
        if 0 <= group <= largest:
            return name
    raise ValueError(f"a group of {group} is not one the box can see (0 to 16)")


def timestamp(wall_time: float) -> str:
    """Write seconds since 1970 as RFC 3339 in UTC with milliseconds, such as 2026-11-20T08:15:00.000Z."""
    moment = datetime.fromtimestamp(wall_time, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shares(modalities: Mapping[Modality, float]) -> dict[str, float]:
    return {name: float(share) for name, share in modalities.items()}


def _engagement(engagement: RoomEngagement) -> Engagement:
    return Engagement(
        label=engagement.label,
        boredom=float(engagement.boredom),
        confusion=float(engagement.confusion),
        engagement=float(engagement.engagement),
        frustration=float(engagement.frustration),
    )
