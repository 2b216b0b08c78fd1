"""A card is prepared whole or not at all, with answers that the box will take, and no secret where it stays."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from edge import config
from edge.card import partition
from edge.card.answers import Wifi, default_hostname
from edge.card.release import archive
from edge.errors import UserError

Prepare = Callable[..., int]


def contents(card: Path) -> dict[str, bytes]:
    return {file.relative_to(card).as_posix(): file.read_bytes() for file in card.rglob("*") if file.is_file()}


@pytest.fixture
def refused(prepare: Prepare, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line with which a card is refused, having left it as it was."""

    def run(card: Path, *more: str, **changes: str | None) -> str:
        before = contents(card)
        assert prepare(card, *more, **changes) == 2
        assert contents(card) == before
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        return line.removeprefix("affect-edge prepare-card: ")

    return run


# Which partition.


def test_a_folder_that_is_no_boot_partition_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    assert "not the boot partition of Raspberry Pi OS" in refused(folder)
    assert "no such folder" in refused(tmp_path / "nowhere")


def test_an_operating_system_before_bookworm_is_refused(refused: Callable[..., str], bookworm: Path) -> None:
    (bookworm / "cmdline.txt").write_text("root=/dev/mmcblk0p2 init=/usr/lib/raspi-config/init_resize.sh\n")
    assert "before Bookworm" in refused(bookworm)


def test_a_card_that_imager_customised_is_refused_unless_replaced(
    refused: Callable[..., str], prepare: Prepare, trixie: Path
) -> None:
    (trixie / "cmdline.txt").write_text("root=PARTUUID=1 rootwait ds=nocloud;i=rpi-imager-1790623015181\n")
    assert "Imager" in refused(trixie)
    assert prepare(trixie, "--replace") == 0
    assert "rpi-imager" not in (trixie / "cmdline.txt").read_text()


def test_preparing_again_leaves_nothing_of_the_first_answers(
    refused: Callable[..., str],
    prepare: Prepare,
    bookworm: Path,
    wifi: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert prepare(bookworm, *wifi) == 0
    capsys.readouterr()
    first = (bookworm / partition.IDENTITY).read_text()
    assert "prepared before" in refused(bookworm)
    assert prepare(bookworm, "--replace", room="8a") == 0
    assert not (bookworm / "affectfusion/secrets/wifi-psk").exists()
    assert (bookworm / partition.IDENTITY).read_text() != first
    assert (bookworm / "cmdline.txt").read_text().count("systemd.run=") == 1


# Which answers.


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"site": "north side"}, "--site"),
        ({"room": ""}, "--room"),
        ({"purpose": "fun"}, "--purpose"),
        ({"jurisdiction": "Germany"}, "--jurisdiction"),
        ({"minimum-group": "1"}, "--minimum-group"),
        ({"consent": "x" * 1001}, "--consent"),
        ({"hostname": "box-"}, "--hostname"),
        ({"broker": "mqtt.example:no"}, "--broker"),
        ({"broker": "mqtt.example:70000"}, "--broker"),
        ({"broker-user": "box"}, "--broker-user"),
        ({"wifi": "School"}, "--wifi-country"),
        ({"wifi-country": "DE"}, "--wifi"),
        ({"ssh-key": "/dev/null"}, "--ssh-key"),
        ({"wheels": "/nowhere"}, "--wheels"),
        ({"config": "/nowhere.toml"}, "--config"),
    ],
)
def test_a_wrong_answer_is_one_line_that_names_the_option(
    refused: Callable[..., str], trixie: Path, changes: dict[str, str], option: str
) -> None:
    assert refused(trixie, **changes).startswith(option)


@pytest.mark.parametrize("name", ["site", "room", "purpose", "jurisdiction", "consent"])
def test_a_missing_answer_is_named_where_nobody_can_be_asked(
    refused: Callable[..., str], trixie: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert refused(trixie, **{name: None}) == f"--{name}: missing"


def test_a_missing_answer_is_asked_for_at_a_terminal(
    prepare: Prepare, trixie: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: " 9c ")
    assert prepare(trixie, room=None) == 0
    assert config.load(trixie / "affectfusion/config.toml").box.room == "9c"


@pytest.mark.parametrize("password", ["short", "x" * 65, "zür" * 5])
def test_a_wifi_password_that_no_network_takes_is_refused(
    refused: Callable[..., str], trixie: Path, wifi: list[str], tmp_path: Path, password: str
) -> None:
    (tmp_path / "wifi.txt").write_text(password)
    line = refused(trixie, *wifi)
    assert line.startswith("--wifi-password-file")
    assert password not in line


def test_a_wifi_key_is_the_one_that_the_standard_gives_as_its_example() -> None:
    # IEEE 802.11-2020, J.4.2
    key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert Wifi("IEEE", "password", "US").key == key
    assert Wifi("IEEE", key.upper(), "US").key == key


def test_the_box_reads_the_answers_as_they_were_given(prepare: Prepare, trixie: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text(
        '[camera]\nfps = 10.0\nrotation = 180\n[box]\nroom = "spare"\n'
        '[broker]\nsocket = "/run/m.sock"\n[broker.local]\nnames = ["box.lan"]\n'
    )
    assert prepare(trixie, "--config", str(base), "--camera", "picamera2", consent='Ü "quoted" \\ back\tslash') == 0
    settings = config.load(trixie / "affectfusion/config.toml")
    assert (settings.box.site, settings.box.room) == ("northside", "7b")
    assert settings.deployment.consent == 'Ü "quoted" \\ back\tslash'
    assert (settings.camera.source, settings.camera.fps, settings.camera.rotation) == ("picamera2", 10.0, 180)
    assert str(settings.broker.socket) == "/run/m.sock"
    assert settings.broker.local.names == ("box.lan",)


def test_a_box_has_its_own_broker_unless_another_is_named(
    prepare: Prepare, trixie: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = trixie / "affectfusion/config.toml"
    assert prepare(trixie) == 0
    assert "publishes to its own broker under affectfusion/northside/7b" in capsys.readouterr().out
    own = config.load(written).broker
    assert (str(own.socket), own.username) == ("/run/mosquitto/affectfusion.sock", "device")
    assert prepare(trixie, "--replace", "--config", str(written), "--broker", "mqtt.school.example:8884") == 0
    other = config.load(written).broker
    assert (other.socket, other.address, other.encrypted) == (None, ("mqtt.school.example", 8884), True)
    assert "publishes to mqtt.school.example:8884 under" in capsys.readouterr().out


def test_a_purpose_that_gives_no_scores_is_said_at_once(
    prepare: Prepare, trixie: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(trixie, purpose="education", jurisdiction="DE") == 0
    assert "it will give no scores: the EU prohibits" in capsys.readouterr().out


# What is written.


def test_trixie_gets_a_seed_that_cloud_init_reads_as_a_new_instance(
    prepare: Prepare, trixie: Path, wifi: list[str]
) -> None:
    assert prepare(trixie, *wifi) == 0
    identity = (trixie / partition.IDENTITY).read_text()
    assert yaml.safe_load((trixie / "meta-data").read_text())["instance-id"] == identity
    words = (trixie / "cmdline.txt").read_text().split()
    assert f"ds=nocloud;i={identity}" in words
    assert "resize" in words and not any(word.startswith("systemd.run") for word in words)
    user_data = (trixie / "user-data").read_text()
    assert user_data.startswith("#cloud-config\n")
    seed = yaml.safe_load(user_data)
    assert seed["hostname"] == "affectfusion-northside-7b"
    assert "ssh_authorized_keys" not in seed["users"][0]
    assert "first-boot.sh take" in seed["bootcmd"][0][2]
    network = yaml.safe_load((trixie / "network-config").read_text())["network"]
    (point,) = network["wifis"]["wlan0"]["access-points"].items()
    assert point == ('School "Staff"', {"password": Wifi('School "Staff"', "correct horse", "DE").key})
    assert network["wifis"]["wlan0"]["regulatory-domain"] == "DE"


@pytest.mark.parametrize("name", ["no", "1e3"])
def test_a_name_that_yaml_could_take_for_something_else_stays_a_name(prepare: Prepare, trixie: Path, name: str) -> None:
    assert prepare(trixie, "--hostname", name) == 0
    assert yaml.safe_load((trixie / "user-data").read_text())["hostname"] == name


def test_bookworm_gets_a_hook_behind_what_its_command_line_said(prepare: Prepare, bookworm: Path) -> None:
    before = (bookworm / "cmdline.txt").read_text().split()
    assert prepare(bookworm) == 0
    words = (bookworm / "cmdline.txt").read_text().split()
    assert words[: len(before)] == before
    assert "systemd.run=/boot/firmware/firstrun.sh" in words
    assert (bookworm / "firstrun.sh").read_text().startswith("#!")
    assert not (bookworm / "user-data").exists()


def test_secrets_are_only_where_the_first_boot_removes_them(
    prepare: Prepare, bookworm: Path, trixie: Path, wifi: list[str], tmp_path: Path
) -> None:
    (tmp_path / "broker.txt").write_text("s3same open\n")
    broker = ["--broker", "mqtt.school.example", "--broker-user", "7b"]
    broker += ["--broker-password-file", str(tmp_path / "broker.txt")]
    key = Wifi('School "Staff"', "correct horse", "DE").key.encode()
    for card, removed in ((bookworm, "affectfusion/secrets/"), (trixie, "network-config")):
        assert prepare(card, *wifi, *broker) == 0
        files = contents(card)
        assert {name for name, data in files.items() if b"s3same open" in data} == {
            "affectfusion/secrets/mqtt-password"
        }
        holders = [name for name, data in files.items() if key in data]
        assert holders and all(name.startswith(removed) for name in holders)
        assert not [name for name, data in files.items() if b"correct horse" in data]


def test_who_may_listen_to_the_box_is_noted_for_the_technician_alone(prepare: Prepare, trixie: Path) -> None:
    assert prepare(trixie) == 0
    noted = Path("affectfusion-northside-7b-logins.txt")
    assert noted.stat().st_mode & 0o777 == 0o600
    assert "affectfusion-northside-7b.local, port 8883, TLS" in noted.read_text()
    for user in ("viewer", "operator"):
        password = (trixie / f"affectfusion/secrets/mqtt-{user}-password").read_text()
        assert re.search(rf"^{user} +{password} ", noted.read_text(), re.MULTILINE)


def test_a_password_for_home_assistant_is_noted_where_it_is_wanted(
    prepare: Prepare, trixie: Path, tmp_path: Path
) -> None:
    template = tmp_path / "template.toml"
    template.write_text("[homeassistant]\nenabled = true\n")
    assert prepare(trixie, "--config", str(template)) == 0
    password = (trixie / "affectfusion/secrets/mqtt-homeassistant-password").read_text()
    noted = Path("affectfusion-northside-7b-logins.txt").read_text()
    assert re.search(rf"^homeassistant +{password} ", noted, re.MULTILINE)


def test_noted_passwords_are_never_overwritten(
    prepare: Prepare, refused: Callable[..., str], trixie: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(trixie) == 0
    capsys.readouterr()
    noted = Path("affectfusion-northside-7b-logins.txt")
    before = noted.read_text(), contents(trixie)
    assert "exists already" in refused(trixie, "--replace")
    assert (noted.read_text(), contents(trixie)) == before
    assert prepare(trixie, "--replace", "--logins", "second.txt") == 0


def test_no_passwords_are_noted_for_a_card_that_could_not_be_written(
    refused: Callable[..., str], trixie: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(trixie)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1 << 20))
    refused(trixie)
    assert not list(Path().iterdir())


def test_a_box_with_a_broker_elsewhere_makes_no_passwords(
    prepare: Prepare, refused: Callable[..., str], trixie: Path
) -> None:
    assert "--logins" in refused(trixie, "--broker", "mqtt.school.example", "--logins", "logins.txt")
    assert prepare(trixie, "--broker", "mqtt.school.example") == 0
    assert not list(Path().iterdir())
    assert not (trixie / "affectfusion/secrets").exists()


def test_the_release_is_whole_and_the_same_every_time() -> None:
    packed = archive()
    assert packed == archive()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        names = set(tar.getnames())
        assert tar.getmember("install.sh").mode & 0o100
    assert {"install.sh", "pyproject.toml", "edge/cli.py", "models_tflite/face_mesh.tflite"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests", ".git"))]


def test_a_release_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="edge: missing"):
        archive(tmp_path)


def test_wheels_go_along_for_a_box_without_a_network(prepare: Prepare, trixie: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "numpy-2.2.6-cp313-cp313-manylinux_2_28_aarch64.whl").write_bytes(b"wheel")
    assert prepare(trixie, "--wheels", str(wheels)) == 0
    assert [file.name for file in (trixie / "affectfusion/wheels").iterdir()] == [
        file.name for file in wheels.iterdir()
    ]


def test_ssh_is_let_in_with_a_key_only(prepare: Prepare, trixie: Path, tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKjd me@school\n")
    assert prepare(trixie, "--ssh-key", str(key)) == 0
    seed = yaml.safe_load((trixie / "user-data").read_text())
    assert seed["users"][0]["ssh_authorized_keys"] == [key.read_text().strip()]
    assert seed["users"][0]["lock_passwd"] is True


def test_a_card_without_room_is_refused_before_the_first_byte(
    refused: Callable[..., str], bookworm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(bookworm)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1 << 20))
    assert "1 MiB are free" in refused(bookworm)


def test_what_starts_the_installation_is_written_last(
    prepare: Prepare, bookworm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that is pulled out too early starts as if nothing had been done."""
    cmdline = (bookworm / "cmdline.txt").read_text()
    whole = partition._replace

    def pulled_out(path: Path, data: bytes) -> None:
        if path.name == "cmdline.txt":
            raise KeyboardInterrupt
        whole(path, data)

    monkeypatch.setattr(partition, "_replace", pulled_out)
    assert prepare(bookworm) == 130
    assert (bookworm / "cmdline.txt").read_text() == cmdline


@pytest.mark.parametrize(
    ("site", "room", "name"),
    [
        ("northside", "7b", "affectfusion-northside-7b"),
        ("North_Side", "Room_7", "affectfusion-north-side-room-7"),
        ("s" * 40, "r" * 40, f"affectfusion-{'s' * 40}-{'r' * 9}"),
    ],
)
def test_a_host_name_is_made_from_site_and_room(site: str, room: str, name: str) -> None:
    assert default_hostname(site, room) == name
