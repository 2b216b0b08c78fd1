"""Runs ``affect-edge run`` on the bundled lesson, over and over, and measures what must not grow.

    PYTHONPATH=.:tests .venv/bin/python tests/system/soak.py --minutes 35

Memory, open files and threads are the kernel's figures for the process; the time from a picture to the state that
counts it is the box's own (``lag_ms`` of its health); the states are counted as a subscriber receives them.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services import Mosquitto, mosquitto_program, wait_until
from subscriber import Subscriber

from edge.demo.lesson import SOUND, VIDEO
from edge.health.monitor import resident_mib

ROOT = Path(__file__).resolve().parents[2]
PERIOD_S = 10.0
SHARE = 5
"""The beginning and the end that are compared are each this part of the run after its warm-up."""


@dataclass(frozen=True)
class Sample:
    """The daemon at one moment, ``seconds`` after it gave its first score."""

    seconds: float
    rss_mib: float
    files: int
    threads: int
    cpu_s: float
    states: int
    lag_ms: float


@dataclass(frozen=True)
class Growth:
    """What changed between the beginning and the end of a run, by medians."""

    samples: list[Sample]

    def of(self, figure: Callable[[Sample], float]) -> tuple[float, float]:
        """The median of ``figure`` over the first and over the last fifth of the run."""
        part = max(1, len(self.samples) // SHARE)
        first, last = self.samples[:part], self.samples[-part:]
        return statistics.median(map(figure, first)), statistics.median(map(figure, last))

    @property
    def memory(self) -> float:
        """Growth of resident memory as a share of it."""
        first, last = self.of(lambda sample: sample.rss_mib)
        return last / first - 1

    @property
    def files(self) -> int:
        first, last = self.of(lambda sample: sample.files)
        return round(last - first)

    @property
    def drift_ms(self) -> float:
        """How much later a picture is published at the end than at the beginning."""
        first, last = self.of(lambda sample: sample.lag_ms)
        return last - first

    @property
    def states_per_second(self) -> float:
        first, last = self.samples[0], self.samples[-1]
        return (last.states - first.states) / (last.seconds - first.seconds)

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        first, last = self.samples[0], self.samples[-1]
        return (last.cpu_s - first.cpu_s) / (last.seconds - first.seconds)


def soak(folder: Path, minutes: float, warm_up_s: float, say: Callable[[str], object] = print) -> Growth:
    """Runs the daemon for ``warm_up_s`` and then for ``minutes``, which are measured. Raises AssertionError."""
    broker = Mosquitto(mosquitto_program(), folder, ["allow_anonymous true"])
    broker.start()
    subscriber = Subscriber(broker.port)
    config = folder / "soak.toml"
    config.write_text(
        '[deployment]\npurpose = "demonstration"\njurisdiction = "none"\nconsent = "drawn learners"\n'
        '[box]\nsite = "school"\nroom = "lab"\n'
        f'[camera]\nsource = "file"\nloop = true\npath = {json.dumps(str(VIDEO))}\n'
        f'[microphone]\nsource = "file"\nloop = true\npath = {json.dumps(str(SOUND))}\n'
        f'[storage]\ndirectory = "state"\n[broker]\nhost = "{broker.host}"\nport = {broker.port}\n'
    )
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--config", str(config)], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        assert subscriber.until("affect", 60.0, abstain=None), (folder / "log").read_text()
        began = time.monotonic()
        samples: list[Sample] = []
        while (seconds := time.monotonic() - began) < warm_up_s + 60 * minutes:
            time.sleep(PERIOD_S - seconds % PERIOD_S)
            assert daemon.poll() is None, (folder / "log").read_text()
            sample = _sample(daemon.pid, time.monotonic() - began, subscriber)
            if sample.seconds >= warm_up_s:
                samples.append(sample)
            if round(sample.seconds / PERIOD_S) % 6 == 0:
                say(_line(sample))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
        assert wait_until(lambda: subscriber.of("status")[-1] == "offline")
        return Growth(samples)
    finally:
        daemon.kill()
        daemon.wait()
        subscriber.close()
        broker.kill()


def _sample(process: int, seconds: float, subscriber: Subscriber) -> Sample:
    proc = Path(f"/proc/{process}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    health = subscriber.last("health")
    return Sample(
        seconds=seconds,
        rss_mib=resident_mib(process=process),
        files=len(list((proc / "fd").iterdir())),
        threads=len(list((proc / "task").iterdir())),
        # user and system time, in hundredths of a second
        cpu_s=(int(fields[11]) + int(fields[12])) / 100,
        states=subscriber.last("affect")["sequence"],
        lag_ms=health["lag_ms"] or 0.0,
    )


def _line(sample: Sample) -> str:
    return (
        f"{sample.seconds / 60:5.1f} min {sample.rss_mib:8.1f} MiB {sample.files:4d} files {sample.threads:3d} threads "
        f"{sample.cpu_s:8.1f} CPU s {sample.states:7d} states {sample.lag_ms:6.0f} ms lag"
    )


def report(growth: Growth) -> str:
    """What a run found, in lines."""
    longest = max(sample.lag_ms for sample in growth.samples)
    first, last = growth.of(lambda sample: sample.rss_mib)
    return "\n".join(
        (
            f"memory    {first:.1f} -> {last:.1f} MiB ({growth.memory:+.2%})",
            f"files     {growth.files:+d}",
            f"lag       {growth.drift_ms:+.0f} ms; longest {longest:.0f} ms",
            f"states    {growth.states_per_second:.4f} a second",
            f"processor {growth.cpu_share:.1%} of one core",
        )
    )


def main() -> int:
    """Runs the soak and says whether anything grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="measured, after the warm-up (default: 30)")
    parser.add_argument("--warm-up", type=float, default=180.0, metavar="S", help="seconds (default: 180)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        growth = soak(Path(folder), options.minutes, options.warm_up, lambda line: print(line, flush=True))
    print(report(growth))
    grew = growth.memory >= 0.02 or growth.files > 0 or growth.drift_ms >= 50
    print("something grew" if grew else "nothing grew")
    return int(grew)


if __name__ == "__main__":
    sys.exit(main())
