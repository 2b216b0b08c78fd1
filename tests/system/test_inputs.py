"""A modality from outside, as docs/inputs.md has it: its example and its line of shell, at a real box and broker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boxbroker import BoxBroker, Person
from services import wait_until

from edge.appliance import Appliance
from edge.clock import MonotonicClock
from edge.config import load

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]

BASE = "affectfusion/school/lab"
PATIENCE_S = 60.0
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "inputs.md").read_text()
TABLES = """
[deployment]
purpose = "research"
jurisdiction = "US"
consent = "nobody is shown"
[camera]
source = "drawn"
width = 640
height = 360
[microphone]
source = "none"
[fusion]
longest_lag_s = 10.0
[inputs]
allow = ["physiology", "behaviour"]
"""


def example(language: str) -> str:
    """The page's only block of a language, at home in this box."""
    (block,) = re.findall(f"```{language}\\n(.*?)```", PAGE, re.DOTALL)
    return str(block).replace("SITE/ROOM", "school/lab")


@pytest.fixture
def broker() -> Iterator[BoxBroker]:
    # names of pytest's own folders are too long for a unix socket
    with tempfile.TemporaryDirectory(prefix="box") as folder:
        made = BoxBroker(Path(folder), tables=TABLES)
        made.configure()
        made.start()
        yield made
        made.kill()


@pytest.fixture
def viewer(broker: BoxBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody who sees all that a viewer may see of a box that runs."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(broker.places.credentials))
    watching = broker.client("viewer")
    watching.subscribe("#")
    box = Appliance(load(broker.config), MonotonicClock())
    thread = threading.Thread(target=box.run)
    thread.start()
    yield watching
    box.stop()
    thread.join(PATIENCE_S)
    watching.close()


@pytest.fixture
def secret(broker: BoxBroker) -> Path:
    return broker.places.credentials / "mqtt-contributor-password"


@pytest.fixture
def contributor(broker: BoxBroker, viewer: Person, secret: Path, tmp_path: Path) -> Iterator[None]:
    """The page's program, running."""
    program = tmp_path / "contribute.py"
    program.write_text(example("python"))
    arguments = ["127.0.0.1", str(broker.network), str(secret), str(broker.places.authority)]
    process = subprocess.Popen([sys.executable, str(program), *arguments])
    yield
    assert process.poll() is None, "the example ended"
    process.kill()
    process.wait()


def newest(viewer: Person, topic: str) -> Any:
    found = [m.payload for m in tuple(viewer.received) if m.topic == f"{BASE}/{topic}"]
    return json.loads(found[-1]) if found else {}


def reliabilities(viewer: Person) -> set[str]:
    return set(newest(viewer, "affect").get("reliability", {}))


def command(broker: BoxBroker, name: str) -> None:
    operator = broker.client("operator")
    assert operator.may_write(f"{BASE}/command", json.dumps({"v": 1, "command": name}))
    operator.close()


def test_the_example_counts_beside_the_faces_until_the_box_is_muted(
    broker: BoxBroker, viewer: Person, contributor: None
) -> None:
    assert wait_until(lambda: {"face", "behaviour"} <= reliabilities(viewer), PATIENCE_S)
    taken = newest(viewer, "health").get("inputs", {}).get("behaviour", {"taken": 0})["taken"]
    assert wait_until(lambda: newest(viewer, "health")["inputs"]["behaviour"]["taken"] > taken, PATIENCE_S)
    assert newest(viewer, "health")["inputs"]["physiology"] == {"taken": 0, "ignored": {}}
    command(broker, "mute")
    assert wait_until(lambda: newest(viewer, "affect").get("abstain") == "muted", PATIENCE_S)
    assert reliabilities(viewer) == set()
    command(broker, "unmute")
    assert wait_until(lambda: {"face", "behaviour"} <= reliabilities(viewer), PATIENCE_S)
    # what comes from outside is for the box alone
    assert not [message.topic for message in viewer.received if "/input/" in message.topic]


def test_the_line_of_shell_counts_and_is_gone_when_it_is_stale(broker: BoxBroker, viewer: Person, secret: Path) -> None:
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto_pub is not installed: apt install mosquitto-clients")
    line = example("sh")
    for written, here in (
        ("BOX.local", "127.0.0.1"),
        ("8883", str(broker.network)),
        ("--cafile ca.crt", f"--cafile {broker.places.authority}"),
        ("PASSWORD", secret.read_text().strip()),
    ):
        assert written in line
        line = line.replace(written, here)
    assert wait_until(lambda: "face" in reliabilities(viewer), PATIENCE_S)
    subprocess.run(["bash", "-c", line], check=True)
    assert wait_until(lambda: "physiology" in reliabilities(viewer), PATIENCE_S)
    assert wait_until(lambda: reliabilities(viewer) and "physiology" not in reliabilities(viewer), PATIENCE_S)


def test_a_contributor_may_contribute_and_nothing_else(broker: BoxBroker) -> None:
    person = broker.client("contributor", broker.password("contributor"))
    assert person.entry == "Success"
    topics = ["affect", "command", "status", "input/physiology", "input/behaviour", "input/text", "input", "input/a/b"]
    writable = {topic for topic in topics if person.may_write(f"{BASE}/{topic}", retain=True)}
    assert writable == {"input/physiology", "input/behaviour"}
    assert not person.may_write("affectfusion/school/yard/input/physiology")
    assert person.retained("#") == set()
    person.close()
    for user, readable in (("device", {"input/physiology", "input/behaviour"}), ("viewer", set()), ("operator", set())):
        other = broker.client(user)
        assert other.retained(f"{BASE}/input/+") == {f"{BASE}/{topic}" for topic in readable}
        assert not other.may_write(f"{BASE}/input/physiology")
        other.close()
