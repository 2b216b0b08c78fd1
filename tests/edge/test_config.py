from pathlib import Path

import pytest

from edge.config import Settings, load
from edge.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_an_empty_file_gives_the_defaults(file: Path) -> None:
    file.write_text("")
    assert load(file) == Settings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[camera]\nfsp = 3", "camera: Object contains unknown field `fsp`"),
        ("[kamera]\nfps = 3", "Object contains unknown field `kamera`"),
        ('[camera]\nfps = "fast"', "camera.fps: Expected `float`, got `str`"),
        ("[camera]\nfps = -1.0", "camera.fps: Expected `float` > 0.0"),
        ("[camera]\nrotation = 45", "camera.rotation: Invalid enum value 45"),
        ("[broker]\nport = 70000", "broker.port: Expected `int` <= 65535"),
        ('[inputs]\nallow = ["pulse"]', "inputs.allow[0]: Invalid enum value 'pulse'"),
        ("[inputs]\nmax_age_s = 600.0", "inputs.max_age_s: Expected `float` <= 60.0"),
        ("[outbox]\nmessages = 10", "outbox.messages: Expected `int` >= 1000"),
        ('[box]\nroom = "a/b"', "box.room: Expected `str` matching regex"),
        ("[deployment]\nminimum_group = 1", 'deployment: minimum_group must be at least 2 in mode = "room"'),
        ('[deployment]\njurisdiction = "Germany"', 'deployment: jurisdiction must be "EU" or an ISO 3166 code'),
        ('[deployment]\njurisdiction = "none"', 'deployment: jurisdiction = "none" is for purpose = "demonstration"'),
        ('[camera]\nsource = "file"', 'camera: source = "file" needs a path'),
        ('[microphone]\nsource = "file"', 'microphone: source = "file" needs a path'),
        ("[broker]\npassword_file = 3", "broker.password_file: Expected a path, got int"),
        (
            '[broker]\nhost = "mqtt.school"\ntls = false\nusername = "box"',
            "broker: tls = false would send the password to mqtt.school in clear",
        ),
        ('[broker]\nca_file = "ca.pem"\ntls = false', "broker: ca_file is of no use with tls = false"),
        ('[broker]\nsocket = "/run/s"\nhost = "mqtt.school"', "broker: socket takes the place of host and port"),
        ('[broker]\nsocket = "/run/s"\nport = 1883', "broker: socket takes the place of host and port"),
        ('[broker]\nsocket = "/run/s"\ntls = true', "broker: a socket needs no tls and no ca_file"),
        ('[broker]\nsocket = "/run/s"\nca_file = "ca.pem"', "broker: a socket needs no tls and no ca_file"),
        (f'[broker]\nsocket = "/run/{"s" * 103}"', "broker: socket: a path of more than 107 bytes cannot be one"),
        (f'[broker]\nsocket = "{"s" * 107}"', "broker: socket: a path of more than 107 bytes cannot be one"),
        ("[broker.bridge]\nport = 8883", "broker.bridge: Object missing required field `host`"),
        (
            '[broker.bridge]\nhost = "mqtt.school"\ntls = false\nusername = "room"',
            "broker.bridge: tls = false would send the password to mqtt.school in clear",
        ),
        (
            '[broker]\nhost = "mqtt.school"\n[broker.bridge]\nhost = "mqtt.region"',
            "broker: bridge: needs the broker to be on this machine",
        ),
        ('[broker.local]\nkey = "key.pem"', "broker.local: certificate and key go together"),
        ('[broker.local]\nca = "ca.pem"', "broker.local: ca goes with a certificate and its key"),
        ("[broker.local]\nport = 1883", "broker.local: port, loopback_port and websockets_port must differ"),
        ('[broker.local]\nnames = ["a, DNS:evil"]', "broker.local.names[0]: Expected `str` matching regex"),
        ("[privacy]\nbutton_pin = 17\nled_pin = 17", "privacy: button_pin and led_pin cannot be the same pin"),
        ("[privacy]\nbutton_pin = 28", "privacy.button_pin: Expected `int` <= 27"),
        ('[homeassistant]\nprefix = "home/#"', "homeassistant.prefix: Expected `str` matching regex"),
        ("[camera\n", "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_is_one_line_with_the_file_and_the_key(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: {complaint}")
    assert "\n" not in message


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(UserError, match=r"config\.toml: cannot read the configuration \(No such file"):
        load(file)


def test_a_file_that_is_not_text_is_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"config\.toml: "):
        load(file)


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    file.write_text('[camera]\nsource = "file"\npath = "clips/lesson.mp4"\n[models]\ndirectory = "/opt/models"')
    settings = load(file)
    assert settings.camera.path == file.parent / "clips/lesson.mp4"
    assert settings.models.directory == Path("/opt/models")


def test_the_outbox_lies_in_the_folder_of_what_outlives_a_restart(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert Settings().storage.outbox is None
    file.write_text('[storage]\ndirectory = "state"')
    assert load(file).outbox_file == file.parent / "state" / "outbox.sqlite"


def test_no_score_of_a_learners_own_device_is_kept_in_a_file(file: Path) -> None:
    file.write_text('[deployment]\nmode = "self"\n[storage]\ndirectory = "state"\n[session]\nkeep_days = 30')
    settings = load(file)
    assert settings.outbox_file is None
    assert settings.lessons.keep_days == 0
    assert settings.storage.folder == file.parent / "state"


def test_the_running_minute_is_written_with_every_state_in_memory_only(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    file.write_text('[storage]\ndirectory = "state"')
    assert load(file).storage.scratch == (file.parent / "state" / "minute.json", 10.0)
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/affectfusion")
    assert load(file).storage.scratch == (Path("/run/affectfusion/minute.json"), 0.0)


def test_a_learners_own_device_may_have_a_group_of_one(file: Path) -> None:
    file.write_text('[deployment]\nmode = "self"\nminimum_group = 1')
    assert load(file).deployment.minimum_group == 1


@pytest.mark.parametrize(
    ("broker", "address", "encrypted"),
    [
        ("", ("localhost", 1883), False),
        ('host = "127.0.0.1"', ("127.0.0.1", 1883), False),
        ('host = "127.9.8.7"', ("127.9.8.7", 1883), False),
        ('host = "::1"', ("::1", 1883), False),
        ('host = "mqtt.school"', ("mqtt.school", 8883), True),
        ('host = "mqtt.school"\nusername = "box"', ("mqtt.school", 8883), True),
        ('host = "192.168.1.20"', ("192.168.1.20", 8883), True),
        ('host = "localhost.evil.example"', ("localhost.evil.example", 8883), True),
        ('host = "mqtt.school"\nport = 1883', ("mqtt.school", 1883), True),
        ('host = "mqtt.school"\ntls = false', ("mqtt.school", 1883), False),
        (
            'host = "mqtt.school"\ntls = false\nusername = "box"\npassword_in_clear = true',
            ("mqtt.school", 1883),
            False,
        ),
        ("tls = true", ("localhost", 8883), True),
        ('ca_file = "/ca.pem"', ("localhost", 8883), True),
        ('socket = "/run/mosquitto/box.sock"\nusername = "box"', ("/run/mosquitto/box.sock", 1), False),
    ],
)
def test_every_broker_but_one_on_this_machine_is_spoken_to_encrypted_unless_told_otherwise(
    file: Path, broker: str, address: tuple[str, int], encrypted: bool
) -> None:
    file.write_text(f"[broker]\n{broker}\n")
    found = load(file).broker
    assert (found.address, found.encrypted) == (address, encrypted)


def test_paths_in_tables_within_tables_are_relative_to_the_file_too(file: Path) -> None:
    file.write_text(
        '[broker]\nsocket = "s"\n[broker.local]\ncertificate = "c.pem"\nkey = "k.pem"\n'
        '[broker.bridge]\nhost = "mqtt.school"\nca_file = "ca.pem"\n'
    )
    broker = load(file).broker
    assert broker.bridge is not None
    assert (broker.socket, broker.local.certificate, broker.bridge.ca_file) == (
        file.parent / "s",
        file.parent / "c.pem",
        file.parent / "ca.pem",
    )
