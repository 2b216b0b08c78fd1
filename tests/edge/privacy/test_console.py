"""``affect-edge privacy``: what it writes, what it says, and what it refuses in one line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from edge import config
from edge.cli import main
from edge.privacy.gate import Gate
from edge.state import StateFolder

DECLARED = '[deployment]\npurpose = "research"\njurisdiction = "US"\n'
CONSENT = 'consent = "forms in the file"\n'
STORED = '[storage]\ndirectory = "state"\n'
WORDS = "signed forms of class 7b"
TOMORROW = date.today() + timedelta(days=1)
Said = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "classroom.toml"
    path.write_text(DECLARED + CONSENT + STORED)
    return path


@pytest.fixture
def privacy(file: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs an action that must succeed; what it printed."""

    def run(*arguments: str) -> str:
        assert main(["privacy", *arguments, "--config", str(file)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def refused(file: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs an action that must be refused; the one line that says why."""

    def run(*arguments: str) -> str:
        assert main(["privacy", *arguments, "--config", str(file)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith("affect-edge privacy: ")
        return line.removeprefix("affect-edge privacy: ")

    return run


def gate(file: Path) -> Gate:
    """The gate of a box that starts now."""
    settings = config.load(file)
    return Gate(settings.deployment, StateFolder(settings.storage.folder))


def lines(printed: str) -> dict[str, str]:
    first, *rest = printed.splitlines()
    return {"": first} | {name: value.strip() for name, _, value in (line.partition(" ") for line in rest)}


# What it does.


def test_a_grant_opens_the_box_and_is_shown_with_its_words(file: Path, privacy: Said) -> None:
    file.write_text(STORED)
    assert lines(privacy("show"))[""].startswith("closed: nothing is captured until [deployment]")
    privacy(
        *("grant", "--consent", WORDS, "--purpose", "research"), *("--jurisdiction", "us", "--until", str(TOMORROW))
    )
    assert gate(file).closed is None
    shown = lines(privacy("show"))
    assert shown[""] == "open: a running box captures"
    assert shown["purpose"] == "research"
    assert shown["consent"].endswith(f", until {TOMORROW}: {WORDS}")


def test_a_grant_takes_purpose_and_jurisdiction_from_the_configuration(file: Path, privacy: Said) -> None:
    file.write_text(DECLARED + STORED)
    privacy("grant", "--consent", WORDS)
    assert gate(file).closed is None
    kept = json.loads((file.parent / "state/consent.json").read_text())
    assert (kept["purpose"], kept["jurisdiction"], kept["until"]) == ("research", "US", None)


def test_a_revocation_closes_the_box_whatever_the_configuration_says(file: Path, privacy: Said) -> None:
    assert "declared in the configuration: forms in the file" in privacy("show")
    assert privacy("revoke").startswith("closed: consent was revoked")
    assert gate(file).notice().state == "no_consent"
    assert privacy("grant", "--consent", WORDS).startswith("open")


@pytest.mark.parametrize(("erase", "left"), [([], 2), (["--erase"], 0)])
def test_a_revocation_deletes_the_kept_sessions_if_told_to(
    erase: list[str], left: int, file: Path, privacy: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    sessions = file.parent / "state/sessions"
    sessions.mkdir(parents=True)
    kept = [sessions / "20260901T080000.000Z.jsonl", file.parent / "state/minute.json"]
    for path in kept:
        path.write_text("{}")
    assert privacy("revoke", *erase).startswith("closed: consent was revoked")
    assert sum(path.exists() for path in kept) == left


def test_mute_and_unmute_turn_the_switch_of_a_stopped_box(file: Path, privacy: Said) -> None:
    assert lines(privacy("mute"))["mute"].startswith("on, by console, since ")
    assert gate(file).notice().muted_by == "console"
    assert lines(privacy("mute"))["mute"].startswith("on")
    assert lines(privacy("unmute"))["mute"] == "off"
    assert gate(file).closed is None


def test_unmute_lifts_what_the_button_muted(file: Path, privacy: Said) -> None:
    box = gate(file)
    box.switch.turn(True, "button")
    box.switch.keep()
    assert lines(privacy("unmute"))["mute"] == "off"
    assert not box.switch.state.on


def test_show_writes_nothing(file: Path, privacy: Said) -> None:
    privacy("show")
    assert [path.name for path in file.parent.iterdir()] == ["classroom.toml"]


@pytest.mark.parametrize(
    ("name", "action"), [("mute", ["unmute"]), ("consent", ["grant", "--consent", WORDS]), ("consent", ["revoke"])]
)
def test_a_damaged_record_is_replaced(name: str, action: list[str], file: Path) -> None:
    (file.parent / "state").mkdir()
    (file.parent / f"state/{name}.json").write_bytes(b"\0\0\0")
    assert gate(file).closed is not None
    assert main(["privacy", *action, "--config", str(file)]) == 0
    assert "cannot be read" not in gate(file).explanation


# What it refuses.


def test_a_grant_without_purpose_or_jurisdiction_names_what_is_missing(file: Path, refused: Said) -> None:
    file.write_text(STORED)
    grant = ("grant", "--consent", WORDS)
    assert refused(*grant) == f"--purpose is needed: [deployment] in {file} declares none"
    assert refused(*grant, "--purpose", "research").startswith("--jurisdiction is needed")


def test_a_grant_that_contradicts_the_configuration_is_refused(file: Path, refused: Said) -> None:
    said = refused("grant", "--consent", WORDS, "--purpose", "wellbeing")
    assert said == f"--purpose contradicts {file}, whose [deployment] says 'research': change it there"
    assert refused("grant", "--consent", WORDS, "--jurisdiction", "DE").startswith("--jurisdiction contradicts")


def test_a_grant_for_education_in_the_eu_is_refused_and_leaves_nothing(file: Path, refused: Said) -> None:
    file.write_text(STORED)
    said = refused("grant", "--consent", WORDS, "--purpose", "education", "--jurisdiction", "fr")
    assert "AI Act" in said
    assert not (file.parent / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--consent", " "], "--consent is empty"),
        (["--consent", "x" * 1001], "length <= 1000"),
        (["--consent", WORDS, "--jurisdiction", "Germany"], "jurisdiction must be"),
        (["--consent", WORDS, "--jurisdiction", "none"], 'jurisdiction = "none" is for'),
    ],
)
def test_a_grant_that_says_nothing_usable_is_refused(
    arguments: list[str], said: str, file: Path, refused: Said
) -> None:
    file.write_text(STORED)
    declared = [] if "--jurisdiction" in arguments else ["--jurisdiction", "US"]
    assert said in refused("grant", *arguments, *declared, "--purpose", "research")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["grant"],
        ["grant", "--consent", WORDS, "--until", "summer"],
        ["grant", "--consent", WORDS, "--until", "2026-01-01"],
        ["grant", "--consent", WORDS, "--purpose", "profit"],
        ["mute", "--until", "2030-01-01"],
    ],
)
def test_arguments_that_mean_nothing_are_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["privacy", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: affect-edge")


@pytest.mark.parametrize("action", ["show", "mute", "unmute", "revoke"])
def test_a_box_that_keeps_nothing_is_refused_with_the_cure(
    action: str, file: Path, refused: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    file.write_text(DECLARED)
    assert refused(action) == f"{file}: consent and mute are kept nowhere; set [storage] directory"


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without the right")
@pytest.mark.parametrize(
    ("mode", "action", "said"),
    [
        (0o700, "show", "mute.json: cannot be read (Permission denied); run with sudo"),
        (0o700, "mute", "mute.json: cannot be read (Permission denied); run with sudo"),
        (0o755, "mute", "mute.json: cannot be written (Permission denied); run with sudo"),
        (0o755, "revoke", "consent.json: cannot be written (Permission denied); run with sudo"),
    ],
)
def test_somebody_without_the_right_is_told_to_use_sudo(
    mode: int, action: str, said: str, file: Path, refused: Said
) -> None:
    for folder in (file.parent, *file.parents[1:-2]):  # all that pytest made below the system's own
        folder.chmod(folder.stat().st_mode | 0o055)
    state = file.parent / "state"
    state.mkdir()
    state.chmod(mode)
    os.seteuid(NOBODY)
    try:
        assert refused(action) == f"{state}/{said}"
    finally:
        os.seteuid(0)
    assert list(state.iterdir()) == []


def test_a_disk_that_fails_is_a_failure_of_the_device(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["privacy", "mute", "--config", str(file)]) == 1
    assert capsys.readouterr().err.endswith("mute.json: cannot be written (No space left on device)\n")
