"""The benchmark's figures: what they are called, and that they are figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.benchmarks.loop import measure


def test_every_stage_of_the_loop_is_measured() -> None:
    cost = measure(faces=1, seconds=2.0)
    assert cost.faces_seen == 1.0
    assert {"mesh", "face_emotion", "fusion", "loop"} <= set(cost.stages)
    for stage in cost.stages.values():
        assert 0 < stage.median_ms <= stage.p95_ms
    assert cost.cpu_s_per_video_s > 0
    assert cost.loop_over_models > 0.5


@pytest.mark.system
def test_the_figures_are_written_under_their_documented_names(tmp_path: Path) -> None:
    path = tmp_path / "loop.json"
    ran = subprocess.run(
        [sys.executable, "-m", "edge", "benchmark", "--faces", "1", "2", "--seconds", "2", "--json", str(path)],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "the loop on drawn learners" in ran.stdout
    figures = json.loads(path.read_text())
    assert set(figures["faces"]) == {"1", "2"}
    for cost in figures["faces"].values():
        assert cost["loop_over_models"] > 0
        assert cost["loop_over_facemesh"] is None or cost["loop_over_facemesh"] > 0
        for stage in cost["stages"].values():
            assert set(stage) == {"median_ms", "p95_ms"}
    assert 20 < figures["peak_rss_mib"] < 1000
    assert 0 < figures["first_score_s"] < 60
