from pathlib import Path

import pytest

from edge.benchmarks import outbox


def test_a_box_without_its_broker_writes_more_than_a_healthy_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "STATES", 120)
    assert outbox.main(tmp_path) == 0
    _, healthy, away = capsys.readouterr().out.splitlines()
    assert healthy.startswith("broker reachable: ")
    assert away.startswith("broker away: ")
    assert files_mb(healthy) < files_mb(away)
    assert list(tmp_path.iterdir()) == []


def files_mb(line: str) -> float:
    return float(line.partition(" MB a day to files")[0].rpartition(" ")[2])
