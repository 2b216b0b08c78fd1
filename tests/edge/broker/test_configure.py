"""``affect-edge broker-config``: the files it writes, keeps and refuses to write. No broker runs here."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from boxbroker import CREDENTIALS, need_tools

from edge.broker import passwords
from edge.cli import main
from edge.publish import topics

BOX = (
    '[box]\nsite = "school"\nroom = "lab"\n[broker]\nsocket = "/run/mosquitto/affectfusion.sock"\nusername = "device"\n'
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    need_tools()
    path = tmp_path / "classroom.toml"
    path.write_text(BOX)
    return path


@pytest.fixture
def write(config: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command as a user does; hands over what it said, having checked how it ended."""

    def run(*arguments: str, ends: int = 0) -> str:
        folders = ["--out", str(out(config)), "--credentials", str(secrets(config))]
        assert main(["broker-config", "--config", str(config), *folders, *arguments]) == ends
        said = capfd.readouterr()
        if ends == 0:
            assert said.err == ""
            return said.out
        assert said.out == ""
        (line,) = said.err.splitlines()
        return line.removeprefix("affect-edge broker-config: ")

    return run


def out(config: Path) -> Path:
    return config.parent / "mosquitto"


def secrets(config: Path) -> Path:
    return config.parent / "credentials"


def contents(config: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in config.parent.rglob("*") if path.is_file() and path != config}


def hashes(config: Path) -> dict[str, str]:
    return passwords.entries((out(config) / "affectfusion" / "passwords").read_text())


def drop_in(config: Path) -> list[str]:
    return (out(config) / "conf.d" / "affectfusion.conf").read_text().splitlines()


# What is written, and kept.


def test_a_second_run_changes_nothing(config: Path, write: Callable[..., str]) -> None:
    write()
    before = {path: (path.stat().st_ino, content) for path, content in contents(config).items()}
    assert write() == "nothing to do: every file is as it should be\n"
    assert {path: (path.stat().st_ino, content) for path, content in contents(config).items()} == before


def test_a_dry_run_names_every_file_and_writes_none(config: Path, write: Callable[..., str]) -> None:
    named = write("--dry-run").splitlines()
    assert list(config.parent.iterdir()) == [config]
    assert [line.replace("would write", "wrote") for line in named] == write().splitlines()
    assert {line.removeprefix("would write ") for line in named} == {str(path) for path in contents(config)}
    assert write("--dry-run") == "nothing to do: every file is as it should be\n"


def test_secrets_are_for_their_owner_alone_and_the_rest_for_everybody(config: Path, write: Callable[..., str]) -> None:
    before = os.umask(0o077)
    try:
        write()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in contents(config)}
    public = {"ca.crt": 0o644, "server.crt": 0o644, "affectfusion.conf": 0o644}
    assert modes == dict.fromkeys(modes, 0o600) | public
    assert stat.S_IMODE(secrets(config).stat().st_mode) == 0o700
    for folder in (out(config) / "affectfusion", out(config) / "conf.d"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755, "mosquitto's user must get through"


def test_rights_that_somebody_loosened_are_put_right(config: Path, write: Callable[..., str]) -> None:
    write()
    key = out(config) / "affectfusion" / "server.key"
    key.chmod(0o644)
    assert write() == f"wrote {key}\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_every_user_has_a_password_of_its_own_that_fits_its_hash(config: Path, write: Callable[..., str]) -> None:
    write()
    made = {user: (secrets(config) / name).read_text().strip() for user, name in CREDENTIALS.items()}
    assert len(set(made.values())) == 3
    assert all(len(password) == 24 for password in made.values())
    assert set(hashes(config)) == set(made)
    for user, password in made.items():
        for other, hashed in hashes(config).items():
            assert passwords.fits(password, hashed) == (other == user)


def test_a_password_that_was_changed_in_its_file_takes_effect_and_the_others_stay(
    config: Path, write: Callable[..., str]
) -> None:
    write()
    before = hashes(config)
    (secrets(config) / "mqtt-viewer-password").write_text("chosen by hand\n")
    write()
    after = hashes(config)
    assert passwords.fits("chosen by hand", after["viewer"])
    assert {user for user in after if after[user] != before[user]} == {"viewer"}
    assert (secrets(config) / "mqtt-viewer-password").read_text() == "chosen by hand\n"


def test_passwords_taken_off_the_box_live_on_but_for_its_own(config: Path, write: Callable[..., str]) -> None:
    write()
    before = hashes(config)
    for name in CREDENTIALS.values():
        (secrets(config) / name).unlink()
    write()
    assert [path.name for path in secrets(config).iterdir()] == ["mqtt-password"]
    assert {user for user, hashed in hashes(config).items() if hashed != before[user]} == {"device"}


def test_users_that_an_administrator_added_are_kept(config: Path, write: Callable[..., str]) -> None:
    write()
    path = out(config) / "affectfusion" / "passwords"
    subprocess.run(["mosquitto_passwd", str(path), "caretaker"], input=b"pw\npw\n", check=False, capture_output=True)
    path.write_text(path.read_text() + "added:$7$101$c2FsdA==$aGFzaA==\n")
    (secrets(config) / "mqtt-viewer-password").write_text("new\n")
    write()
    assert hashes(config)["added"] == "$7$101$c2FsdA==$aGFzaA=="


def test_the_box_may_bring_its_own_password(config: Path, write: Callable[..., str]) -> None:
    (config.parent / "mine").write_text("brought\nand a note\n")
    config.write_text(BOX + 'password_file = "mine"\n')
    write()
    assert passwords.fits("brought", hashes(config)["device"])
    assert not (secrets(config) / "mqtt-password").exists()
    assert (config.parent / "mine").read_text() == "brought\nand a note\n"


def test_no_password_is_told_to_anybody(
    config: Path,
    write: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Every program that is called first tells its arguments and its environment.
    told, programs = tmp_path / "told", tmp_path / "programs"
    programs.mkdir()
    for name in ("mosquitto_passwd", "openssl", "hostname"):
        real = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {told}\nenv >> {told}\nexec {real} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    secrets(config).mkdir()
    (secrets(config) / "mqtt-bridge-password").write_text("bridge-secret\n")
    with config.open("a") as file:
        file.write('[broker.bridge]\nhost = "mqtt.school"\nusername = "room"\n')
    caplog.set_level("DEBUG")
    said = write() + write()
    everything = said + caplog.text + told.read_text()
    assert "mosquitto_passwd -U" in everything
    made = [path.read_text().strip() for path in secrets(config).iterdir()]
    assert len(made) == 4
    for password in made:
        assert password not in everything
        for path, content in contents(config).items():
            allowed = path.parent == secrets(config) or (password, path.name) == (
                "bridge-secret",
                "affectfusion_bridge.conf",
            )
            assert allowed or password.encode() not in content, path


def test_a_broker_elsewhere_needs_nothing_here(config: Path, write: Callable[..., str]) -> None:
    config.write_text('[broker]\nhost = "mqtt.school"\nusername = "box"\n')
    assert write() == "nothing to do: the broker is mqtt.school:8883, not on this box\n"
    assert list(config.parent.iterdir()) == [config]


# What mosquitto is told.


def test_nobody_is_anonymous_and_one_set_of_rights_holds_for_every_listener(
    config: Path, write: Callable[..., str]
) -> None:
    write()
    lines = drop_in(config)
    assert "allow_anonymous false" in lines
    assert not [line for line in lines if "per_listener_settings" in line]
    assert lines.index("allow_anonymous false") < min(n for n, line in enumerate(lines) if line.startswith("listener"))


def test_what_debian_already_says_is_not_said_twice(config: Path, write: Callable[..., str]) -> None:
    write()
    assert "persistence_location /var/lib/mosquitto/" in drop_in(config)
    main_file = out(config) / "mosquitto.conf"
    main_file.write_text(f"persistence_location /srv/a/b/\ninclude_dir {out(config)}/conf.d\n")
    write()
    assert not [line for line in drop_in(config) if line.startswith("persistence_location")]
    assert "persistence_file ../../../run/mosquitto/kept/affectfusion.db" in drop_in(config)


BRIDGE = '[broker.bridge]\nhost = "mqtt.school"\n'


@pytest.mark.parametrize(
    ("tables", "on_the_card"),
    [
        ("", False),
        ("[broker.local]\ndurable = true\n", True),
        (BRIDGE, False),
        ("[broker.local]\ndurable = true\n" + BRIDGE, True),
    ],
)
def test_what_waits_is_kept_on_the_card_only_where_that_is_asked_for(
    tables: str, on_the_card: bool, config: Path, write: Callable[..., str]
) -> None:
    config.write_text(BOX + tables)
    write()
    in_memory = [line for line in drop_in(config) if line.startswith("persistence_file")]
    assert bool(in_memory) != on_the_card


def test_every_topic_is_either_the_boxs_to_write_or_its_commands() -> None:
    every = {value for value in vars(topics).values() if isinstance(value, topics.Topic)}
    assert {*topics.PUBLISHED, topics.COMMAND} == every


def test_contributors_are_known_only_where_they_are_allowed_and_may_only_contribute(
    config: Path, write: Callable[..., str]
) -> None:
    write()
    acl = out(config) / "affectfusion" / "acl"
    assert "contributor" not in acl.read_text() and "input" not in acl.read_text()
    assert "contributor" not in hashes(config)
    config.write_text(BOX + '[inputs]\nallow = ["text", "physiology"]\n')
    write()
    password = (secrets(config) / "mqtt-contributor-password").read_text().strip()
    assert passwords.fits(password, hashes(config)["contributor"])
    blocks = {block.splitlines()[0]: block.splitlines()[1:] for block in acl.read_text().split("\n\n")}
    inputs = [f"affectfusion/school/lab/input/{name}" for name in ("physiology", "text")]
    assert blocks["user contributor"] == [f"topic write {topic}" for topic in inputs]
    assert blocks["user device"][-2:] == [f"topic read {topic}" for topic in inputs]
    config.write_text(BOX)
    write()
    assert "input" not in acl.read_text()


def test_a_bridge_is_encrypted_by_the_systems_authorities_and_is_gone_when_it_is_taken_out(
    config: Path, write: Callable[..., str]
) -> None:
    config.write_text(BOX + '[broker.bridge]\nhost = "mqtt.school"\n')
    write()
    bridge = out(config) / "conf.d" / "affectfusion_bridge.conf"
    lines = bridge.read_text().splitlines()
    assert "address mqtt.school:8883" in lines
    assert "bridge_capath /etc/ssl/certs" in lines
    assert [line for line in lines if line.endswith(" in 1")] == []
    assert [line.split()[1] for line in lines if " out " in line] == [
        *(f"affectfusion/school/lab/{topic.name}" for topic in topics.PUBLISHED),
        "homeassistant/device/affectfusion-school-lab/config",
    ]
    config.write_text(BOX)
    assert f"removed {bridge}\n" in write()


# What a user can get wrong.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (BOX.replace("device", "box"), 'broker.username: must be "device"'),
        (BOX.replace('username = "device"', ""), 'broker.username: must be "device"'),
        (BOX + 'password_file = "nowhere"\n', "broker.password_file: cannot read {folder}/nowhere"),
        (
            BOX + '[broker.bridge]\nhost = "mqtt.school"\nusername = "room"\n',
            "broker.bridge.password_file: cannot read {folder}/credentials/mqtt-bridge-password",
        ),
        (
            BOX + '[broker.bridge]\nhost = "mqtt.school"\nca_file = "nowhere"\n',
            "broker.bridge.ca_file: cannot read {folder}/nowhere",
        ),
        (
            BOX + '[broker.bridge]\nhost = "mqtt.school\\nallow_anonymous true"\n',
            "address: the value holds a line break",
        ),
        (
            BOX + '[broker.local]\ncertificate = "nowhere"\nkey = "nowhere"\n',
            "broker.local.certificate: cannot read {folder}/nowhere",
        ),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    text: str, complaint: str, config: Path, write: Callable[..., str]
) -> None:
    config.write_text(text)
    assert write(ends=2).startswith(complaint.format(folder=config.parent))
    assert list(config.parent.iterdir()) == [config]


@pytest.mark.parametrize("password", ["", "\n", "a:b\n", " padded\n", "tab\there\n"])
def test_a_password_that_mosquitto_would_take_for_another_is_refused(
    password: str, config: Path, write: Callable[..., str]
) -> None:
    secrets(config).mkdir()
    (secrets(config) / "mqtt-viewer-password").write_text(password)
    said = write(ends=2)
    assert said == f"{secrets(config)}/mqtt-viewer-password: its first line must be a password, without colons and " + (
        "without spaces at its ends"
    )
    assert not out(config).exists()


@pytest.mark.parametrize(
    "line",
    [
        "allow_anonymous true",
        "per_listener_settings true",
        "password_file /etc/mosquitto/passwd",
        "acl_file /etc/mosquitto/acl",
        "  allow_anonymous   true",
        "persistence_file other.db",
    ],
)
@pytest.mark.parametrize("file", ["mosquitto.conf", "conf.d/school.conf"])
def test_a_configuration_that_would_let_others_in_or_stop_mosquitto_is_named(
    line: str, file: str, config: Path, write: Callable[..., str]
) -> None:
    (out(config) / "conf.d").mkdir(parents=True)
    include = f"include_dir {out(config)}/conf.d\n"
    (out(config) / "mosquitto.conf").write_text(include)
    path = out(config) / file
    path.write_text((include if file == "mosquitto.conf" else "") + f"# a remark\n{line}\n")
    said = write(ends=2)
    assert said.startswith(f"{path}: {line.split()[0]} does not go with the broker of this box")


@pytest.mark.parametrize("line", ["allow_anonymous false", "per_listener_settings false", "log_type error", "#port 1"])
def test_a_harmless_neighbour_is_left_alone(line: str, config: Path, write: Callable[..., str]) -> None:
    (out(config) / "conf.d").mkdir(parents=True)
    (out(config) / "conf.d" / "school.conf").write_text(line + "\n")
    write()
    assert (out(config) / "conf.d" / "school.conf").read_text() == line + "\n"


def test_a_mosquitto_that_would_not_read_the_drop_in_is_named(config: Path, write: Callable[..., str]) -> None:
    out(config).mkdir()
    (out(config) / "mosquitto.conf").write_text("persistence true\n")
    assert write(ends=2).endswith(f"add the line: include_dir {out(config)}/conf.d")


def test_a_folder_that_cannot_be_written_is_named(config: Path, write: Callable[..., str]) -> None:
    out(config).write_text("a file where a folder should be")
    assert write(ends=2).startswith(str(out(config)))


@pytest.mark.parametrize(("tool", "package"), [("mosquitto_passwd", "mosquitto"), ("openssl", "openssl")])
def test_a_missing_tool_is_named_with_its_package(
    tool: str, package: str, config: Path, write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in {"mosquitto_passwd", "openssl"} - {tool}:
        real = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (programs / name).symlink_to(real)
    monkeypatch.setenv("PATH", str(programs))
    assert write(ends=2) == f"{tool} is not installed: apt install {package}"
    assert not out(config).exists()
