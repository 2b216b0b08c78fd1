"""A short soak: what leaks fast shows in a minute. ``soak.py --minutes 35`` is the long one, run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from soak import report, soak

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]


def test_a_minute_of_lessons_leaves_no_files_open_no_memory_taken_and_no_lag(tmp_path: Path) -> None:
    growth = soak(tmp_path, minutes=1.0, warm_up_s=40.0)
    assert growth.files == 0, report(growth)
    assert growth.memory < 0.05, report(growth)
    assert max(sample.lag_ms for sample in growth.samples) < 1000, report(growth)
    assert growth.states_per_second == pytest.approx(1.0, abs=0.1), report(growth)
