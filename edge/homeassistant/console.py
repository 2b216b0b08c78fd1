"""The command ``affect-edge homeassistant``: what the box tells Home Assistant, and taking it back."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge import config
from edge.errors import UserError

EXAMPLES = """\
  affect-edge homeassistant show --config classroom.toml
  sudo affect-edge homeassistant show | jq .components
  sudo affect-edge homeassistant remove

To be found: [homeassistant] enabled = true in the configuration, then install.sh device (for the rights
at the broker on the box) or a restart. To be forgotten: enabled = false, a restart, then remove; in this
order before the site, the room or the prefix changes, as the old name is not known afterwards."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what may be done, and for which box."""
    box = argparse.ArgumentParser(add_help=False)
    box.add_argument("--config", type=Path, default=config.INSTALLED, help="the configuration (default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in (
        ("show", "print the message, and on stderr the topic, by which Home Assistant finds the box"),
        ("remove", "take the box out of Home Assistant, with all its entities"),
    ):
        actions.add_parser(name, parents=[box], help=about, description=f"{about.capitalize()}.")


def act(options: argparse.Namespace) -> int:
    """Does what was asked. Raises UserError where it may not be done, DeviceError where the broker does not answer."""
    # the MQTT client is loaded for this command only, not by every one
    from edge.homeassistant import discovery
    from edge.homeassistant.removal import remove

    settings = config.load(options.config)
    if options.action == "show":
        print(f"retained at {discovery.where(settings)}:", file=sys.stderr)
        print(json.dumps(discovery.description(settings), indent=2, ensure_ascii=False))
        return 0
    if settings.homeassistant.enabled:
        raise UserError(
            f"homeassistant.enabled: true in {options.config}, so the box would announce itself again; set it to "
            "false and restart the box first"
        )
    remove(settings, installed=options.config == config.INSTALLED)
    print(f"removed {discovery.where(settings)} from {settings.broker.where}")
    return 0
