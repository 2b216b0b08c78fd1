"""A process that is watched: what it opens, changes and connects to, as the kernel and as Python see it.

The kernel's view (strace) is the whole truth, native libraries included; Python's (an audit hook) needs no tool and
no permission, so that a machine without them still checks most.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from services import wait_until

ROOT = Path(__file__).resolve().parent.parent

OPENING = ("open", "openat", "openat2", "creat")
CHANGING = (
    *("mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "truncate"),
    *("link", "linkat", "symlink", "symlinkat", "setxattr", "memfd_create", "io_uring_setup"),
)
"""Ways to leave something behind, or to write it unseen; none is ever needed."""
REACHING = ("connect", "sendto", "sendmsg", "sendmmsg")

_WRITING = re.compile(r"\b(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE)\b")
_CALL = re.compile(r"^\d+ +(\w+)\((.*)$", re.MULTILINE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OWN_PORT = re.compile(r"\bgetsockname\b.*sin_port=htons\((\d+)\)")
_LOOPBACK = re.compile(r'\{sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("127\.0\.0\.1"\)\}')
_NAME_SERVICE = re.compile(r'sun_path="(/var)?/run/(nscd/socket|systemd/(userdb|resolve)/[^"]*)"')

_HOOK = """
import os, sys
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
WATCHED = (
    "os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "shutil.", "tempfile.",
    "socket.connect", "socket.sendto", "socket.sendmsg", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork",
)
record, path = int(os.environ["AUDIT_RECORD"]), os.environ["AUDIT_PATH"]
try:
    inherited = os.path.samestat(os.fstat(record), os.stat(path))
except OSError:
    inherited = False
if not inherited:  # a program that the watched one has started
    record = os.open(path, os.O_WRONLY | os.O_APPEND)
def watch(event, arguments, record=record):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING and arguments[0] != os.devnull
    if writes or event.startswith(WATCHED):
        os.write(record, f"{event} {arguments!r}\\n".encode())
sys.addaudithook(watch)
"""


@cache
def why_no_strace() -> str:
    """Why the kernel's view is not to be had here; empty where it is."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt install strace"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


class Watched:
    """Runs Python with ``arguments`` in an empty home, which is also where it starts and keeps temporary files."""

    def __init__(self, arguments: Sequence[str], folder: Path, display: str = "") -> None:
        self.home = folder / "home"
        self._hooks = folder / "hooks"
        for made in (self.home, self._hooks):
            made.mkdir(parents=True)
        (self._hooks / "sitecustomize.py").write_text(_HOOK)
        self._trace, self.audit, self._log = (folder / name for name in ("trace", "audit", "log"))
        watch = ["strace", "-D", "-f", "-q", "-o", str(self._trace), "-e", self._traced()]
        with self.audit.open("wb") as audit, self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*([] if why_no_strace() else watch), sys.executable, *arguments],
                cwd=self.home,
                env=self._environment(audit.fileno()) | ({"DISPLAY": display} if display else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[audit.fileno()],
            )

    def stop(self) -> int:
        """Asks the process to end, as systemd would; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Waits for the process, and for the record of it to be whole; returns its exit code."""
        code = self.process.wait(30)
        if not why_no_strace():
            # strace pads short process numbers
            ended = re.compile(rf"^{self.process.pid} +\+\+\+ exited", re.MULTILINE)
            assert wait_until(lambda: ended.search(self.calls)), "strace did not finish"
        return code

    @property
    def log(self) -> bytes:
        """What it wrote to stdout and stderr."""
        return self._log.read_bytes()

    @property
    def calls(self) -> str:
        """The watched system calls, as strace writes them."""
        return self._trace.read_text(errors="replace") if self._trace.exists() else ""

    @property
    def audited(self) -> list[str]:
        """Python's own account of files opened for writing, other changes, programs run and connections."""
        return self.audit.read_text().splitlines()

    def _environment(self, record: int) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PYTHONPATH": f"{self._hooks}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUDIT_RECORD": str(record),
            "AUDIT_PATH": str(self.audit),
        }

    @staticmethod
    def _traced() -> str:
        # A question mark forgives a call that this kind of processor does not have.
        return "trace=" + ",".join(f"?{name}" for name in (*OPENING, *CHANGING, *REACHING, "getsockname", "execve"))


def files_opened(calls: str) -> set[str]:
    """Every path that was opened, or tried."""
    return {_path(rest) for name, rest in _CALL.findall(calls) if name in OPENING and _QUOTED.search(rest)}


def files_written(calls: str) -> list[str]:
    """Every call that could have left something on a disk or started a program that does, but for /dev/null."""
    found, started = [], False
    for name, rest in _CALL.findall(calls):
        opens_to_write = name == "creat" or (name in OPENING and _WRITING.search(_QUOTED.sub("", rest)))
        if (opens_to_write and _path(rest) != os.devnull) or name in CHANGING or (name == "execve" and started):
            found.append(f"{name}({rest}")
        started = started or name == "execve"
    return found


def strangers(calls: str, port: int) -> list[str]:
    """Every call that reaches for anybody but the broker at ``port`` of loopback.

    The process's own sockets (its MQTT client wakes itself through one) and this machine's name service are nobody.
    """
    ports = {str(port), *_OWN_PORT.findall(calls)}
    return [f"{name}({rest}" for name, rest in _CALL.findall(calls) if name in REACHING and _is_strange(rest, ports)]


def audited_strangers(audited: list[str]) -> list[str]:
    """Of Python's own account, all but connections to this machine: a broker, or the process itself.

    Python does not tell its own ports; a connection to one of this machine's is the kernel's view to judge.
    """
    return [line for line in audited if not re.match(r"socket\.connect .*\('127\.0\.0\.1', \d+\)\)$", line)]


def _path(rest: str) -> str:
    quoted = _QUOTED.search(rest)
    return quoted.group(1) if quoted else ""


def _is_strange(rest: str, ports: set[str]) -> bool:
    # What was sent is quoted, and could look like an address.
    if "sa_family=" not in _QUOTED.sub("", rest) or _NAME_SERVICE.search(rest):
        return False
    address = _LOOPBACK.search(rest)
    return address is None or address.group(1) not in ports
