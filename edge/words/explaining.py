"""The command ``affect-edge explain``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing

from edge.errors import DeviceError
from edge.subscribe import source
from edge.words import command
from edge.words.catalogue import catalogue
from edge.words.compact import explained
from edge.words.explanation import change, explanation
from edge.words.sentence import Newest, sentence

EXAMPLES = """\
  affect-edge explain --config classroom.toml
  sudo affect-edge explain --language de
  affect-edge explain --host mqtt.school.example --site north --room r12 --username tutor --password-file secret
  affect-edge explain --watch            # again every 5 s with what changed, until Ctrl-C
  affect-edge explain --json --watch 10"""

EVERY_S = 5.0
"""How often a watched room is explained again."""

SHORTEST_S, LONGEST_S = 1.0, 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes: what ``affect-edge state`` does, and how long to go on."""
    command.add_arguments(parser)
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument(
        "--watch",
        type=_seconds,
        nargs="?",
        const=EVERY_S,
        metavar="SECONDS",
        help=f"say it again every so often, with what changed since, until Ctrl-C (default: {EVERY_S:g})",
    )


def act(options: argparse.Namespace) -> int:
    """Says what the room's scores rest on now, once or again and again.

    Raises UserError; DeviceError where nothing can be known of the room now.
    """
    from edge.subscribe.reader import followed

    where = command.of_box(source.resolve(options), options)
    words, box = catalogue(options.language), where.box
    screen = _Screen() if options.format == "text" else None
    before: Newest | None = None
    with closing(followed(where, command.TOPICS, command.WITHIN_S, options.watch or EVERY_S)) as states:
        for found in states:
            newest = command.newest_of(found)
            if not found or (options.watch is None and not newest.online):
                raise DeviceError(f"{box.site}/{box.room}: {sentence(newest, words)}")
            said = list(explanation(newest, words))
            changed = change(before, newest, words) if before else ""
            if screen is not None:
                screen.show(said, changed, newest.scored is not None)
            else:
                print(explained(box.site, box.room, newest, words, [*said, changed] if changed else said), flush=True)
            if options.watch is None:
                break
            before = newest
    return 0


class _Screen:
    """Prints explanations, with a blank line between two of them; in colour on a terminal only."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)
        self._said = False

    def show(self, said: Sequence[str], changed: str, scored: bool) -> None:
        if self._said:
            self._console.print()
        self._said = True
        headline, *rest = said
        self._line(headline, "bold green" if scored else "bold yellow")
        for line in rest:
            self._line(line)
        if changed:
            self._line(changed, "cyan")

    def _line(self, line: str, style: str = "") -> None:
        from rich.text import Text

        # whatever is no terminal gets a sentence a line
        self._console.print(Text(line, style), soft_wrap=not self._console.is_terminal)


def _seconds(text: str) -> float:
    value = float(text)
    if not SHORTEST_S <= value <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not between {SHORTEST_S:g} and {LONGEST_S:g}")
    return value
