"""What the loop costs on drawn learners, as times and as ratios taken in one run.

Capture and video decoding are left out: the frames are drawn before the clock starts. CPU time is the process's own,
all threads together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.benchmarks import reports
from edge.capture.drawn import DrawnCamera
from edge.clock import ManualClock
from edge.config import Deployment, Settings
from edge.errors import DeviceError, UserError
from edge.health.monitor import resident_mib
from edge.inference.interpreter import Interpreter
from edge.inference.store import ModelStore
from edge.perception.mediapipe_mesh import MediapipeFaceMesh
from edge.pipeline import Pipeline
from edge.privacy.gate import Gate
from edge.publish.payloads import affect_payload
from edge.publish.schema import encode
from edge.signals import Frame
from edge.state import StateFolder

WARM_UP_S = 2.0
PICTURES = 30
"""Different pictures drawn per number of faces; they are shown forwards and backwards, so that faces move smoothly."""

BLOCK = 30
"""Frames that the loop, the bare models and MediaPipe take in turns."""

FIRST_SCORE_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's duration per turn, in milliseconds."""

    median_ms: float
    p95_ms: float

    def __str__(self) -> str:
        return f"{self.median_ms:.1f}/{self.p95_ms:.1f}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of faces costs.

    ``loop_over_models`` is the loop's CPU time over that of the bare invocations of the same models, as often as the
    loop made them; ``loop_over_facemesh`` is the loop's over MediaPipe FaceMesh's (refined) on the same frames, in
    which it saw ``facemesh_seen`` faces; both are None where MediaPipe is not installed.
    """

    faces_seen: float
    cpu_s_per_video_s: float
    loop_over_models: float
    loop_over_facemesh: float | None
    facemesh_seen: float | None
    stages: dict[str, Stage]


def benchmark(faces: Sequence[int], seconds: float, json_file: Path | None) -> int:
    """Measures each number of ``faces`` on ``seconds`` of video, prints a table and writes ``json_file`` if given."""
    if json_file is not None:
        reports.check_writable(json_file)
    console = Console()
    costs = {
        count: measure(count, seconds)
        for count in track(list(dict.fromkeys(faces)), "measuring", console=Console(stderr=True), transient=True)
    }
    peak_rss_mib, first_score_s = first_score()
    console.print(_table(costs))
    console.print(f"running daemon: first score {first_score_s:.1f} s after start, peak memory {peak_rss_mib:.0f} MiB")
    if json_file is not None:
        figures = {
            "faces": {str(count): asdict(cost) for count, cost in costs.items()},
            "peak_rss_mib": peak_rss_mib,
            "first_score_s": first_score_s,
        }
        reports.write(json_file, figures)
    return 0


def measure(faces: int, seconds: float) -> Cost:
    """Runs the loop on ``seconds`` of drawn video with that many learners, at the configured rate."""
    settings = Settings(deployment=Deployment("demonstration", "none", "drawn learners", "self", 1))
    store = ModelStore(settings.models.directory)
    pipeline = Pipeline(settings, store)
    gate = Gate(settings.deployment, StateFolder(None))
    frames = _frames(faces, settings.perception.rate_hz, WARM_UP_S + seconds)
    warm = [frame for frame in frames if frame.time < WARM_UP_S]
    measured = frames[len(warm) :]
    groups: list[int] = []
    due = 0.0

    def turn(frame: Frame) -> None:
        nonlocal due
        with pipeline.stages.timed("loop"):
            pipeline.see(frame)
            if frame.time >= due:
                due += settings.fusion.period_s
                affect = gate.admit(pipeline.assess(frame.time))
                encode("affect", affect_payload(affect, len(groups), time.time()))
                groups.append(affect.group)

    facemesh = _facemesh(faces)
    for frame in warm:
        turn(frame)
        if facemesh:
            facemesh.solve(frame)
    pipeline.stages.reset()
    groups.clear()
    loop = bare = mediapipe = 0.0
    found: list[int] = []
    # in short blocks, so that whatever else the machine does weighs on all three alike
    for block in (measured[i : i + BLOCK] for i in range(0, len(measured), BLOCK)):
        turns: list[dict[Interpreter, int]] = []
        for frame in block:
            before = {model: model.invocations for model in store.interpreters.values()}
            loop += _cpu_s(turn, frame)
            turns.append({model: model.invocations - count for model, count in before.items()})
        for frame, made in zip(block, turns, strict=True):
            bare += _cpu_s(partial(_invoke, made), frame)
        if facemesh:
            mediapipe += sum(_cpu_s(lambda frame: found.append(facemesh.count(frame)), frame) for frame in block)
    medians, p95s = pipeline.stages.quantile_ms(0.5), pipeline.stages.quantile_ms(0.95)
    return Cost(
        faces_seen=sum(groups) / len(groups),
        cpu_s_per_video_s=loop / seconds,
        loop_over_models=loop / bare,
        loop_over_facemesh=loop / mediapipe if facemesh else None,
        facemesh_seen=sum(found) / len(found) if found else None,
        stages={name: Stage(medians[name], p95s[name]) for name in medians},
    )


def first_score() -> tuple[float, float]:
    """Starts ``affect-edge run`` on the bundled lesson: its peak memory in MiB, and seconds until it gives scores.

    The daemon runs on for another fifteen seconds of the lesson, voices included, before its memory is read. Raises
    DeviceError where no score comes.
    """
    from edge.demo.lesson import SOUND, VIDEO

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.toml")
        config.write_text(
            '[deployment]\npurpose = "demonstration"\njurisdiction = "none"\nconsent = "drawn learners"\n'
            f'[camera]\nsource = "file"\npath = {json.dumps(str(VIDEO))}\n'
            f'[microphone]\nsource = "file"\npath = {json.dumps(str(SOUND))}\n'
            # nobody listens there: the loop runs on all the same
            "[broker]\nport = 9\n"
        )
        began = time.monotonic()
        command = [sys.executable, "-m", "edge", "run", "--config", str(config)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # a daemon that stays silent is ended, which ends the wait for its next line
        patience = threading.Timer(FIRST_SCORE_WITHIN_S, process.kill)
        patience.start()
        try:
            assert process.stderr is not None
            if not any("giving scores" in line for line in process.stderr):
                late = time.monotonic() - began >= FIRST_SCORE_WITHIN_S
                what = "gave no score within a minute" if late else "ended before it gave a score"
                raise DeviceError(f"the daemon {what}; try affect-edge doctor")
            patience.cancel()
            first = time.monotonic() - began
            time.sleep(15.0)
            return resident_mib("VmHWM", process.pid), first
        finally:
            patience.cancel()
            process.terminate()
            process.wait(10)


def _frames(faces: int, rate_hz: float, seconds: float) -> list[Frame]:
    camera = DrawnCamera(faces, 1280, 720, rate_hz, ManualClock())
    drawn = [frame.image for _ in range(PICTURES) if (frame := camera.read())]
    there_and_back = drawn + drawn[-2:0:-1]
    return [Frame(there_and_back[i % len(there_and_back)], i / rate_hz) for i in range(round(seconds * rate_hz))]


def _invoke(made: dict[Interpreter, int], frame: Frame) -> None:
    """Invokes the models as often as the loop did on ``frame``, with nothing in between."""
    for model, count in made.items():
        for _ in range(count):
            model.invoke()


def _facemesh(faces: int) -> MediapipeFaceMesh | None:
    try:
        return MediapipeFaceMesh(faces, refine=True)
    except UserError:
        return None


def _cpu_s(work: Callable[[Frame], object], frame: Frame) -> float:
    """CPU seconds of ``work`` on one frame.

    The frame is copied first, untimed: a camera would have written it just then, and taken its place in the caches of
    the processor, whatever the turn does with it.
    """
    fresh = replace(frame, image=frame.image.copy())
    began = time.process_time()
    work(fresh)
    return time.process_time() - began


def _table(costs: dict[int, Cost]) -> Table:
    table = Table(title="the loop on drawn learners, 1280x720", caption="stages: median/p95 ms per turn", box=SIMPLE)
    table.add_column("faces")
    for count in costs:
        table.add_column(str(count), justify="right")

    def row(name: str, cell: Callable[[Cost], str]) -> None:
        table.add_row(name, *(cell(cost) for cost in costs.values()))

    row("seen", lambda cost: f"{cost.faces_seen:.1f}")
    for stage in dict.fromkeys(stage for cost in costs.values() for stage in cost.stages):
        row(stage, lambda cost, stage=stage: str(cost.stages.get(stage, "")))  # type: ignore[misc]
    row("CPU s / s of video", lambda cost: f"{cost.cpu_s_per_video_s:.3f}")
    row("over models", lambda cost: f"{cost.loop_over_models:.2f}")
    row("over FaceMesh", lambda cost: _or_dash(cost.loop_over_facemesh, ".2f"))
    row("FaceMesh saw", lambda cost: _or_dash(cost.facemesh_seen, ".1f"))
    return table


def _or_dash(figure: float | None, form: str) -> str:
    return "-" if figure is None else format(figure, form)
