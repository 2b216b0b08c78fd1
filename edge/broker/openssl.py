"""The openssl command: keys, certificates and questions about them, in a folder that is gone afterwards.

Debian has it wherever it has mosquitto; a library would be another few megabytes on every box for what is done once in
two years.
"""

from __future__ import annotations

import ipaddress
import secrets
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from edge.errors import DeviceError, UserError

DAY_S = 86_400


class OpenSSL:
    """openssl at work while its ``with`` block runs. All files are PEM.

    Raises UserError where it is not installed, DeviceError where it fails.
    """

    def __enter__(self) -> OpenSSL:
        self._folder = tempfile.TemporaryDirectory()
        self._made = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def key(self) -> bytes:
        """A new key on the curve P-256."""
        return self._makes("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")

    def authority(self, key: bytes, subject: dict[str, str], days: int) -> bytes:
        """A certificate for ``key``, signed by itself, with which others can be signed."""
        request = self._request(subject)
        request += (
            "basicConstraints = critical, CA:TRUE, pathlen:0\n"
            "keyUsage = critical, keyCertSign, cRLSign\n"
            "subjectKeyIdentifier = hash\n"
        )
        how = ["-config", self._file(request.encode()), "-extensions", "about", "-days", str(days)]
        return self._makes("req", "-x509", "-new", "-sha256", "-key", self._file(key), *how)

    def certificate(
        self, key: bytes, subject: dict[str, str], names: list[str], days: int, signer: tuple[bytes, bytes]
    ) -> bytes:
        """A server's certificate for ``key`` and ``names``, signed by ``signer``, an authority and its key."""
        request = self._request(subject)
        request += (
            "basicConstraints = critical, CA:FALSE\n"
            "keyUsage = critical, digitalSignature\n"
            "extendedKeyUsage = serverAuth\n"
            "subjectKeyIdentifier = hash\n"
            "authorityKeyIdentifier = keyid\n"
            f"subjectAltName = {', '.join(map(_alternative, names))}\n"
        )
        config = self._file(request.encode())
        asked = self._makes("req", "-new", "-sha256", "-key", self._file(key), "-config", config)
        authority, authority_key = map(self._file, signer)
        how = ["-CA", authority, "-CAkey", authority_key, "-set_serial", f"0x{secrets.token_hex(16)}"]
        how += ["-extfile", config, "-extensions", "about", "-days", str(days)]
        return self._makes("x509", "-req", "-sha256", "-in", self._file(asked), *how)

    def is_key(self, key: bytes) -> bool:
        """Whether it is a key, without a passphrase."""
        return self._public(key) is not None

    def matches(self, certificate: bytes, key: bytes) -> bool:
        """Whether ``key`` is the one of ``certificate``."""
        named = self._answers("x509", "-pubkey", "-noout", "-in", self._file(certificate))
        return named is not None and named == self._public(key)

    def lasts(self, certificate: bytes, days: int) -> bool:
        """Whether ``certificate`` is one, and will still hold in so many days."""
        return (
            self._answers("x509", "-checkend", str(days * DAY_S), "-noout", "-in", self._file(certificate)) is not None
        )

    def vouches(self, authority: bytes, certificate: bytes) -> bool:
        """Whether ``authority`` signed ``certificate``, by way of the chain in the same file where there is one."""
        chain = self._file(certificate)
        return self._answers("verify", "-CAfile", self._file(authority), "-untrusted", chain, chain) is not None

    def names(self, certificate: bytes) -> set[str]:
        """The host names and addresses in ``certificate``."""
        said = self._answers("x509", "-noout", "-ext", "subjectAltName", "-in", self._file(certificate)) or ""
        pairs = (part.strip().partition(":") for line in said.splitlines()[1:] for part in line.split(","))
        return {normal(name) for _, _, name in pairs}

    def _public(self, key: bytes) -> str | None:
        return self._answers("pkey", "-pubout", "-in", self._file(key), "-passin", "pass:")

    def _request(self, subject: dict[str, str]) -> str:
        """A configuration of openssl's that takes nothing from the system's own; its last section is to be filled."""
        name = "\n".join(f"{key} = {value}" for key, value in subject.items())
        return f"[req]\nprompt = no\ndistinguished_name = name\n[name]\n{name}\n[about]\n"

    def _file(self, content: bytes = b"") -> str:
        self._made += 1
        path = Path(self._folder.name) / str(self._made)
        path.write_bytes(content)
        return str(path)

    def _makes(self, *arguments: str) -> bytes:
        """What openssl writes with ``arguments``."""
        out = self._file()
        done = self._run(*arguments, "-out", out)
        if done.returncode != 0:
            raise DeviceError(f"openssl {arguments[0]} failed: {' '.join(done.stderr.split())[-300:]}")
        return Path(out).read_bytes()

    def _answers(self, *arguments: str) -> str | None:
        """What openssl says to ``arguments``; None where its answer is no."""
        done = self._run(*arguments)
        return done.stdout if done.returncode == 0 else None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise UserError("openssl is not installed: apt install openssl") from error


def normal(name: str) -> str:
    """A host name as it is, an address in its one shortest form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"
