from pathlib import Path

import msgspec
import pytest

from edge.config import Storage
from edge.state import StateFolder


class Switch(msgspec.Struct):
    on: bool


def test_a_value_written_is_read_again_by_the_next_process(tmp_path: Path) -> None:
    assert StateFolder(tmp_path / "state").write("switch", Switch(True))
    assert StateFolder(tmp_path / "state").read("switch", Switch) == Switch(True)


def test_a_value_never_written_is_none(tmp_path: Path) -> None:
    assert StateFolder(tmp_path).read("switch", Switch) is None


@pytest.mark.parametrize("content", [b"", b'{"on": tr', b'{"on": "yes"}', b"\xff\xfe\x00"])
def test_a_damaged_file_is_ignored_and_said(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "switch.json").write_bytes(content)
    assert StateFolder(tmp_path).read("switch", Switch) is None
    assert str(tmp_path / "switch.json") in caplog.text


def test_a_write_that_fails_keeps_the_old_value_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = StateFolder(tmp_path)
    state.write("switch", Switch(True))
    (tmp_path / "other.json").mkdir()
    assert not state.write("other", Switch(False))
    assert "other.json" in caplog.text
    assert state.read("switch", Switch) == Switch(True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.json", "switch.json"]


def test_without_a_folder_nothing_is_kept() -> None:
    state = StateFolder(None)
    assert not state.write("switch", Switch(True))
    assert state.read("switch", Switch) is None


def test_systemd_names_the_folder_unless_the_configuration_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert Storage().folder is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/affectfusion")
    assert Storage().folder == Path("/var/lib/affectfusion")
    assert Storage(directory=Path("/srv/box")).folder == Path("/srv/box")
