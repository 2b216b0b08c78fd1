"""Settings: one typed, frozen tree, read from TOML. Unknown keys, wrong types and values out of range are errors."""

from __future__ import annotations

import ipaddress
import os
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from edge.errors import UserError
from edge.signals import Outside

INSTALLED = Path("/etc/affectfusion/config.toml")
"""Where an installed appliance keeps its configuration."""

STATE = Path("/var/lib/affectfusion")
"""Where an installed appliance keeps its state."""

CREDENTIALS = Path("/etc/affectfusion/credentials")
"""Where it keeps its passwords."""

MOSQUITTO = Path("/etc/mosquitto")
"""Where the broker on the box keeps its configuration."""

LONGEST_SOCKET = 107
"""Bytes in the longest path that Linux takes for a unix socket."""

MODELS = Path(__file__).resolve().parent.parent / "models_tflite"

TopicLevel = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}\Z")]
HostName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:*-]{1,253}\Z")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Purpose = Literal["", "education", "wellbeing", "research", "medical", "safety", "demonstration"]
Pin = Annotated[int, Meta(ge=2, le=27)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class Deployment(Section, frozen=True):
    """Who may be measured, why, and under whose law. Nothing is captured until all three are declared.

    What is left empty here may be declared by ``affect-edge privacy grant`` instead.
    """

    purpose: Purpose = ""
    """What the scores are for."""
    jurisdiction: str = ""
    """Where the box stands: "EU", or an ISO 3166 code such as "DE", "US" or "US-CA"; "none" for a demonstration."""
    consent: Annotated[str, Meta(max_length=1000)] = ""
    """Who consented and where that is written down, in the operator's own words."""
    mode: Literal["room", "self"] = "room"
    """"room" measures a group; "self" is a learner's own device."""
    minimum_group: Annotated[int, Meta(ge=1, le=100)] = 5
    """Faces that must be in view before any score is given; 1 only in mode = "self"."""

    def __post_init__(self) -> None:
        if self.mode == "room" and self.minimum_group < 2:
            raise ValueError('minimum_group must be at least 2 in mode = "room"')
        # a country written out would slip past the gate's list of them
        if not re.fullmatch("|none|[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?", self.jurisdiction):
            raise ValueError(f'jurisdiction must be "EU" or an ISO 3166 code such as "DE", not {self.jurisdiction!r}')
        if self.jurisdiction == "none" and self.purpose != "demonstration":
            raise ValueError('jurisdiction = "none" is for purpose = "demonstration" only')


class Box(Section, frozen=True):
    """Where the box stands; makes the base topic affectfusion/SITE/ROOM."""

    site: TopicLevel = "site"
    room: TopicLevel = "room"


class CameraSettings(Section, frozen=True):
    """Where pictures come from."""

    source: Literal["v4l2", "picamera2", "file", "images", "drawn", "none"] = "v4l2"
    device: str = "/dev/video0"
    """v4l2: the device file or its number."""
    path: Path | None = None
    """file: a video; images: a folder of pictures."""
    loop: bool = False
    """file, images: start again at the end."""
    width: Annotated[int, Meta(ge=160, le=7680)] = 1280
    height: Annotated[int, Meta(ge=120, le=4320)] = 720
    fps: Annotated[float, Meta(gt=0.0, le=120.0)] = 15.0
    """Frames per second asked of a camera, and given to images without timestamps."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise that turn the picture upright."""
    learners: Annotated[int, Meta(ge=0, le=32)] = 6
    """drawn: how many drawn learners sit in the picture."""

    def __post_init__(self) -> None:
        if self.source in ("file", "images") and self.path is None:
            raise ValueError(f'source = "{self.source}" needs a path')


class MicrophoneSettings(Section, frozen=True):
    """Where sound comes from."""

    source: Literal["pyaudio", "file", "video", "none"] = "pyaudio"
    device: str = ""
    """pyaudio: part of the device's name; empty for the system's default."""
    path: Path | None = None
    """file: WAV, FLAC or anything libsndfile reads; video: a video, for the sound in it (needs the extra analyse)."""
    loop: bool = False
    """file, video: start again at the end."""

    def __post_init__(self) -> None:
        if self.source in ("file", "video") and self.path is None:
            raise ValueError(f'source = "{self.source}" needs a path')


class Perception(Section, frozen=True):
    """How faces are found and followed."""

    mesh: Literal["litert", "mediapipe"] = "litert"
    """The face mesh: the same model files on the branches' own runtime, or the mediapipe package."""
    faces: Annotated[int, Meta(ge=1, le=16)] = 16
    """Most faces followed at once."""
    rate_hz: Annotated[float, Meta(ge=1.0, le=30.0)] = 7.5
    """Frames looked at per second; the engagement branch was trained at 7.5."""
    forward_fill_s: Annotated[float, Meta(ge=0.0, le=5.0)] = 1.0
    """How long a lost face keeps its last landmarks before its track ends."""

    def __post_init__(self) -> None:
        if self.forward_fill_s < 1.5 / self.rate_hz:
            raise ValueError("forward_fill_s must outlast one and a half looks (1.5 / rate_hz)")

    @property
    def lowest_rate_hz(self) -> float:
        """The fewest looks a second with which no face is lost between two of them."""
        return 1.5 / self.forward_fill_s


class Models(Section, frozen=True):
    """Which models run, and on what."""

    directory: Path = MODELS
    runtime: Literal["litert", "tflite-runtime"] = "litert"
    threads: Annotated[int, Meta(ge=1, le=16)] = 1


class Fusion(Section, frozen=True):
    """How readings become one state."""

    kind: Literal["late", "weighted", "attention"] = "weighted"
    """The late rule on this moment's readings, the same weighted by reliability with a memory, or the network."""
    period_s: Annotated[float, Meta(ge=0.2, le=60.0)] = 1.0
    """Seconds between published states."""
    window_s: Annotated[float, Meta(ge=0.5, le=60.0)] = 3.0
    """A reading older than this no longer counts."""
    longest_lag_s: Annotated[float, Meta(ge=0.5, le=10.0)] = 1.0
    """No score is older than this: where looking or listening takes longer, sound is dropped and the box abstains."""
    minimum_reliability: Share = 0.75
    """Where what stands behind a state would be right less often than this, the box abstains; 0.5 is an even chance.

    On validation sessions, as recorded and damaged in seven ways, ``weighted`` is right in .856 of the seconds; from
    0.75 on, where .857 of them are left, in .887 (``affect-quantize train-fusion`` prints the whole curve).
    """
    baseline: bool = True
    """Whether engagement is read relative to what the room's faces looked like in their first minute."""


class Inputs(Section, frozen=True):
    """Modalities from outside, by MQTT at affectfusion/SITE/ROOM/input/NAME; see docs/inputs.md."""

    allow: tuple[Outside, ...] = ()
    """Which are listened to."""
    max_age_s: Annotated[float, Meta(ge=2.0, le=60.0)] = 10.0
    """A message counts for less the older it is, and not at all from this age on."""


class Endpoint(Section, frozen=True):
    """An MQTT broker and how to speak with it: encrypted and verified unless it is on this machine."""

    host: Annotated[str, Meta(min_length=1)] = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """8883 where the connection is encrypted, 1883 where it is not, when absent."""
    username: str = ""
    password_file: Path | None = None
    """A file whose first line is the password."""
    tls: bool | None = None
    """Encrypt, and verify the broker's certificate; when absent, for every broker but one on this machine."""
    ca_file: Path | None = None
    """tls: the only authority to trust; the system's own when absent."""
    password_in_clear: bool = False
    """Send the password where everybody on the network can read it."""

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted, and the broker's certificate verified."""
        return (self.ca_file is not None or not self.here) if self.tls is None else self.tls

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port in use."""
        return self.host, self.port or (8883 if self.encrypted else 1883)

    @property
    def where(self) -> str:
        """The address in words."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def __post_init__(self) -> None:
        if self.ca_file is not None and not self.encrypted:
            raise ValueError("ca_file is of no use with tls = false")
        if self.username and not (self.encrypted or self.here or self.password_in_clear):
            raise ValueError(
                f"tls = false would send the password to {self.host} in clear; leave tls out, or say "
                "password_in_clear = true"
            )


class LocalBroker(Section, frozen=True):
    """The broker on the box, where it has its own; see edge/broker/."""

    network: bool = True
    """Whether other machines may connect: encrypted, with a name and a password."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    """network: where."""
    loopback_port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    """Where programs on this machine reach it."""
    websockets_port: Annotated[int, Meta(ge=1, le=65535)] = 9001
    """Where a web server on this machine reaches it on behalf of browsers."""
    names: tuple[HostName, ...] = ()
    """What else clients call this machine (names, addresses); its certificate holds those it knows itself."""
    durable: bool = False
    """Keep what absent subscribers, a bridge's broker too, have yet to receive on the card rather than in memory: it
    survives a power cut then, for one or two writes to the card per message, each as long as all that waits."""
    certificate: Path | None = None
    """A certificate (PEM, with its chain) to show instead of one that the box makes and renews."""
    key: Path | None = None
    """The key of the certificate (PEM, no passphrase)."""
    ca: Path | None = None
    """The authority of the certificate, for clients that do not know it."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        if self.ca is not None and self.certificate is None:
            raise ValueError("ca goes with a certificate and its key")
        if len({self.port, self.loopback_port, self.websockets_port}) < 3:
            raise ValueError("port, loopback_port and websockets_port must differ")


class Bridge(Endpoint, frozen=True, kw_only=True):
    """A broker, a school's say, that receives all that this box publishes, from the broker on the box."""

    host: Annotated[str, Meta(min_length=1)]
    commands: bool = False
    """Whether commands may come from there."""


class Broker(Endpoint, frozen=True):
    """The MQTT broker."""

    socket: Path | None = None
    """The unix socket of a broker on this machine, in place of host and port."""
    local: LocalBroker = LocalBroker()
    bridge: Bridge | None = None

    @property
    def here(self) -> bool:
        """See Endpoint.here."""
        return self.socket is not None or super().here

    @property
    def address(self) -> tuple[str, int]:
        """See Endpoint.address; a socket's has a port that means nothing."""
        return super().address if self.socket is None else (str(self.socket), 1)

    @property
    def where(self) -> str:
        """See Endpoint.where."""
        return super().where if self.socket is None else str(self.socket)

    def __post_init__(self) -> None:
        if self.socket is not None:
            if self.host != "localhost" or self.port is not None:
                raise ValueError("socket takes the place of host and port; leave them out")
            if self.tls or self.ca_file is not None:
                raise ValueError("a socket needs no tls and no ca_file: it never leaves this machine")
            if len(os.fsencode(self.socket)) > LONGEST_SOCKET:
                raise ValueError(f"socket: a path of more than {LONGEST_SOCKET} bytes cannot be one")
        super().__post_init__()
        if self.bridge is not None and not self.here:
            raise ValueError("bridge: needs the broker to be on this machine; publish to the other one directly")


class Privacy(Section, frozen=True):
    """A button and a light on the box, on the Raspberry Pi's GPIO header; both need the extra ``gpio``."""

    button_pin: Pin | None = None
    """The GPIO number (17 is GPIO17, pin 11 of the header) of a button to ground that mutes and unmutes."""
    led_pin: Pin | None = None
    """The GPIO number of a light: on while capturing, blinking while devices open or close, off while closed."""

    def __post_init__(self) -> None:
        if self.button_pin is not None and self.button_pin == self.led_pin:
            raise ValueError("button_pin and led_pin cannot be the same pin")


class SessionSettings(Section, frozen=True):
    """Lessons: their statistics and alerts.

    In mode = "self" the statistics are one learner's, and none are kept, whatever is said here.
    """

    scenario: str = "lecture"
    """What kind of lesson decides what is worth an alert: "lecture", "exam", "discussion", "self-study", or an own."""
    scenarios: Path | None = None
    """A file of own scenarios, which add to those of edge/session/scenarios.toml or replace them; the form is there."""
    keep_days: Annotated[int, Meta(ge=0, le=3650)] = 90
    """How long the statistics of a lesson are kept on the box; 0 keeps none, and deletes what is there."""


class Scratch(NamedTuple):
    """A file that is written over and over, but not again within ``every_s`` seconds, to spare a card."""

    file: Path
    every_s: float


class Storage(Section, frozen=True):
    """What the box keeps for after a restart: mute and consent, unsent messages, the sessions and the running minute.

    Never pictures, sound or landmarks, and in mode = "self", where scores are one learner's, only mute and consent.
    """

    directory: Path | None = None
    """Where; when absent systemd's $STATE_DIRECTORY, or /var/lib/affectfusion under the installed configuration.

    Nothing is kept where none of them is given.
    """

    @property
    def folder(self) -> Path | None:
        """The folder in use; None where nothing is kept."""
        given = os.environ.get("STATE_DIRECTORY")
        return self.directory or (Path(given) if given else None)

    @property
    def scratch(self) -> Scratch | None:
        """Where the running minute is: in systemd's $RUNTIME_DIRECTORY, which is memory, or else in ``folder``."""
        given = os.environ.get("RUNTIME_DIRECTORY")
        if given:
            return Scratch(Path(given) / "minute.json", every_s=0.0)
        return Scratch(self.folder / "minute.json", every_s=10.0) if self.folder else None

    @property
    def sessions(self) -> Path | None:
        """The folder of kept sessions; None where none are kept."""
        return self.folder / "sessions" if self.folder else None

    @property
    def outbox(self) -> Path | None:
        """The file of unsent messages; None where they are kept in memory."""
        return self.folder / "outbox.sqlite" if self.folder else None


class OutboxSettings(Section, frozen=True):
    """What waits for the broker."""

    messages: Annotated[int, Meta(ge=1000, le=1_000_000)] = 50_000
    """Most messages that wait; then the oldest are dropped. With a state a second these are twelve hours, longer than
    any school day, in 26 MB of the card, or of memory where nothing is stored."""


class HomeAssistant(Section, frozen=True):
    """Home Assistant; see edge/homeassistant/.

    Off until somebody wants it: it shows the room to everybody who uses that Home Assistant, and keeps its own history
    of the scores, which ``session.keep_days`` does not reach.
    """

    enabled: bool = False
    """Whether Home Assistant finds the box by itself."""
    commands: bool = True
    """Whether it is offered a mute switch, the choice of a scenario, and buttons to start and end a lesson."""
    prefix: Annotated[str, Meta(max_length=80, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\Z")] = "homeassistant"
    """The discovery prefix that it is set to."""


class Settings(Section, frozen=True):
    """The whole configuration."""

    deployment: Deployment = Deployment()
    box: Box = Box()
    camera: CameraSettings = CameraSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    perception: Perception = Perception()
    models: Models = Models()
    fusion: Fusion = Fusion()
    inputs: Inputs = Inputs()
    broker: Broker = Broker()
    privacy: Privacy = Privacy()
    session: SessionSettings = SessionSettings()
    storage: Storage = Storage()
    outbox: OutboxSettings = OutboxSettings()
    homeassistant: HomeAssistant = HomeAssistant()

    @property
    def outbox_file(self) -> Path | None:
        """The file of unsent messages; None where they wait in memory, as on a learner's own device."""
        return None if self.deployment.mode == "self" else self.storage.outbox

    @property
    def lessons(self) -> SessionSettings:
        """``session``, keeping nothing on a learner's own device."""
        own = self.deployment.mode == "self"
        return msgspec.structs.replace(self.session, keep_days=0) if own else self.session


def load(path: Path) -> Settings:
    """Reads ``path``; paths in it are relative to it. Raises UserError with the file and the key in one line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot read the configuration ({error.strerror})") from error
    try:
        settings = parse(content, path.resolve().parent)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    if path == INSTALLED and settings.storage.folder is None:
        # started by hand, an installed box must know the mute and the consent of the one that systemd starts
        settings = msgspec.structs.replace(settings, storage=Storage(STATE))
    return settings


def parse(content: bytes, base: Path = Path()) -> Settings:
    """The settings that the TOML ``content`` holds; paths in it are relative to ``base``.

    Raises UserError with the key and what is wrong.
    """
    try:
        return msgspec.toml.decode(content, type=Settings, dec_hook=partial(_decode_path, base))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(_in_words(error)) from error


def _decode_path(base: Path, kind: type, value: object) -> object:
    if kind is not Path or not isinstance(value, str):
        raise ValueError(f"Expected a path, got {type(value).__name__}")
    if "\0" in value:
        raise ValueError("Expected a path, got one with a null character")
    try:
        return base / Path(value).expanduser()
    except RuntimeError as error:
        raise ValueError(f"Expected a path, got one of an unknown user ({value})") from error


def _in_words(error: Exception) -> str:
    """Turns msgspec's "message - at `$.camera.fps`" into "camera.fps: message"."""
    message, _, where = str(error).partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    return f"{key}: {message}" if key else message
