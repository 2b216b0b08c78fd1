"""The texts people read: one TOML file a language beside this one, with the same keys in each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent

LANGUAGES = tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))
"""The languages there are, by their ISO 639 codes."""


class Catalogue:
    """The texts of one language; ``texts`` by "table.key", with ``{names}`` where values go."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key`` with its values in place. Raises KeyError for one that no catalogue has."""
        return self.texts[key].format(**values)

    def duration(self, seconds: float) -> str:
        """A stretch of time in its largest whole unit, such as 3 min."""
        for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
            if seconds >= length:
                return self(f"duration.{unit}", count=int(seconds // length))
        return self("duration.seconds", count=int(max(0.0, seconds)))


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of ``language``, one of LANGUAGES."""
    tables = msgspec.toml.decode((FOLDER / f"{language}.toml").read_bytes(), type=dict[str, dict[str, str]])
    return Catalogue(
        language, {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}
    )
