"""``affect-edge run`` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from services import wait_until
from subscriber import PATIENCE_S

DRAWN = '[camera]\nsource = "drawn"\nlearners = 6\nwidth = 640\nheight = 360\n'
SILENT = '[microphone]\nsource = "none"\n'


class RunningBox:
    """An ``affect-edge run`` of its own, with its log."""

    def __init__(self, folder: Path, port: int, sections: str, broker: str) -> None:
        config, self._log = folder / "classroom.toml", folder / "log"
        config.write_text(
            '[deployment]\npurpose = "research"\njurisdiction = "US"\nconsent = "signed forms"\n'
            '[box]\nsite = "school"\nroom = "lab"\n[fusion]\nperiod_s = 0.5\nlongest_lag_s = 10.0\n'
            f'{sections}[broker]\nhost = "127.0.0.1"\nport = {port}\n{broker}'
        )
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--config", str(config)],
                cwd=Path(__file__).resolve().parents[1],
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def says(self, words: str) -> bool:
        """Whether the log came to hold ``words`` while the box was running."""
        return wait_until(lambda: words in self.log or self.process.poll() is not None, PATIENCE_S) and (
            words in self.log
        )

    def holds(self, file: Path) -> bool:
        """Whether the box has ``file`` open."""
        return file in {link.readlink() for link in Path(f"/proc/{self.process.pid}/fd").iterdir()}

    def ends_on(self, number: signal.Signals) -> float:
        """The seconds from the signal to the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - began

    def assert_ended_well(self) -> None:
        assert self.process.returncode == 0, self.log
        assert "Traceback" not in self.log
        assert "ERROR" not in self.log
