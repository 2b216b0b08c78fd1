"""The first start itself, run in a folder that plays the box, with stand-ins for what only a real one has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")

PASSWORD = "s3same open"

INSTALLER = """#!/bin/bash
root=$FIRST_BOOT_ROOT
echo "$*" >>"$root/installer-calls"
outcome=$(head -n 1 "$root/outcomes" 2>/dev/null); sed -i 1d "$root/outcomes" 2>/dev/null
case $outcome in
  '') mkdir -p "$root/opt/affectfusion/releases/0.1.0-abc" "$root/etc/mosquitto/affectfusion"
      echo authority >"$root/etc/mosquitto/affectfusion/ca.crt"
      ln -sfn releases/0.1.0-abc "$root/opt/affectfusion/current" ;;
  *) code=${outcome%% *}
     echo "install.sh: ${outcome#* }" >&2; echo "install.sh: stopped while working" >&2
     echo "install.sh: all of it is in /var/log/affectfusion-install.log" >&2; exit "$code" ;;
esac
"""

STUBS = {
    "systemctl": 'echo "$*" >>"$FIRST_BOOT_ROOT/systemctl-calls"',
    "systemd-sysusers": "exit 0",
    "sync": "exit 0",
    "sleep": 'echo "$1" >>"$FIRST_BOOT_ROOT/sleeps"',
    "ip": 'cat "$FIRST_BOOT_ROOT/route" 2>/dev/null',
    # nobody here is called affectfusion
    "install": 'exec /usr/bin/install "${@/#affectfusion/$(id -gn)}"',
}

POWER_CUT = """\
set -T
cuts=0
trap '(( ++cuts == CUT_AT )) && kill -9 $$' DEBUG
"""
"""Read by bash before the script: the power goes at its CUT_AT-th command."""


@dataclass
class Box:
    """A folder that plays a box with a prepared card in it."""

    root: Path
    card: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def result(self) -> str:
        """The first line of what the technician reads."""
        return (self.card / "affectfusion-result.txt").read_text().splitlines()[0]

    @property
    def held(self) -> Path:
        return self.root / "var/lib/affectfusion-first-boot"

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def run(self, script: Path, *arguments: str, **environment: str) -> int:
        ran = subprocess.run(
            ["bash", str(script), *arguments],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        (self.root / "last-output").write_text(ran.stdout)
        return ran.returncode

    def start(self, **environment: str) -> int:
        """A start of the box as systemd and cloud-init (or the kernel's command line) see it."""
        if "systemd.run=" in (self.card / "cmdline.txt").read_text():
            return self.run(self.card / "firstrun.sh", **environment)
        parcel = self.card / "affectfusion/first-boot.sh"
        if (self.card / "user-data").exists() and parcel.exists():
            code = self.run(parcel, "take", **environment)
            if code:
                return code
        if (self.held / "first-boot.sh").exists():
            return self.run(self.held / "first-boot.sh", "install", **environment)
        return 0

    def secrets(self) -> list[str]:
        """Where on the card a secret can be read."""
        found = self.card.rglob("*")
        return [str(file) for file in found if file.is_file() and PASSWORD in file.read_text(errors="replace")]


@pytest.fixture
def make_box(tmp_path: Path, prepare: Callable[..., int], wifi: list[str]) -> Iterator[Callable[..., Box]]:
    """Puts a prepared card into a box that has never started."""
    (tmp_path / "broker.txt").write_text(PASSWORD)
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name, body in STUBS.items():
        (stubs / name).write_text(f"#!/bin/bash\n{body}\n")
        (stubs / name).chmod(0o755)

    def make(card: Path, own_broker: bool = False) -> Box:
        broker = ["--broker", "mqtt.school.example", "--broker-user", "7b"]
        broker += ["--broker-password-file", str(tmp_path / "broker.txt")]
        assert prepare(card, *wifi, *(() if own_broker else broker)) == 0
        root = tmp_path / "root"
        mods = root / "usr/lib/raspberrypi-sys-mods/imager_custom"
        userconf = root / "usr/lib/userconf-pi/userconf"
        for tool in (mods, userconf):
            tool.parent.mkdir(parents=True)
            tool.write_text(f'#!/bin/bash\necho "$@" >>"$FIRST_BOOT_ROOT/{tool.name}-calls"\n')
            tool.chmod(0o755)
        (root / "boot").mkdir()
        (root / "boot/firmware").symlink_to(card)
        release = tmp_path / "release"
        (release / "systemd").mkdir(parents=True)
        (release / "install.sh").write_text(INSTALLER)
        (release / "systemd/affectfusion.sysusers").touch()
        archive = card / "affectfusion/release.tar.gz"
        subprocess.run(["tar", "-czf", str(archive), "-C", str(release), "."], check=True)
        environment = {"FIRST_BOOT_ROOT": str(root), "PATH": f"{stubs}:{os.environ['PATH']}"}
        return Box(root, card, environment)

    yield make


@pytest.fixture(params=["bookworm", "trixie"])
def box(request: pytest.FixtureRequest, make_box: Callable[..., Box]) -> Box:
    card: Path = request.getfixturevalue(request.param)
    return make_box(card)


def started_until_installed(box: Box) -> None:
    for _ in range(3):
        assert box.start() == 0, (box.root / "last-output").read_text()
        if (box.card / "affectfusion-result.txt").exists():
            return


def test_a_card_installs_the_appliance_with_its_answers(box: Box) -> None:
    started_until_installed(box)
    assert box.result == "installed 0.1.0-abc"
    assert box.lines("installer-calls") == ["device"]
    config = box.root / "etc/affectfusion/config.toml"
    assert 'room = "7b"' in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o640
    password = box.root / "etc/affectfusion/credentials/mqtt-password"
    assert password.read_text() == PASSWORD
    assert password.stat().st_mode & 0o777 == 0o600


def test_no_secret_and_no_parcel_stay_on_the_card(box: Box) -> None:
    assert box.secrets()
    started_until_installed(box)
    assert not box.secrets()
    assert not (box.card / "affectfusion").exists()
    assert not (box.card / "network-config").exists()
    assert not (box.card / "firstrun.sh").exists()
    assert "systemd." not in (box.card / "cmdline.txt").read_text()
    assert not box.held.exists()


def test_what_listeners_need_reaches_them_and_the_box(make_box: Callable[..., Box], trixie: Path) -> None:
    box = make_box(trixie, own_broker=True)
    secrets = trixie / "affectfusion/secrets"
    made = {file.name: file.read_text() for file in secrets.iterdir()}
    started_until_installed(box)
    credentials = box.root / "etc/affectfusion/credentials"
    assert {file.name: file.read_text() for file in credentials.iterdir()} == made
    assert set(made) == {"mqtt-viewer-password", "mqtt-operator-password"}
    assert not [file for file in credentials.iterdir() if file.stat().st_mode & 0o077]
    assert (box.card / "affectfusion-ca.crt").read_text() == "authority\n"


def test_a_start_after_the_installation_does_nothing(box: Box) -> None:
    started_until_installed(box)
    before = box.lines("systemctl-calls")
    assert box.start() == 0
    assert box.lines("systemctl-calls") == before
    assert box.lines("installer-calls") == ["device"]


def test_bookworm_gives_the_box_its_name_wifi_and_user(make_box: Callable[..., Box], bookworm: Path) -> None:
    box = make_box(bookworm)
    started_until_installed(box)
    name, wifi = box.lines("imager_custom-calls")
    assert name == "set_hostname affectfusion-northside-7b"
    assert wifi.startswith('set_wlan School "Staff" ') and wifi.endswith(" DE")
    assert box.lines("userconf-calls") == ["technician *"]


def test_what_bookworm_appended_to_the_command_line_survives(make_box: Callable[..., Box], bookworm: Path) -> None:
    box = make_box(bookworm)
    cmdline = bookworm / "cmdline.txt"
    cmdline.write_text(cmdline.read_text().strip() + " cfg80211.ieee80211_regdom=DE\n")
    assert box.start() == 0
    assert cmdline.read_text().endswith("init=/usr/lib/raspberrypi-sys-mods/firstboot cfg80211.ieee80211_regdom=DE\n")


def test_a_bookworm_tool_that_fails_is_reported_and_the_rest_goes_on(
    make_box: Callable[..., Box], bookworm: Path
) -> None:
    box = make_box(bookworm)
    (box.root / "usr/lib/raspberrypi-sys-mods/imager_custom").write_text("#!/bin/bash\nexit 1\n")
    assert box.start() == 0
    assert box.result == "not installed yet: the first start could not set up the Wi-Fi"
    assert box.start() == 0
    assert box.result == "installed 0.1.0-abc"


def test_it_waits_for_the_network_as_long_as_that_takes(box: Box) -> None:
    (box.root / "outcomes").write_text("1 apt-get could not install mosquitto\n" * 7)
    started_until_installed(box)
    assert box.result == "installed 0.1.0-abc"
    assert box.lines("sleeps") == ["10", "20", "40", "80", "160", "300", "300"]
    log = (box.root / "var/log/affectfusion-first-boot.log").read_text()
    assert "not installed yet: waiting for the network" in log


def test_with_a_network_the_reason_is_the_installers(box: Box) -> None:
    (box.root / "route").write_text("default via 192.168.1.1 dev wlan0\n")
    (box.root / "outcomes").write_text("1 the disk is full: 3 MB are free\n")
    started_until_installed(box)
    log = (box.root / "var/log/affectfusion-first-boot.log").read_text()
    assert "not installed yet: the disk is full: 3 MB are free" in log


def test_a_mistake_is_told_and_tried_again_at_the_next_start(make_box: Callable[..., Box], trixie: Path) -> None:
    box = make_box(trixie)
    (box.root / "outcomes").write_text("2 Debian 11 is not supported\n")
    assert box.start() == 2
    assert box.result == "not installed: Debian 11 is not supported"
    assert box.start() == 0
    assert box.result == "installed 0.1.0-abc"


def test_a_damaged_release_is_told(make_box: Callable[..., Box], trixie: Path) -> None:
    box = make_box(trixie)
    archive = trixie / "affectfusion/release.tar.gz"
    archive.write_bytes(archive.read_bytes()[:100])
    assert box.start() == 2
    assert box.result == "not installed: the release on the card is damaged; prepare the card again"


def test_a_card_prepared_again_replaces_the_configuration_and_keeps_the_old_one(
    make_box: Callable[..., Box], trixie: Path, prepare: Callable[..., int]
) -> None:
    box = make_box(trixie)
    release = (trixie / "affectfusion/release.tar.gz").read_bytes()
    started_until_installed(box)
    assert prepare(trixie, "--replace", room="8a") == 0
    (trixie / "affectfusion/release.tar.gz").write_bytes(release)
    assert box.start() == 0
    assert 'room = "8a"' in (box.root / "etc/affectfusion/config.toml").read_text()
    assert 'room = "7b"' in (box.root / "etc/affectfusion/config.toml.old").read_text()


def test_ssh_is_switched_off_unless_a_key_was_given(make_box: Callable[..., Box], trixie: Path) -> None:
    box = make_box(trixie)
    started_until_installed(box)
    assert "disable --now ssh.service ssh.socket" in box.lines("systemctl-calls")


def test_power_may_be_cut_after_any_command(box: Box) -> None:
    """Power goes ever later, in start after start, until one gets through: nothing is lost, and nothing claimed."""
    (box.root / "cut").write_text(POWER_CUT)
    places = (
        box.card / "affectfusion/secrets/mqtt-password",
        box.held / "secrets/mqtt-password",
        box.root / "etc/affectfusion/credentials/mqtt-password",
    )
    result = box.card / "affectfusion-result.txt"
    for cut in range(1, 400):
        box.start(BASH_ENV=str(box.root / "cut"), CUT_AT=str(cut))
        assert any(path.exists() and path.read_text() == PASSWORD for path in places), f"cut {cut} lost the password"
        if result.exists() and result.read_text().startswith("installed"):
            assert (box.root / "opt/affectfusion/current").exists()
            if not box.held.exists():
                break
    assert box.start() == 0
    assert box.result == "installed 0.1.0-abc"
    assert not box.secrets()
    assert not (box.card / "affectfusion").exists()
