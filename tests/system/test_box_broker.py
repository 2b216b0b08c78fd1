"""The broker on the box, a real one: who may do what, from where, and what survives."""

from __future__ import annotations

import dataclasses
import os
import pwd
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from boxbroker import BoxBroker, Person
from paho.mqtt.client import topic_matches_sub
from services import Mosquitto, mosquitto_program, wait_until

from edge.broker.openssl import OpenSSL
from edge.config import Box, Broker, load
from edge.publish.connection import probe
from edge.publish.mqtt import Publisher
from edge.publish.topics import BIRTH, PUBLISHED
from edge.signals import Affect

pytestmark = [pytest.mark.system, pytest.mark.flaky(reruns=1)]

BASE = "affectfusion/school/lab"
OWN = [f"{BASE}/{topic.name}" for topic in PUBLISHED]
COMMAND = f"{BASE}/command"
ANNOUNCEMENT = "homeassistant/device/affectfusion-school-lab/config"
FOREIGN = [
    "affectfusion/school/yard/affect",
    "affectfusion/school/yard/command",
    "affectfusion/elsewhere/lab/affect",
    "affectfusion/school/labour/affect",
    "homeassistant/device/affectfusion-school-yard/config",
    "top",
]
SEEN_BY_NOBODY = [*FOREIGN, f"{BASE}lab", "affectfusion"]
EVERYTHING = [
    *(*OWN, COMMAND, ANNOUNCEMENT, BIRTH, f"{BASE}/more", f"{BASE}/affect/more"),
    *(*SEEN_BY_NOBODY, "$SYS/broker/uptime"),
]
AFFECT = Affect(1.0, 3.0, 6, {"face": 0.9}, valence=0.5, satisfaction=0.75, confidence=0.7)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Names of pytest's own folders are too long for a unix socket.
    with tempfile.TemporaryDirectory(prefix="box") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def box(folder: Path) -> Iterator[BoxBroker]:
    """A broker in which every topic there is holds a retained message, the foreign ones too."""
    broker = BoxBroker(folder / "box")
    kept = [f"persistence_location {broker.places.memory.parent}/", f"persistence_file {broker.places.memory.name}"]
    open_to_all = Mosquitto(broker.program, folder, ["allow_anonymous true", "persistence true", *kept])
    open_to_all.start()
    sower = Person(("127.0.0.1", open_to_all.port))
    for topic in (*OWN, COMMAND, ANNOUNCEMENT, BIRTH, *SEEN_BY_NOBODY):
        assert sower.may_write(topic, retain=True)
    sower.close()
    assert open_to_all.process is not None
    open_to_all.process.terminate()
    open_to_all.process.wait()
    broker.configure()
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[..., BoxBroker]]:
    made: list[BoxBroker] = []

    def make_broker(**how: str) -> BoxBroker:
        made.append(BoxBroker(Path(tempfile.mkdtemp(dir=folder)), **how))
        return made[-1]

    yield make_broker
    for broker in made:
        broker.kill()


# Who may do what.


@pytest.mark.parametrize(
    ("user", "readable"),
    [("device", {COMMAND, BIRTH}), ("viewer", {*OWN, COMMAND}), ("operator", {*OWN, COMMAND})],
)
@pytest.mark.parametrize(
    "pattern", ["#", "+/#", "affectfusion/#", "affectfusion/+/+/+", "+/+/+/+", f"{BASE}/#", f"{BASE}/+"]
)
def test_wildcards_bring_what_may_be_read_and_nothing_else(
    box: BoxBroker, user: str, readable: set[str], pattern: str
) -> None:
    person = box.client(user)
    assert person.entry == "Success"
    assert person.retained(pattern) == {topic for topic in readable if topic_matches_sub(pattern, topic)}
    person.close()


@pytest.mark.parametrize("user", ["device", "viewer", "operator"])
def test_nobody_reads_other_rooms_or_the_broker_itself(box: BoxBroker, user: str) -> None:
    person = box.client(user)
    for pattern in (*SEEN_BY_NOBODY, "affectfusion/school/yard/#", "affectfusion/elsewhere/#", "$SYS/#"):
        assert person.retained(pattern) == set(), pattern
    person.close()


@pytest.mark.parametrize(
    ("user", "writable"), [("device", {*OWN, ANNOUNCEMENT}), ("viewer", set()), ("operator", {COMMAND})]
)
def test_each_writes_its_own_topics_and_nothing_else(box: BoxBroker, user: str, writable: set[str]) -> None:
    person = box.client(user)
    assert {topic for topic in EVERYTHING if person.may_write(topic)} == writable
    person.close()


@pytest.mark.parametrize(("commands", "command"), [("true", {COMMAND}), ("false", set())])
def test_home_assistant_has_a_name_of_its_own_once_it_is_wanted(
    make: Callable[..., BoxBroker], commands: str, command: set[str]
) -> None:
    broker = make(tables=f"[homeassistant]\nenabled = true\ncommands = {commands}\n")
    broker.configure()
    broker.start()
    person = broker.client("homeassistant", broker.password("homeassistant"))
    assert person.entry == "Success"
    assert {topic for topic in EVERYTHING if person.may_write(topic)} == {ANNOUNCEMENT, BIRTH, *command}
    device = broker.client("device")
    assert all(device.may_write(topic, retain=True) for topic in (*OWN, ANNOUNCEMENT))
    assert person.retained("#") == {*OWN, ANNOUNCEMENT}
    assert broker.client("viewer").retained("#") == set(OWN)
    for one in (person, device):
        one.close()


def test_home_assistant_has_no_name_where_it_is_not_wanted(box: BoxBroker) -> None:
    assert not (box.places.credentials / "mqtt-homeassistant-password").exists()
    assert box.client("homeassistant", "guessed").entry == "Not authorized"


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), ("", ""), ("device", "wrong"), ("viewer", ""), ("root", "x"), ("DEVICE", "wrong")],
)
@pytest.mark.parametrize("door", ["loopback", "socket", "websockets", "network"])
def test_strangers_come_in_by_no_door(box: BoxBroker, user: str | None, password: str | None, door: str) -> None:
    assert enter(box, door, user, password) == "Not authorized"


@pytest.mark.parametrize("user", ["device", "viewer", "operator"])
@pytest.mark.parametrize("door", ["loopback", "socket", "websockets", "network"])
def test_each_comes_in_by_every_door(box: BoxBroker, user: str, door: str) -> None:
    assert enter(box, door, user, box.password(user)) == "Success"


def enter(box: BoxBroker, door: str, user: str | None, password: str | None) -> str | None:
    addresses = {"socket": (str(box.socket), 1), "websockets": ("127.0.0.1", box.websockets)}
    addresses |= {"loopback": ("127.0.0.1", box.loopback), "network": ("127.0.0.1", box.network)}
    person = Person(
        addresses[door],
        user,
        password,
        transport={"socket": "unix", "websockets": "websockets"}.get(door, "tcp"),
        authority=box.places.authority if door == "network" else None,
    )
    person.close()
    return person.entry


# From where.


def test_only_the_encrypted_door_is_open_to_the_network(box: BoxBroker) -> None:
    address = address_on_the_network()
    assert not accepts(address, box.loopback)
    assert not accepts(address, box.websockets)
    assert accepts(address, box.network)


def test_a_box_that_keeps_to_itself_has_no_door_to_the_network(make: Callable[..., BoxBroker]) -> None:
    broker = make(tables="network = false\n")
    broker.configure()
    broker.start()
    assert not accepts("127.0.0.1", broker.network)
    assert broker.client("viewer").entry == "Success"
    assert not broker.places.key.exists()


def test_the_networks_door_is_encrypted_and_its_certificate_verified(box: BoxBroker, tmp_path: Path) -> None:
    subject = ["-subj", "/CN=another authority", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "ca")]
    how = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run([*how, *subject], check=True, capture_output=True)
    for stranger in (tmp_path / "ca", None):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(box, ssl.create_default_context(cafile=stranger))
    trusting = ssl.create_default_context(cafile=box.places.authority)
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    assert handshake(box, trusting) in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'evil\.example'"):
        handshake(box, trusting, "evil.example")
    assert handshake(box, trusting, socket.gethostname().partition(".")[0] + ".local")


def test_the_networks_door_does_not_speak_in_clear(box: BoxBroker) -> None:
    connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test"
    with socket.create_connection(("127.0.0.1", box.loopback), 5) as raw:
        raw.sendall(connect)
        assert raw.recv(4)[:1] == b"\x20", "loopback's answers"
    with socket.create_connection(("127.0.0.1", box.network), 5) as raw, suppress(ConnectionResetError):
        raw.sendall(connect)
        assert raw.recv(4)[:1] != b"\x20"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(box: BoxBroker) -> None:
    old = ssl.create_default_context(cafile=box.places.authority)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        handshake(box, old)


def test_a_renewed_certificate_is_shown_after_a_reload_that_disturbs_nobody(make: Callable[..., BoxBroker]) -> None:
    broker = make()
    broker.configure()
    broker.start()
    viewer = broker.client("viewer")
    trusting = ssl.create_default_context(cafile=broker.places.authority)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'box\.example'"):
        handshake(broker, trusting, "box.example")
    with broker.config.open("a") as file:
        file.write('names = ["box.example"]\n')
    broker.configure()
    assert broker.process is not None
    broker.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: shows(broker, trusting, "box.example"))
    assert viewer.mqtt.is_connected()
    viewer.close()
    broker.client("operator").close()


def shows(box: BoxBroker, context: ssl.SSLContext, name: str) -> bool:
    with suppress(ssl.SSLCertVerificationError):
        return handshake(box, context, name) is not None
    return False


def handshake(box: BoxBroker, context: ssl.SSLContext, host: str = "127.0.0.1") -> str | None:
    with (
        socket.create_connection(("127.0.0.1", box.network), 5) as raw,
        context.wrap_socket(raw, server_hostname=host) as encrypted,
    ):
        return encrypted.version()


def accepts(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


def address_on_the_network() -> str:
    """An address of this machine that is not loopback's."""
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    if not said:
        pytest.skip("this machine has no network")
    return said[0]


# The box itself.


def test_the_box_publishes_and_obeys_through_the_socket(box: BoxBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(box.places.credentials))
    broker = load(box.config).broker
    assert probe(broker, Box("school", "lab"), 10) is None
    publisher = Publisher(broker, Box("school", "lab"), commands.append)
    viewer, operator = box.client("viewer"), box.client("operator")
    viewer.subscribe("#")
    publisher.start()
    assert wait_until(lambda: publisher.connected)
    publisher.affect(AFFECT)
    assert wait_until(lambda: {f"{BASE}/affect", f"{BASE}/status"} <= {message.topic for message in viewer.received})
    assert operator.may_write(COMMAND, '{"v": 1, "command": "mute"}')
    assert wait_until(lambda: [order.command for order in commands] == ["mute"])
    publisher.stop()
    viewer.close()
    operator.close()


def test_the_box_publishes_over_the_network_to_the_authority_it_was_given_and_says_so(
    box: BoxBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_text(box.password("device"))
    broker = Broker(
        host="127.0.0.1",
        port=box.network,
        username="device",
        password_file=tmp_path / "secret",
        ca_file=box.places.authority,
    )
    publisher = Publisher(broker, Box("school", "lab"), print)
    publisher.start()
    assert wait_until(lambda: publisher.connected)
    publisher.stop()
    pinned = f"127.0.0.1:{box.network}: only the authority in {box.places.authority} is trusted, SHA-256 "
    assert pinned in caplog.text
    assert "WARNING" in caplog.text
    assert box.password("device") not in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to mosquitto's user")
def test_as_its_own_user_mosquitto_is_at_home_in_its_files_and_its_socket_is_open_to_one_group_only(
    make: Callable[..., BoxBroker],
) -> None:
    broker = make()
    own, group = pwd.getpwnam("mosquitto"), pwd.getpwnam("nobody").pw_gid
    for parent in (broker.folder, broker.folder.parent):
        parent.chmod(0o755)
    # As the unit's drop-in has it: a folder of mosquitto's and the box's group, another of mosquitto's alone.
    runtime = broker.folder / "run"
    broker.places = dataclasses.replace(broker.places, runtime=runtime)
    kept = broker.places.memory.parent
    kept.mkdir(parents=True)
    for folder, folder_group, mode in ((runtime, group, 0o2750), (kept, own.pw_gid, 0o700)):
        os.chown(folder, own.pw_uid, folder_group)
        folder.chmod(mode)
    broker.config.write_text(broker.config.read_text().replace(str(broker.socket), str(runtime / "s")))
    broker.configure()
    main = broker.places.main
    text = main.read_text().replace("user root\n", "")
    main.write_text(text.replace(f"log_dest file {broker.folder / 'log'}", "log_dest stderr"))
    before = os.umask(0o007)
    try:
        broker.start()
    finally:
        os.umask(before)
    device = broker.client("device")
    assert device.may_write(f"{BASE}/affect", "kept", retain=True)
    assert wait_until(lambda: broker.places.memory.exists())
    device.close()
    assert broker.places.memory.stat().st_gid == own.pw_gid
    assert "arning" not in broker.log
    status = (runtime / "s").stat()
    assert stat.filemode(status.st_mode) == "srwxrwx---"
    assert status.st_gid == group
    with somebody_of(group), socket.socket(socket.AF_UNIX) as member:
        member.connect(str(runtime / "s"))
    with somebody_of(65533), socket.socket(socket.AF_UNIX) as stranger, pytest.raises(PermissionError):
        stranger.connect(str(runtime / "s"))


@contextmanager
def somebody_of(group: int) -> Iterator[None]:
    """Acts as a user of one group, without root's rights."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(65533)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


# What survives.


@pytest.mark.parametrize("tables", ["", "durable = true\n"], ids=["memory", "card"])
def test_a_killed_broker_keeps_what_it_retained_and_what_a_subscriber_has_yet_to_receive(
    make: Callable[..., BoxBroker], tables: str
) -> None:
    broker = make(tables=tables)
    kill_with_fifty_waiting(broker, broker.state / "mosquitto.db" if tables else broker.places.memory)
    broker.start()
    viewer = broker.client("viewer", name="tablet", keep=True)
    assert wait_until(lambda: len(viewer.received) >= 50)
    assert [message.payload.decode() for message in viewer.received] == [f"{number} of 50" for number in range(50)]
    newcomer = broker.client("viewer")
    assert newcomer.retained("#") == {f"{BASE}/affect"}
    for person in (viewer, newcomer):
        person.close()


@pytest.mark.parametrize(("tables", "kept"), [("", 0), ("durable = true\n", 50)], ids=["memory", "card"])
def test_a_power_cut_loses_what_waits_in_memory_and_nothing_on_the_card(
    make: Callable[..., BoxBroker], tables: str, kept: int
) -> None:
    broker = make(tables=tables)
    kill_with_fifty_waiting(broker, broker.state / "mosquitto.db" if tables else broker.places.memory)
    forget_memory(broker)
    broker.start()
    viewer = broker.client("viewer", name="tablet", keep=True)
    viewer.subscribe("#")
    device = broker.client("device")
    assert device.may_write(f"{BASE}/affect", "the next one")
    # Delivered after all that waited.
    assert wait_until(lambda: heard(viewer).get(f"{BASE}/affect") == "the next one")
    assert sum(message.payload.endswith(b"of 50") and not message.retain for message in viewer.received) == kept
    for person in (viewer, device):
        person.close()


def kill_with_fifty_waiting(broker: BoxBroker, kept: Path) -> None:
    """Starts a broker, lets fifty messages wait for a viewer and kills it once they are in the file ``kept``."""
    broker.configure()
    broker.start()
    viewer = broker.client("viewer", name="tablet", keep=True)
    viewer.subscribe("#")
    viewer.close()
    device = broker.client("device")
    for number in range(50):
        assert device.may_write(f"{BASE}/affect", f"{number} of 50", retain=True)
    # mosquitto acknowledges a message a moment before it writes it down.
    assert wait_until(lambda: kept.exists() and b"49 of 50" in kept.read_bytes())
    broker.kill()
    device.close()


def forget_memory(broker: BoxBroker) -> None:
    """What a power cut does to files that are in memory; mosquitto flushes its others before it names them."""
    shutil.rmtree(broker.places.memory.parent)
    broker.places.memory.parent.mkdir()


# The bridge.


@pytest.fixture
def school(make: Callable[..., BoxBroker], folder: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A school's broker, encrypted and for the user ``room`` with the password ``given``, and its authority."""
    with OpenSSL() as openssl:
        authority_key, key = openssl.key(), openssl.key()
        authority = openssl.authority(authority_key, {"CN": "school"}, 2)
        certificate = openssl.certificate(key, {"CN": "broker"}, ["127.0.0.1"], 1, (authority, authority_key))
    place = Path(tempfile.mkdtemp(dir=folder))
    for name, content in (("ca", authority), ("key", key), ("crt", certificate), ("pw", b"room:given\nhead:given\n")):
        (place / name).write_bytes(content)
    subprocess.run(["mosquitto_passwd", "-U", str(place / "pw")], check=True)
    shown = [f"certfile {place / 'crt'}", f"keyfile {place / 'key'}"]
    broker = Mosquitto(mosquitto_program(), place, [*shown, "allow_anonymous false", f"password_file {place / 'pw'}"])
    broker.start()
    yield broker, place / "ca"
    broker.kill()


def bridged(broker: BoxBroker, school: Mosquitto, authority: Path, more: str = "") -> None:
    broker.places.credentials.mkdir(exist_ok=True)
    (broker.places.credentials / "mqtt-bridge-password").write_text("given\n")
    with broker.config.open("a") as file:
        file.write(
            f'[broker.bridge]\nhost = "127.0.0.1"\nport = {school.port}\nusername = "room"\n'
            f'ca_file = "{authority}"\n{more}'
        )
    broker.configure()
    broker.start()


def head(school: Mosquitto, authority: Path) -> Person:
    """Somebody at the school's broker."""
    return Person(("127.0.0.1", school.port), "head", "given", authority=authority)


def heard(person: Person) -> dict[str, str]:
    return {message.topic: message.payload.decode() for message in tuple(person.received)}


@pytest.mark.parametrize("commands", [False, True])
def test_the_bridge_carries_what_the_box_says_out_and_commands_in_only_where_they_may(
    make: Callable[..., BoxBroker], school: tuple[Mosquitto, Path], commands: bool
) -> None:
    broker = make()
    bridged(broker, *school, f"commands = {str(commands).lower()}\n")
    watcher = head(*school)
    watcher.subscribe("#")
    device, operator = broker.client("device"), broker.client("operator")
    assert wait_until(lambda: heard(watcher).get(f"{BASE}/bridge") == "1")
    device.subscribe(COMMAND)
    for topic in OWN:
        assert device.may_write(topic, "said", retain=True)
    assert wait_until(lambda: dict.fromkeys(OWN, "said").items() <= heard(watcher).items())
    assert operator.may_write(COMMAND, "from here")
    assert wait_until(lambda: heard(device).get(COMMAND) == "from here")
    watcher.may_write(COMMAND, "from there")
    watcher.may_write(f"{BASE}/affect", "forged")
    if commands:
        assert wait_until(lambda: heard(device).get(COMMAND) == "from there")
    # Sent after the command and the forgery, so it has overtaken neither.
    assert device.may_write(f"{BASE}/affect", "after")
    assert wait_until(lambda: heard(watcher).get(f"{BASE}/affect") == "after")
    assert (heard(device)[COMMAND] == "from there") == commands
    assert "from here" not in [message.payload.decode() for message in watcher.received]
    viewer = broker.client("viewer")
    viewer.subscribe(f"{BASE}/affect")
    assert wait_until(lambda: heard(viewer))
    assert heard(viewer)[f"{BASE}/affect"] == "said"
    for person in (watcher, device, operator, viewer):
        person.close()


@pytest.mark.parametrize("wanted", [False, True])
def test_home_assistant_at_the_schools_broker_finds_the_box_and_is_heard_where_that_is_wanted(
    make: Callable[..., BoxBroker], school: tuple[Mosquitto, Path], wanted: bool
) -> None:
    broker = make(tables=f"[homeassistant]\nenabled = {str(wanted).lower()}\n")
    bridged(broker, *school)
    watcher, device = head(*school), broker.client("device")
    watcher.subscribe("#")
    device.subscribe(BIRTH)
    assert wait_until(lambda: heard(watcher).get(f"{BASE}/bridge") == "1")
    watcher.may_write(BIRTH, "online")
    assert wait_until(lambda: heard(device).get(BIRTH) == "online", 10.0 if wanted else 1.0) == wanted
    # the box says it only where it is wanted, and takes it back where it no longer is
    assert device.may_write(ANNOUNCEMENT, "{}" if wanted else "", retain=True)
    assert wait_until(lambda: ANNOUNCEMENT in heard(watcher))
    for person in (watcher, device):
        person.close()


def test_the_bridge_sends_later_what_it_could_not_send_and_on_the_card_a_power_cut_takes_none_of_it(
    make: Callable[..., BoxBroker], school: tuple[Mosquitto, Path]
) -> None:
    broker = make(tables="durable = true\n")
    bridged(broker, *school)
    watcher = head(*school)
    watcher.subscribe("#")
    assert wait_until(lambda: heard(watcher).get(f"{BASE}/bridge") == "1")
    watcher.close()
    school[0].kill()
    device = broker.client("device")
    for number in range(20):
        assert device.may_write(f"{BASE}/affect", f"{number} of 20")
    assert wait_until(lambda: b"19 of 20" in (broker.state / "mosquitto.db").read_bytes())
    device.close()
    broker.kill()
    forget_memory(broker)
    broker.start()
    school[0].start()
    watcher = head(*school)
    watcher.subscribe(f"{BASE}/affect")
    # Whatever came before this subscription is gone: the bridge reconnects after a second at the earliest.
    assert wait_until(lambda: len(watcher.received) >= 20, 20)
    assert [message.payload.decode() for message in watcher.received] == [f"{number} of 20" for number in range(20)]
    watcher.close()


def test_the_bridge_tells_nothing_to_a_broker_it_cannot_verify(
    make: Callable[..., BoxBroker], school: tuple[Mosquitto, Path]
) -> None:
    broker = make()
    another = make(room="yard")
    another.configure()
    bridged(broker, school[0], another.places.authority)
    watcher = head(*school)
    watcher.subscribe("#")
    device = broker.client("device")
    assert device.may_write(f"{BASE}/affect", "said")
    assert wait_until(lambda: "certificate verify failed" in broker.log)
    assert heard(watcher) == {}
    watcher.close()
    device.close()
