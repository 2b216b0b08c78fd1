"""The command ``affect-edge state``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from edge.config import Box
from edge.errors import DeviceError, UserError
from edge.publish.topics import AFFECT, PRIVACY, STATUS, Topic
from edge.subscribe import source
from edge.subscribe.source import Source
from edge.words.catalogue import LANGUAGES, catalogue
from edge.words.compact import compact
from edge.words.sentence import Newest, seconds_since, sentence

EXAMPLES = """\
  affect-edge state --config classroom.toml
  sudo affect-edge state --language de
  affect-edge state --host mqtt.school.example --site north --room r12 --username tutor --password-file secret
  affect-edge state --format json"""

WITHIN_S = 5.0
"""How long the broker may take to answer."""


TOPICS = (STATUS, AFFECT, PRIVACY)
"""What the sentence rests on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the sentence (default: %(default)s)")
    source.add_arguments(parser)
    parser.add_argument("--site", help="with --room: of another box than the configuration's")
    parser.add_argument("--room", help="with --site: of another box than the configuration's")


def act(options: argparse.Namespace) -> int:
    """Prints the room's state now. Raises UserError; DeviceError where nothing can be known of it now."""
    from edge.subscribe.reader import retained

    where = of_box(source.resolve(options), options)
    found = retained(where, TOPICS, WITHIN_S)
    newest = newest_of(found)
    words, box = catalogue(options.language), where.box
    if not found or not newest.online:
        raise DeviceError(f"{box.site}/{box.room}: {sentence(newest, words)}")
    print(sentence(newest, words) if options.format == "text" else compact(box.site, box.room, newest, words))
    return 0


def newest_of(found: Mapping[Topic, Any]) -> Newest:
    """What the messages of TOPICS that there are say now."""
    now, affect = time.time(), found.get(AFFECT)
    return Newest(
        now=now,
        status=found.get(STATUS),
        affect=affect,
        privacy=found.get(PRIVACY),
        age_s=seconds_since(affect["time"], now) if affect else None,
    )


def of_box(source: Source, options: argparse.Namespace) -> Source:
    """The source with the box that was asked for. Raises UserError where that makes no sense."""
    if (options.site is None) != (options.room is None):
        raise UserError("--site and --room go together")
    if options.site is None:
        if options.host is not None:
            raise UserError("--host: say which box with --site and --room")
        return source
    try:
        return replace(source, box=msgspec.convert({"site": options.site, "room": options.room}, Box))
    except msgspec.ValidationError as error:
        raise UserError(f"--site and --room are up to 40 letters, digits, - and _ ({error})") from error
