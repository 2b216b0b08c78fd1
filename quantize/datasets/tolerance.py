"""What every loader does about damage: a few bad files among thousands are left out and named, more are an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from edge.errors import UserError

log = logging.getLogger(__name__)

TOLERATED = 0.01
"""The share of a data set that may be unreadable."""

NAMED = 3


def settle(folder: Path, flaws: Mapping[Path, str], total: int, what: str) -> None:
    """Notes the ``flaws``, unreadable files and why, among ``total`` of ``what`` (in the plural) in ``folder``.

    Raises UserError naming the first where they are more than one in a hundred.
    """
    if not flaws:
        return
    first, reason = next(iter(flaws.items()))
    if len(flaws) > TOLERATED * total:
        raise UserError(f"{first}: {reason}; {len(flaws)} of {total} {what} cannot be used, at most 1 % may be")
    listed = ", ".join(f"{path} ({reason})" for path, reason in list(flaws.items())[:NAMED])
    more = f" and {len(flaws) - NAMED} more" if len(flaws) > NAMED else ""
    log.warning("%s: %d of %d %s left out: %s%s", folder, len(flaws), total, what, listed, more)
