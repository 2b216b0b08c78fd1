"""The report of a lesson, from the files a box keeps to the page a teacher reads."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from states import MERRY, abstained, scored

from edge.cli import main
from edge.clock import ManualClock
from edge.config import Box, SessionSettings
from edge.session.kept import read
from edge.session.lessons import Lessons
from edge.session.report.lesson import REASONS, page, table
from edge.signals import Abstention


@pytest.fixture
def sessions(lived: Path, tmp_path: Path) -> Path:
    """Two lessons: a good one that ends in the dark, and a dull one with an exercise."""
    return Path(shutil.copytree(lived, tmp_path / "sessions"))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    wall = [1_763_625_600.0]
    folder = tmp_path_factory.mktemp("lived")
    clock = ManualClock(7.0)
    patch = pytest.MonkeyPatch()
    patch.setattr("time.time", lambda: wall[0])
    lessons = Lessons(clock, Box("school", "lab"), SessionSettings(), folder, None)

    def live(seconds: int, satisfaction: float | None, label: str = "engagement") -> None:
        for _ in range(seconds):
            wall[0] += 1.0
            clock.sleep(1.0)
            now = clock.now()
            dark = satisfaction is None
            lessons.add(abstained(now) if dark else scored(now, satisfaction, label, MERRY))  # type: ignore[arg-type]

    live(1200, 0.9)
    live(300, None)
    lessons.start()
    live(600, 0.3, "boredom")
    lessons.mark("exercise")
    live(600, 0.7)
    lessons.end()
    yield folder
    patch.undo()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


class Text(HTMLParser):
    """The words of a page, and every address it names."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words, self.addresses = "", []
        self.feed(source)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def test_the_page_says_how_the_lesson_was_and_what_was_not_seen(sessions: Path) -> None:
    text = Text(page([read(files(sessions)[0])])).words
    assert "Most often the room was engaged (100% of the time it could be told)." in text
    assert "80% of the lesson has scores" not in text
    assert re.search(r"of the lesson has scores 80%", text)
    assert "it was too dark 5 min 00 s" in text
    assert "never to grade, discipline or judge a person" in text


def test_the_page_names_the_low_stretch_the_alert_and_the_activity(sessions: Path) -> None:
    text = Text(page([read(files(sessions)[1])])).words
    assert "The longest low stretch lasted 10 min 00 s" in text
    assert "boredom that lasted" in text
    assert "a discontented room" in text
    assert re.search(r"exercise 10 min 00 s 100% 0\.70 100%", text)
    assert "Least satisfied from minute" in text


def test_the_page_has_words_for_every_reason_to_give_no_score() -> None:
    assert set(REASONS) == {reason.value for reason in Abstention}


def test_the_page_asks_nothing_of_any_other_machine(sessions: Path) -> None:
    source = page([read(file) for file in files(sessions)])
    assert Text(source).addresses == []
    assert "default-src 'none'" in source
    assert not re.search(r"https?://|url\(|@import|<script", source)


def test_a_name_from_the_configuration_cannot_become_markup(sessions: Path) -> None:
    file = files(sessions)[0]
    file.write_text(file.read_text().replace('"room":"lab"', '"room":"<script>alert(1)</script>"'))
    assert "<script" not in page([read(file)])


def test_the_timeline_has_a_gap_where_satisfaction_is_unknown(sessions: Path) -> None:
    source = page([read(files(sessions)[0])])
    (curve,) = re.findall(r'<polyline class="curve top" points="([^"]+)"', source)
    assert float(curve.split()[-1].split(",")[0]) < 800
    assert 'class="unseen"' in source


def test_the_table_for_analysts_has_a_line_a_minute(sessions: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(table(read(files(sessions)[1])))))
    assert sum(float(row["seconds"]) for row in rows) == pytest.approx(1200, abs=1.0)
    assert [row["activity"] for row in (rows[0], rows[-1])] == ["", "exercise"]
    assert (rows[0]["label_boredom"], rows[-1]["label_engagement"]) == ("1.000", "1.000")
    assert rows[0]["emotion_happy"] == "0.800"


def test_a_minute_without_scores_is_empty_in_the_table(sessions: Path) -> None:
    last = list(csv.DictReader(io.StringIO(table(read(files(sessions)[0])))))[-1]
    assert (last["coverage"], last["valence"], last["label_boredom"]) == ("0.000", "", "")


def test_the_command_writes_the_last_lesson(sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out" / "last.html"
    assert main(["report", "last", "--sessions", str(sessions), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert "exercise" in out.read_text()


def test_two_lessons_stand_side_by_side(sessions: Path, tmp_path: Path) -> None:
    first, second = (file.stem for file in files(sessions))
    out = tmp_path / "both.html"
    assert main(["report", first, "--beside", second, "--sessions", str(sessions), "--out", str(out)]) == 0
    source = out.read_text()
    assert source.count("<article>") == 2
    assert 'class="beside"' in source


def test_a_term_becomes_a_folder_with_an_index(sessions: Path, tmp_path: Path) -> None:
    out = tmp_path / "term"
    assert main(["report", "--since", "2025-11-01", "--sessions", str(sessions), "--out", str(out)]) == 0
    assert len(list(out.glob("*.html"))) == 3
    assert all((out / link).exists() for link in Text((out / "index.html").read_text()).addresses)


def test_json_holds_summary_parts_and_alerts(sessions: Path, tmp_path: Path) -> None:
    out = tmp_path / "last.json"
    assert main(["report", "last", "--format", "json", "--sessions", str(sessions), "--out", str(out)]) == 0
    (session,) = json.loads(out.read_text())
    assert session["summary"]["seconds"]["total"] == pytest.approx(1200, abs=1.0)
    assert {alert["kind"] for alert in session["alerts"]} == {"low_engagement", "negative_climate", "too_lively"}


def test_a_session_that_still_runs_can_be_reported(sessions: Path) -> None:
    file = files(sessions)[1]
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-2]) + lines[-2][:20])
    assert "(not ended yet)" in page([read(file)])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["2031"], "2031: no such session in"),
        (["2025"], "2025: fits 2 sessions"),
        (["--since", "2031-01-01"], "no session was kept on these days"),
        ([], 'name a session, "last", --since DAY or --list'),
    ],
)
def test_a_mistake_is_one_line(
    sessions: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments, "--sessions", str(sessions)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_a_file_that_is_no_session_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert main(["report", str(tmp_path / "x.jsonl"), "--sessions", str(tmp_path)]) == 2
    assert "is not a session kept by affect-edge" in capsys.readouterr().err


def test_the_sessions_are_listed(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--list", "--sessions", str(sessions)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "25 min  scores for 80%  school/lab" in first
    assert "20 min  scores for 100%  school/lab" in second
