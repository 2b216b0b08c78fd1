"""What the demo shows: the messages of a box, drawn in the terminal as they arrive."""

from __future__ import annotations

from collections import deque
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

STATES = ("engagement", "boredom", "confusion", "frustration")
SPARKS = " ▁▂▃▄▅▆▇█"
REMEMBERED = 60
"""States in the history: a minute's worth."""


class _Screen:
    """Keeps the newest message of every topic."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._newest: dict[str, Any] = {}

    def receive(self, topic: str, payload: Any) -> None:
        """Takes the next message."""
        self._newest[topic] = payload

    def summarise(self) -> None:
        """Prints the session's summary, from its last message."""
        session = self._newest.get("session")
        if session is None or not session["final"]:
            self._console.print("The session ended without a summary.")
            return
        self._console.print(Panel(_summary(session), title="the lesson's summary", title_align="left"))


class PlainScreen(_Screen):
    """One line per message: for logs, pipes and terminals that cannot redraw."""

    def __enter__(self) -> PlainScreen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def receive(self, topic: str, payload: Any) -> None:
        """See _Screen.receive."""
        super().receive(topic, payload)
        if topic == "affect":
            self._console.print(f"{payload['time'][11:19]}  {_in_a_line(payload)}", highlight=False, soft_wrap=True)
        elif topic == "status":
            self._console.print(f"the box is {payload}", highlight=False, soft_wrap=True)
        elif topic == "privacy":
            self._console.print(f"privacy: {payload['state']} ({payload['reason']})", highlight=False, soft_wrap=True)


class RichScreen(_Screen):
    """A live picture of the newest state with a minute of history."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._history: deque[float | None] = deque(maxlen=REMEMBERED)
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> RichScreen:
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def receive(self, topic: str, payload: Any) -> None:
        """See _Screen.receive."""
        super().receive(topic, payload)
        if topic == "affect":
            self._history.append(payload["satisfaction"])
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Panel:
        affect = self._newest.get("affect")
        status, privacy = self._newest.get("status", "?"), self._newest.get("privacy", {}).get("state", "?")
        parts = [_scores(affect) if affect else Text("waiting for the first state"), self._sparkline()]
        health = self._newest.get("health")
        if health:
            parts.append(
                Text(
                    f"{health['rate_hz']:.1f} looks a second, {health['rss_mib']:.0f} MiB, camera {health['camera']}",
                    "dim",
                )
            )
        title = f"affectfusion/demo/classroom: {status}, {privacy}"
        return Panel(Group(*parts), title=title, title_align="left", width=min(78, self._console.width))

    def _sparkline(self) -> Text:
        top = len(SPARKS) - 1
        marks = ("·" if value is None else SPARKS[max(1, round(value * top))] for value in self._history)
        return Text("satisfaction  ").append("".join(marks), "green")


def _scores(affect: dict[str, Any]) -> Group:
    headline = Text(_in_words(affect), "bold yellow" if affect["abstain"] else "bold green")
    table = Table.grid(padding=(0, 1))
    engagement = affect["engagement"] or {}
    for name in STATES:
        table.add_row(name, *_bar(engagement.get(name)))
    table.add_row("satisfaction", *_bar(affect["satisfaction"]))
    table.add_row("confidence", *_bar(affect["confidence"] if not affect["abstain"] else None))
    heard = ", ".join(f"{name} {share:.2f}" for name, share in affect["reliability"].items()) or "none"
    return Group(headline, table, Text(f"reliability: {heard}   faces: {affect['group']}", "dim"))


def _bar(share: float | None) -> tuple[ProgressBar | Text, Text]:
    if share is None:
        return Text("·" * 30, "dim"), Text("unknown", "dim")
    return ProgressBar(total=1.0, completed=share, width=30), Text(f"{share:.2f}")


def _in_words(affect: dict[str, Any]) -> str:
    if affect["abstain"]:
        return f"no scores: {affect['abstain'].replace('_', ' ')}"
    engagement = affect["engagement"]
    label = "engagement not known yet" if engagement is None else engagement["label"] or "no state stands out"
    valence = affect["valence"]
    return label if valence is None else f"{label}, valence {valence:+.2f}"


def _in_a_line(affect: dict[str, Any]) -> str:
    if affect["abstain"]:
        return _in_words(affect)
    heard = ", ".join(affect["reliability"])
    return (
        f"satisfaction {affect['satisfaction']:.2f}  confidence {affect['confidence']:.2f}  "
        f"{_in_words(affect)}  ({heard}; faces {affect['group']})"
    )


def _summary(session: dict[str, Any]) -> Group:
    seconds, shares = session["seconds"], session["engagement"]
    lines = [f"{seconds['total']:.0f} s, scores for {session['coverage']:.0%} of them"]
    lines += [f"  no scores for {s:.0f} s: {why.replace('_', ' ')}" for why, s in seconds["abstained"].items()]
    if session["satisfaction"] is not None:
        lines.append(f"mean satisfaction {session['satisfaction']:.2f}")
    if session["valence"] is not None:
        lines.append(f"mean valence {session['valence']:+.2f}")
    if shares:
        lines.append("time by state: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share))
    return Group(*(Text(line) for line in lines))
