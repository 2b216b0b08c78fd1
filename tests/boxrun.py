"""The real command ``affect-edge run``, watched, against a real broker whose wire is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services import Mosquitto, mosquitto_program, wait_until
from subscriber import Subscriber
from watched import Watched
from wire import RecordingProxy, messages

BASE, CLIENT_ID = "affectfusion/school/lab", "affectfusion-school-lab"
PATIENCE_S = 60.0
DECLARED = """
[deployment]
purpose = "demonstration"
jurisdiction = "none"
consent = "nobody is shown or heard"
[fusion]
longest_lag_s = 10.0
"""


@dataclass(frozen=True)
class Run:
    """What one run of ``affect-edge run`` did."""

    sent: list[bytearray]
    watched: Watched
    port: int
    exit_code: int


def run_the_box(folder: Path, configuration: str, enough: Callable[[list[bytearray]], object]) -> Run:
    """Runs the real command against a real broker until ``enough`` was sent, gives it a command, and ends it."""
    folder.mkdir()
    broker = Mosquitto(mosquitto_program(), folder, ["allow_anonymous true"])
    broker.start()
    proxy = RecordingProxy(broker.port)
    place = f'[box]\nsite = "school"\nroom = "lab"\n[broker]\nhost = "{proxy.host}"\nport = {proxy.port}\n'
    config = folder / "config.toml"
    config.write_text(configuration + place)
    box = Watched(["-m", "edge", "run", "--config", str(config), "--log-level", "debug"], folder)
    try:
        assert wait_until(lambda: enough(proxy.sent) or box.process.poll() is not None, PATIENCE_S), box.log.decode()
        before = len(messages(proxy.sent, "session"))
        neighbour = Subscriber(broker.port)
        neighbour.command("start_session")
        # without consent there is no lesson to begin, and the log says so
        refused = b"refused a command"
        assert wait_until(lambda: len(messages(proxy.sent, "session")) >= before + 2 or refused in box.log), (
            box.log.decode()
        )
        neighbour.close()
        exit_code = box.stop()
    finally:
        if box.process.poll() is None:
            box.process.kill()
        proxy.close()
        broker.kill()
    return Run(proxy.sent, box, proxy.port, exit_code)


def recordings(camera: str, video: Path, sound: Path) -> str:
    return (
        f'[camera]\nsource = "{camera}"\npath = "{video}"\nfps = 7.5\n'
        f'[microphone]\nsource = "file"\npath = "{sound}"\nloop = true\n'
    )
