"""The lesson minute by minute, as shapes of an SVG picture 1000 units wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.session.kept import KeptSession
from edge.session.tally import Tally

WIDTH, HEIGHT = 1000.0, 200.0
ROW = 22.0
"""Height of a row of alerts."""
STACK = ("engagement", "none", "confusion", "frustration", "boredom")
"""From the bottom up: the good at the bottom, so that its height reads like a curve."""


@dataclass(frozen=True)
class Block:
    """A rectangle; ``key`` names what it stands for."""

    x: float
    y: float
    width: float
    height: float
    key: str


@dataclass(frozen=True)
class Timeline:
    """Blocks of states, lines of satisfaction (broken where unknown), spans of alerts, and marks of time."""

    blocks: Sequence[Block]
    lines: Sequence[str]
    alerts: Sequence[Block]
    activities: Sequence[tuple[float, str]]
    ticks: Sequence[tuple[float, str]]

    @property
    def height(self) -> float:
        """Of the picture, with ticks and alerts."""
        return max([HEIGHT + 24, *(alert.y + alert.height for alert in self.alerts)])


def timeline(session: KeptSession) -> Timeline:
    """The shapes of a session; an empty one has none."""
    seconds = session.whole.elapsed
    if seconds <= 0:
        return Timeline([], [], [], [], [])
    scale = WIDTH / seconds
    blocks: list[Block] = []
    lines: list[list[str]] = []
    line: list[str] = []
    marks: list[tuple[float, str]] = []
    activity = ""
    for part in session.parts:
        x, width = part.start * scale, part.tally.elapsed * scale
        blocks += _stack(part.tally, x, width)
        if part.activity != activity:
            activity = part.activity
            marks.append((x, activity or "(no mark)"))
        value = part.tally.satisfaction.mean
        if value is None:
            lines.append(line)
            line = []
        else:
            line.append(f"{x + width / 2:.1f},{HEIGHT * (1 - value):.1f}")
    lines.append(line)
    step = next(step for step in (5, 10, 15, 30, 60, 120, 240, 1440) if seconds / 60 / step <= 12 or step == 1440)
    ticks = [(minute * 60 * scale, str(minute)) for minute in range(0, int(seconds / 60) + 1, step)]
    return Timeline(blocks, [" ".join(points) for points in lines if points], _alerts(session, scale), marks, ticks)


def _stack(tally: Tally, x: float, width: float) -> list[Block]:
    """The minute's states as far as it was covered; what is left above was not seen."""
    shares = tally.label_shares()
    blocks, top = [], HEIGHT
    for state in STACK if shares else ():
        height = (shares or {})[state] * sum(tally.labels.values()) / max(tally.elapsed, 1e-9) * HEIGHT
        top -= height
        if height > 0:
            blocks.append(Block(x, top, width, height, state))
    if top > 0.5:
        blocks.append(Block(x, 0.0, width, top, "unseen"))
    return blocks


def _alerts(session: KeptSession, scale: float) -> list[Block]:
    """A bar for each alert, a row for each kind, below the picture's ticks."""
    spans: list[tuple[str, float, float]] = []
    open_since: dict[str, float] = {}
    for said in session.alerts:
        if said.phase == "began":
            open_since[said.kind] = said.at
        elif said.kind in open_since:
            spans.append((said.kind, open_since.pop(said.kind), said.at))
    spans += [(kind, since, session.whole.elapsed) for kind, since in open_since.items()]
    rows = {kind: row for row, kind in enumerate(dict.fromkeys(kind for kind, _, _ in spans))}
    return [
        Block(since * scale, HEIGHT + 28 + ROW * rows[kind], (until - since) * scale, ROW - 4, kind)
        for kind, since, until in spans
    ]
