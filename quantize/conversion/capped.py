"""Modules run in a process of their own, kept to their memory and time: TensorFlow's converter would take it all.

``python -m quantize.conversion.capped GIB MODULE ARGUMENT...`` is that process; a UserError in it is one line on
stderr, exit 2.
"""

from __future__ import annotations

import importlib
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass

from edge.errors import UserError

OUT_OF_MEMORY = ("bad_alloc", "MemoryError", "annot allocate memory", "failed to map segment")
"""How Python, C++ and the loader say so."""


@dataclass(frozen=True)
class Caps:
    """What a process may take: ``gib`` of address space (TensorFlow reserves far more than it touches), ``seconds``."""

    gib: float = 16.0
    seconds: float = 900.0


def run(subject: str, module: str, *arguments: object, caps: Caps) -> None:
    """Calls ``module.main(arguments)`` in a process kept to ``caps``.

    Raises UserError, beginning with ``subject``, where it ends otherwise than well.
    """
    command = [sys.executable, "-m", "quantize.conversion.capped", str(caps.gib), module, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=caps.seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{subject}: took longer than {caps.seconds:g} s and was stopped; allow more") from error
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {done.returncode}"
    if done.returncode == UserError.exit_code:
        raise UserError(f"{subject}: {last}")
    if any(sign in line for line in lines[-20:] for sign in OUT_OF_MEMORY):
        raise UserError(f"{subject}: ran out of its {caps.gib:g} GiB of memory; allow more")
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise UserError(f"{subject}: was ended by {name}, most likely for want of memory ({caps.gib:g} GiB allowed)")
    raise UserError(f"{subject}: failed ({last})")


def main(arguments: list[str]) -> int:
    """Sets the limit, then calls the module."""
    gib, module, *rest = arguments
    limit = int(float(gib) * (1 << 30))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        result: int = importlib.import_module(module).main(rest)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
