"""The JSON files that benchmarks leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.errors import UserError


def check_writable(path: Path) -> None:
    """Finds out before minutes of measuring. Raises UserError."""
    try:
        path.open("a").close()
    except OSError as error:
        raise UserError(f"--json {path}: cannot be written ({error.strerror})") from error


def write(path: Path, figures: dict[str, Any]) -> None:
    """Writes ``figures``, indented."""
    path.write_text(json.dumps(figures, indent=2) + "\n")
