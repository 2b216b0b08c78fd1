"""Runs inside the service's sandbox, with the system's Python, and prints as JSON what it was allowed to do."""

import ctypes
import json
import mmap
import os
import resource
import socket
from pathlib import Path

STATE = Path(os.environ["STATE_DIRECTORY"])


def attempt(action):
    """ "allowed", or the error's name."""
    try:
        action()
    except OSError as error:
        return type(error).__name__ if error.errno is None else os.strerror(error.errno)
    return "allowed"


def become_a_program_of_root():
    file = STATE / "probe"
    file.touch()
    file.chmod(0o4755)


def leave_the_namespace():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")


def write(path):
    return lambda: Path(path).write_text("x")


print(
    json.dumps(
        {
            "write /etc": attempt(write("/etc/probe")),
            "write /usr": attempt(write("/usr/probe")),
            "write /opt": attempt(write("/opt/affectfusion/probe")),
            "write /var/lib": attempt(write("/var/lib/probe")),
            "write /home": attempt(write("/home/probe")),
            "write /run": attempt(write("/run/probe")),
            "write state": attempt(write(STATE / "probe")),
            "read secrets": attempt(lambda: list(Path("/etc/affectfusion/credentials").iterdir())),
            "read credential": attempt((Path(os.environ["CREDENTIALS_DIRECTORY"]) / "mqtt-password").read_bytes),
            "read a camera of the group video": attempt(Path("/run/camera").read_bytes),
            "raw packets": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
            "netlink": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
            "another user": attempt(lambda: os.setuid(0)),
            "set-user-id": attempt(become_a_program_of_root),
            "namespaces": attempt(leave_the_namespace),
            "writable code": attempt(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
            "core dumps": resource.getrlimit(resource.RLIMIT_CORE)[1],
            "network": str(Path("/proc/self/ns/net").readlink()),
        }
    )
)
