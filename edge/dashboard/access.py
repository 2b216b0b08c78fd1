"""Who may look and who may give commands: passwords, who has entered, and how often one may try."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edge.broker.passwords import entries, fits
from edge.dashboard.roles import ROLES, Role
from edge.errors import UserError
from edge.files import replace

ITERATIONS = 210_000
"""Of PBKDF2 over SHA-512, as OWASP's password storage cheat sheet asks for."""

SHORTEST = 12
"""Characters of a password."""

STAY_S = 12 * 3600.0
"""A school day after entering one has to enter again."""

MOST_VISITS = 1000
MOST_ADDRESSES = 1000

TRIES, WITHIN_S = 5, 60.0
"""Most wrong passwords of one address within this time."""
TRIES_OF_ALL = 60
"""Most wrong passwords of all addresses together within this time."""


def hashed(password: str) -> str:
    """The password's entry, in the form of mosquitto's password files."""
    salt = secrets.token_bytes(16)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def load(path: Path) -> dict[str, str]:
    """The hashes by role. Raises UserError where the file cannot be read or holds none."""
    try:
        found = entries(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--passwords {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--passwords {path}: is not UTF-8 text") from error
    if unknown := set(found) - set(ROLES):
        raise UserError(f"--passwords {path}: {min(unknown)!r} is neither viewer nor operator")
    if not found or any(not hashed.startswith("$7$") for hashed in found.values()):
        raise UserError(f"--passwords {path}: holds no hashed password; make one with --set-password viewer")
    return found


def keep(path: Path, role: Role, password: str) -> None:
    """Puts a role's password into ``path``, hashed. Raises UserError where it is too short or cannot be written."""
    if len(password) < SHORTEST:
        raise UserError(f"a password has at least {SHORTEST} characters")
    known = load(path) if path.exists() else {}
    lines = (known | {role: hashed(password)}).items()
    try:
        replace(path, "".join(f"{name}:{entry}\n" for name, entry in lines).encode(), mode=0o600)
    except OSError as error:
        raise UserError(f"--passwords {path}: cannot be written ({error.strerror})") from error


@dataclass
class Tries:
    """How many wrong passwords came of late."""

    clock: Callable[[], float] = time.monotonic
    _by_address: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _all: deque[float] = field(default_factory=deque)

    def wait_s(self, address: str) -> float:
        """How long ``address`` has to wait before it may try again; 0 if it may now."""
        now = self.clock()
        of_this = self._by_address.get(address, deque())
        return max(_wait(of_this, TRIES, now), _wait(self._all, TRIES_OF_ALL, now))

    def failed(self, address: str) -> None:
        """Notes a try that failed, or one that is under way and may."""
        now = self.clock()
        of_this = self._by_address.setdefault(address, deque(maxlen=TRIES))
        self._by_address.move_to_end(address)
        of_this.append(now)
        self._all.append(now)
        while len(self._all) > TRIES_OF_ALL:
            self._all.popleft()
        while len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forgets the tries of an address that knew the password."""
        self._by_address.pop(address, None)


def _wait(tries: deque[float], most: int, now: float) -> float:
    return max(0.0, tries[-most] + WITHIN_S - now) if len(tries) >= most else 0.0


@dataclass
class Visits:
    """Who has entered, by the secret in their cookie; forgotten with the process."""

    clock: Callable[[], float] = time.monotonic
    _visits: OrderedDict[str, tuple[Role, float]] = field(default_factory=OrderedDict)

    def begin(self, role: Role) -> str:
        """A new secret."""
        secret = secrets.token_urlsafe(32)
        self._visits[secret] = role, self.clock() + STAY_S
        while len(self._visits) > MOST_VISITS:
            self._visits.popitem(last=False)
        return secret

    def role(self, secret: str) -> Role | None:
        """Whose secret it is; None if nobody's, or over."""
        role, until = self._visits.get(secret, (None, 0.0))
        return role if self.clock() < until else None

    def end(self, secret: str) -> None:
        """Forgets it."""
        self._visits.pop(secret, None)


def check(password: str, known: dict[str, str]) -> Role | None:
    """Whose password it is; slow by intent. The operator's is looked at first."""
    return next((role for role in reversed(ROLES) if role in known and fits(password, known[role])), None)
