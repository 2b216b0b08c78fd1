import os
from pathlib import Path

import msgspec
import pytest

from edge import config
from edge.config import Storage
from edge.state import Kept, StateError, StateFolder


class Switch(msgspec.Struct):
    on: bool


def test_a_value_written_is_read_again_by_the_next_process(tmp_path: Path) -> None:
    assert StateFolder(tmp_path / "state").write("switch", Switch(True))
    assert StateFolder(tmp_path / "state").read("switch", Switch) == Switch(True)


def test_a_value_never_written_is_none(tmp_path: Path) -> None:
    assert StateFolder(tmp_path).read("switch", Switch) is None


@pytest.mark.parametrize("content", [b"", b'{"on": tr', b'{"on": "yes"}', b"\xff\xfe\x00"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "switch.json").write_bytes(content)
    with pytest.raises(StateError, match=r"switch\.json: is damaged \("):
        StateFolder(tmp_path).read("switch", Switch)


def test_what_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "switch.json").mkdir()
    with pytest.raises(StateError, match=r"switch\.json: cannot be read \(Is a directory\)"):
        StateFolder(tmp_path).read("switch", Switch)


def test_a_write_that_fails_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write("switch", Switch(True))
    (tmp_path / "other.json").mkdir()
    with pytest.raises(StateError, match=r"other\.json: cannot be written"):
        state.write("other", Switch(False))
    assert state.read("switch", Switch) == Switch(True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.json", "switch.json"]


def test_a_value_that_another_process_replaced_is_left_alone(tmp_path: Path) -> None:
    mine = Kept(StateFolder(tmp_path), "switch", Switch)
    mine.refresh()
    StateFolder(tmp_path).write("switch", Switch(True))
    assert not mine.write(Switch(False))
    assert mine.refresh()
    assert mine.value == Switch(True)
    assert mine.write(Switch(False))
    assert [path.name for path in tmp_path.iterdir()] == ["switch.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 23456)
    StateFolder(tmp_path).write("switch", Switch(True))
    written = (tmp_path / "switch.json").stat()
    assert (written.st_uid, written.st_gid, written.st_mode & 0o777) == (12345, 23456, 0o600)


def test_a_kept_value_is_read_again_when_another_process_writes_it(tmp_path: Path) -> None:
    kept = Kept(StateFolder(tmp_path), "switch", Switch)
    assert kept.refresh()
    assert kept.value is None
    assert not kept.refresh()
    for on in (True, False, True):
        StateFolder(tmp_path).write("switch", Switch(on))
        assert kept.refresh()
        assert kept.value == Switch(on)
        assert not kept.refresh()


def test_a_kept_value_that_is_damaged_is_none_and_said_once(tmp_path: Path) -> None:
    kept = Kept(StateFolder(tmp_path), "switch", Switch)
    StateFolder(tmp_path).write("switch", Switch(True))
    assert kept.refresh()
    (tmp_path / "switch.json").write_bytes(b"")
    with pytest.raises(StateError):
        kept.refresh()
    assert kept.value is None
    assert not kept.refresh()


def test_without_a_folder_nothing_is_kept() -> None:
    state = StateFolder(None)
    assert state.write("switch", Switch(True))
    assert state.read("switch", Switch) is None


def test_systemd_names_the_folder_unless_the_configuration_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert Storage().folder is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/affectfusion")
    assert Storage().folder == Path("/var/lib/affectfusion")
    assert Storage(directory=Path("/srv/box")).folder == Path("/srv/box")


def test_an_installed_box_started_by_hand_keeps_its_state_where_systemd_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, own = tmp_path / "config.toml", tmp_path / "own.toml"
    for path in (installed, own):
        path.write_text("")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(config, "INSTALLED", installed)
    assert config.load(installed).storage.folder == Path("/var/lib/affectfusion")
    assert config.load(own).storage.folder is None
    installed.write_text('[storage]\ndirectory = "state"\n')
    assert config.load(installed).storage.folder == tmp_path / "state"
