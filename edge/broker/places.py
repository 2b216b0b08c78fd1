"""Where the files of the broker on the box are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.config import CREDENTIALS, MOSQUITTO


@dataclass(frozen=True, slots=True)
class Places:
    """Every file, below mosquitto's own folder and the folder of passwords."""

    out: Path = MOSQUITTO
    credentials: Path = CREDENTIALS
    runtime: Path = Path("/run/mosquitto")
    """mosquitto's own folder in memory: outlives the broker, not the box."""
    state: Path = Path("/var/lib/mosquitto")
    """Where mosquitto keeps what outlives it, unless the distribution's configuration says otherwise."""

    @property
    def main(self) -> Path:
        """The distribution's configuration, which is only read."""
        return self.out / "mosquitto.conf"

    @property
    def drop_in(self) -> Path:
        """What this box adds to it."""
        return self.out / "conf.d" / "affectfusion.conf"

    @property
    def bridge(self) -> Path:
        """The bridge, apart from the rest because mosquitto keeps its password in it."""
        return self.out / "conf.d" / "affectfusion_bridge.conf"

    @property
    def memory(self) -> Path:
        """What the broker has yet to deliver, and what it retains.

        In a folder of its own: mosquitto 2.0.21 warns at every write of a file that is not its own group's, and the
        group of the folder above is the box's.
        """
        return self.runtime / "kept" / "affectfusion.db"

    @property
    def acl(self) -> Path:
        """Who may read and write what."""
        return self._own("acl")

    @property
    def passwords(self) -> Path:
        """Names and hashed passwords."""
        return self._own("passwords")

    @property
    def authority(self) -> Path:
        """The authority that clients trust: nothing secret, to be handed out."""
        return self._own("ca.crt")

    @property
    def authority_key(self) -> Path:
        """The box's own authority's key, for root alone."""
        return self._own("ca.key")

    @property
    def certificate(self) -> Path:
        """What the broker shows on the network."""
        return self._own("server.crt")

    @property
    def key(self) -> Path:
        """The key of the certificate."""
        return self._own("server.key")

    def _own(self, name: str) -> Path:
        return self.out / "affectfusion" / name


def credential(user: str) -> str:
    """The name of the file that holds the password of anybody but the box itself."""
    return f"mqtt-{user}-password"
