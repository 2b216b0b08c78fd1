"""What the report says of a lesson: one page to read in two minutes, with no request to anywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import jinja2

from edge.session.kept import KeptSession
from edge.session.report.timeline import Timeline, timeline
from edge.session.statistics import Part, activities, halves, together
from edge.session.tally import Tally

TEMPLATE = Path(__file__).with_name("page.html")

STATES = {
    "engagement": "engaged",
    "boredom": "bored",
    "confusion": "confused",
    "frustration": "frustrated",
    "none": "none of these clearly",
}
EMOTIONS = {
    "neutral": "neutral",
    "happy": "happy",
    "surprised": "surprised",
    "sad": "sad",
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
}
REASONS = {
    "not_declared": "purpose or consent were not declared",
    "no_consent": "there was no consent",
    "prohibited": "the declared use is prohibited",
    "muted": "the box was muted",
    "starting": "the box was starting",
    "no_camera": "there was no picture",
    "too_dark": "it was too dark",
    "no_faces": "nobody was in view",
    "too_far": "faces were too small",
    "too_few_faces": "too few faces were in view",
    "unreliable": "nothing seen or heard could be trusted",
    "overloaded": "the box could not keep up",
}
ALERTS = {
    "low_engagement": "boredom that lasted",
    "high_confusion": "confusion that lasted",
    "high_frustration": "frustration that lasted",
    "negative_climate": "a discontented room",
    "too_lively": "a lively room",
    "too_quiet": "a room that kept silent",
    "too_talkative": "a room that kept talking",
}

MOMENT_S = 300.0
"""Length of the best and of the lowest moment named in the report."""


@dataclass(frozen=True)
class Share:
    """One bar: a name, its share 0..1, and the class of its colour."""

    name: str
    share: float
    key: str


@dataclass(frozen=True)
class Row:
    """A stretch in the table of parts: its name, length, and scores (None where unknown)."""

    name: str
    seconds: float
    engaged: float | None
    satisfaction: float | None
    coverage: float


@dataclass(frozen=True)
class Lesson:
    """A session in the words and shapes of the page."""

    title: str
    when: str
    sentence: str
    coverage: float
    engaged: float | None
    satisfaction: float | None
    timeline: Timeline
    states: Sequence[Share]
    emotions: Sequence[Share]
    rows: Sequence[Row]
    highlights: Sequence[str]
    unseen: Sequence[tuple[str, float]]
    remarks: Sequence[str]


def page(sessions: Sequence[KeptSession]) -> str:
    """The page of one session, or of several side by side."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": percent, "minutes": minutes}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        lessons=[describe(session) for session in sessions], alerts=ALERTS
    )


def table(session: KeptSession) -> str:
    """The session as CSV, a line a part: start and length in seconds, coverage, shares and means; empty if unknown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["start_s", "seconds", "activity", "coverage", "valence", "satisfaction"]
        + [f"label_{state}" for state in STATES]
        + [f"emotion_{emotion}" for emotion in EMOTIONS]
    )
    for part in session.parts:
        tally = part.tally
        labels, emotions = tally.label_shares() or {}, tally.emotion_shares() or {}
        numbers = [tally.coverage, tally.valence.mean, tally.satisfaction.mean]
        numbers += [*(labels.get(state) for state in STATES), *(emotions.get(emotion) for emotion in EMOTIONS)]
        cells = ["" if number is None else f"{number:.3f}" for number in numbers]
        writer.writerow([f"{part.start:.1f}", f"{tally.elapsed:.1f}", part.activity, *cells])
    return out.getvalue()


def describe(session: KeptSession) -> Lesson:
    """What the page says of one session."""
    whole = session.whole
    labels, emotions = whole.label_shares(), whole.emotion_shares()
    end = session.started + timedelta(seconds=whole.elapsed)
    return Lesson(
        title=f"{session.site}, {session.room}" + (f": {session.recording.file}" if session.recording else ""),
        when=f"{session.started:%A %d %B %Y, %H:%M} to {end:%H:%M}" + ("" if session.ended else " (not ended yet)"),
        sentence=sentence(whole),
        coverage=whole.coverage,
        engaged=whole.engaged,
        satisfaction=whole.satisfaction.mean,
        timeline=timeline(session),
        states=_bars(labels, STATES),
        emotions=_bars(emotions, EMOTIONS),
        rows=_rows(session),
        highlights=list(_highlights(session)),
        unseen=sorted(
            [(REASONS[reason], seconds) for reason, seconds in whole.abstained.items()]
            + [("nothing was recorded (the box was off or stalled)", _unobserved(whole))],
            key=lambda item: -item[1],
        ),
        remarks=session.remarks,
    )


def sentence(tally: Tally) -> str:
    """The stretch in one plain sentence."""
    labels = tally.label_shares()
    if tally.scored <= 0:
        return "The box could give no score in this lesson; see below why."
    words = []
    if labels:
        state = max(labels, key=lambda name: labels[name])
        words.append(
            f"Most often the room was {STATES[state]} ({percent(labels[state])} of the time it could be told)."
        )
    satisfaction = tally.satisfaction.mean
    if satisfaction is not None:
        words.append(f"Satisfaction was {satisfaction:.2f} on average, where 1 is the most.")
    if tally.coverage < 0.5:
        words.append(f"Only {percent(tally.coverage)} of the lesson has scores: take them as a hint.")
    return " ".join(words)


def percent(share: float) -> str:
    """A share 0..1 as whole percent."""
    return f"{share:.0%}"


def minutes(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole} min {rest:02d} s" if whole else f"{rest} s"


def _bars(shares: dict[str, float] | None, names: dict[str, str]) -> list[Share]:
    return [Share(words, shares[key], key) for key, words in names.items()] if shares else []


def _rows(session: KeptSession) -> list[Row]:
    parts = list(session.parts)
    if not parts:
        return []
    first, second = halves(parts)
    named = {"first half": first, "second half": second, **activities(parts)}
    return [_row(name, tally) for name, tally in named.items() if tally.elapsed > 0]


def _row(name: str, tally: Tally) -> Row:
    return Row(name, tally.elapsed, tally.engaged, tally.satisfaction.mean, tally.coverage)


def _highlights(session: KeptSession) -> list[str]:
    found = []
    moments = _moments(list(session.parts))
    if len(moments) > 1:
        best, worst = max(moments, key=lambda m: m[1]), min(moments, key=lambda m: m[1])
        found.append(f"Most satisfied from minute {best[0]:.0f} (satisfaction {best[1]:.2f} over five minutes).")
        found.append(f"Least satisfied from minute {worst[0]:.0f} (satisfaction {worst[1]:.2f} over five minutes).")
    whole = session.whole
    if whole.low.longest >= 60:
        found.append(f"The longest low stretch lasted {minutes(whole.low.longest)}: bored, frustrated or discontented.")
    if session.parts:
        found.append(f"The room's state changed {sum(whole.transitions.values())} times.")
    found += [
        f"Alert from minute {alert.at / 60:.0f}: {ALERTS[alert.kind]}."
        for alert in session.alerts
        if alert.phase == "began"
    ]
    return found


def _moments(parts: list[Part]) -> list[tuple[float, float]]:
    """Minute at which each stretch of five minutes begins, and its mean satisfaction; those half seen or better."""
    found = []
    for index, part in enumerate(parts):
        inside = [other for other in parts[index:] if other.start < part.start + MOMENT_S]
        tally = together(inside)
        if tally.elapsed >= 0.9 * MOMENT_S and tally.coverage >= 0.5 and tally.satisfaction.mean is not None:
            found.append((part.start / 60, tally.satisfaction.mean))
    return found


def _unobserved(tally: Tally) -> float:
    return max(0.0, tally.elapsed - tally.scored - sum(tally.abstained.values()))
