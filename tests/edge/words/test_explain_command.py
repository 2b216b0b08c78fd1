"""``affect-edge explain``: why a room's scores are what they are, from a real broker, once or again and again."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import pytest
from messages import leave, now, privacy, silent
from services import Mosquitto, wait_until

from edge.cli import main
from edge.config import Box, Broker
from edge.publish.topics import AFFECT
from edge.subscribe.reader import followed
from edge.subscribe.source import Source

Explain = Callable[..., tuple[int, str, str]]
HEADLINE = "Mostly engaged; voice unheard; 2 of 3 modalities trusted."


@pytest.fixture
def explain(capfd: pytest.CaptureFixture[str]) -> Explain:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["explain", *arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err and len(err.splitlines()) <= 1
        return code, out, err

    return run


@pytest.fixture
def room(mosquitto: Mosquitto) -> Callable[..., None]:
    def speak(affect: str) -> None:
        leave(mosquitto.port, status="online", affect=affect, privacy=json.dumps(privacy()))

    return speak


def test_a_room_is_explained_a_sentence_a_line(room: Callable[..., None], there: list[str], explain: Explain) -> None:
    room(now())
    code, out, err = explain(*there)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        HEADLINE,
        "Engaged 80 of 100; satisfaction 65 of 100; 70 % confident.",
        "It rests on expressions (62 %) and attention (38 %).",
        "Expressions: 80 % reliable, held back by faces turned away. Put the camera where people look.",
    ]
    assert "Es beruht auf Mimik (62 %)" in explain(*there, "--language", "de")[1]


def test_a_room_is_explained_as_json(room: Callable[..., None], there: list[str], explain: Explain) -> None:
    room(now())
    code, out, _ = explain(*there, "--json")
    told = json.loads(out)
    assert code == 0 and told["explanation"][0] == HEADLINE and told["weights"]["face"] == 0.62
    assert explain(*there, "--format", "json")[0] == 0


def test_no_scores_are_explained_with_what_helps(room: Callable[..., None], there: list[str], explain: Explain) -> None:
    room(json.dumps(silent("no_faces") | {"time": json.loads(now())["time"]}))
    assert explain(*there)[:2] == (
        0,
        "No scores: nobody in view.\nPoint the camera at the people, or wait for them.\n",
    )


def test_a_room_that_is_offline_is_one_line_and_exit_1(
    mosquitto: Mosquitto, there: list[str], explain: Explain
) -> None:
    leave(mosquitto.port, status="offline")
    assert explain(*there) == (1, "", "affect-edge explain: school/lab: the box is offline\n")


def test_a_room_that_never_spoke_is_one_line_and_exit_1(there: list[str], explain: Explain) -> None:
    code, out, err = explain(*there, "--watch")
    assert (code, out, err) == (1, "", "affect-edge explain: school/lab: nothing heard from this room yet\n")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
def test_a_watch_of_no_sensible_length_is_refused(seconds: str, there: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *there, "--watch", seconds])
    assert ended.value.code == 2


def test_a_watch_says_what_has_changed_until_it_is_stopped(
    mosquitto: Mosquitto, room: Callable[..., None], there: list[str]
) -> None:
    room(now())
    watch = subprocess.Popen(
        [sys.executable, "-m", "edge", "explain", *there, "--json", "--watch", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert watch.stdout is not None
        assert json.loads(watch.stdout.readline())["explanation"][0] == HEADLINE
        leave(mosquitto.port, affect=now(satisfaction=0.4, valence=-0.2, weights={"face": 1.0}))
        changed = ""
        while "In the last" not in changed:
            changed = json.loads(watch.stdout.readline())["explanation"][-1]
        assert "satisfaction 65 → 40" in changed and "weight of attention 38 % → 0 %" in changed
        leave(mosquitto.port, status="offline")
        while "offline" not in changed:
            changed = json.loads(watch.stdout.readline())["explanation"][0]
    finally:
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=30)
    assert watch.returncode == 130


def test_a_watch_outlives_its_broker(mosquitto: Mosquitto, room: Callable[..., None]) -> None:
    room(now())
    where = Source(Broker(host=mosquitto.host, port=mosquitto.port), Box(site="school", room="lab"))
    with closing(followed(where, [AFFECT], 10.0, 0.2)) as states:
        assert next(states)[AFFECT]["satisfaction"] == 0.65
        mosquitto.kill()
        assert next(states)[AFFECT]["satisfaction"] == 0.65
        mosquitto.start()
        leave(mosquitto.port, affect=now(satisfaction=0.4))
        assert wait_until(lambda: next(states)[AFFECT]["satisfaction"] == 0.4, 60)


def test_colour_is_for_terminals_only(room: Callable[..., None], there: list[str], explain: Explain) -> None:
    room(now())
    assert "\x1b" not in explain(*there)[1]
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "edge", "explain", *there]
    process = subprocess.Popen(command, stdout=theirs, env=plain)
    assert process.wait(60) == 0
    os.close(theirs)
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\x1b[1;32m" in seen and "rests on expressions" in seen
