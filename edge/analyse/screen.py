"""How far the analysis of several recordings is: bars in a terminal, lines elsewhere."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from edge.session.report.lesson import minutes


class Screen:
    """One line when a recording begins, and one when it is done or failed, with its speed. Safe between threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._reached: dict[str, float] = {}

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def began(self, name: str, seconds: float) -> None:
        """A recording of so many seconds (0.0 where it does not say) has begun."""
        with self._lock:
            self._began[name] = time.monotonic()
            self._begin(name, seconds)

    def reached(self, name: str, seconds: float) -> None:
        """So much of it is done."""
        with self._lock:
            self._reached[name] = seconds
            self._move(name, seconds)

    def done(self, name: str) -> None:
        """It is done."""
        with self._lock:
            seconds, took = self._reached.get(name, 0.0), time.monotonic() - self._began[name]
            self._end(name)
            self._say(f"{name}: {minutes(seconds)} in {minutes(took)}, {seconds / took:.1f} times as fast as lived")

    def failed(self, name: str, words: str) -> None:
        """There is no session of it; ``words`` say why."""
        with self._lock:
            self._end(name)
            self._say(words, "bold red")

    def note(self, words: str) -> None:
        """Something to know."""
        with self._lock:
            self._say(words)

    def _say(self, words: str, style: str = "") -> None:
        self._console.print(Text(words, style), soft_wrap=True)

    def _begin(self, name: str, seconds: float) -> None:
        self._say(f"{name}: {minutes(seconds)} to analyse" if seconds else f"{name}: analysing")

    def _move(self, name: str, seconds: float) -> None:
        pass

    def _end(self, name: str) -> None:
        pass


class Bars(Screen):
    """A bar for each recording that is being worked on."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _begin(self, name: str, seconds: float) -> None:
        # a file's name may look like markup
        self._bars[name] = self._progress.add_task(name.replace("[", r"\["), total=seconds or None)

    def _move(self, name: str, seconds: float) -> None:
        self._progress.update(self._bars[name], completed=seconds)

    def _end(self, name: str) -> None:
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))


def open_screen() -> Screen:
    """Bars in a terminal, lines elsewhere; on stderr, as stdout names what was written."""
    console = Console(stderr=True, highlight=False)
    return Bars(console) if console.is_terminal else Screen(console)
