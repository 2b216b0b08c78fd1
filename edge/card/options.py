"""The options of ``affect-edge prepare-card``: what a technician can answer about a box."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLES = """\
  affect-edge prepare-card /media/me/bootfs --site northside --room 7b --purpose research \\
      --jurisdiction US --consent "signed forms, 2026-09-01, file 12"
  affect-edge prepare-card /media/me/bootfs ... --wifi School --wifi-country DE --wifi-password-file wifi.txt
  affect-edge prepare-card /media/me/bootfs ... --broker mqtt.school.example --broker-user box7b \\
      --broker-password-file broker.txt --broker-ca school-ca.crt
  affect-edge prepare-card /media/me/bootfs ... --wheels wheels/   (nothing is downloaded at the first start)"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command. What is required and missing is asked for where somebody sits at a terminal."""
    parser.add_argument(
        "folder", type=Path, metavar="BOOTDIR", help="the card's boot partition as this computer mounts it"
    )
    box = parser.add_argument_group("the box")
    box.add_argument("--site", help="first part of its topics: affectfusion/SITE/ROOM")
    box.add_argument("--room", help="second part of its topics")
    box.add_argument("--hostname", help="its name on the network (default: affectfusion-SITE-ROOM)")
    box.add_argument("--camera", choices=("v4l2", "picamera2", "none"), help="a USB camera, the Pi's own, or none")
    box.add_argument("--microphone", choices=("pyaudio", "none"), help="the system's default microphone, or none")
    box.add_argument("--config", type=Path, metavar="FILE", help="a configuration to begin from; the options here win")
    why = parser.add_argument_group("what it may do")
    why.add_argument("--purpose", help="education, wellbeing, research, medical, safety or demonstration")
    why.add_argument("--jurisdiction", help='"EU", or an ISO 3166 code such as "DE" or "US"')
    why.add_argument("--consent", help="who consented and where that is written down, in your own words")
    why.add_argument("--mode", choices=("room", "self"), help="a room of learners (default) or a learner's own device")
    why.add_argument(
        "--minimum-group", type=int, metavar="N", help="faces in view before any score is given (default: 5)"
    )
    wifi = parser.add_argument_group("Wi-Fi (without it the box wants a cable)")
    wifi.add_argument("--wifi", metavar="SSID", help="the network's name")
    wifi.add_argument("--wifi-password-file", type=Path, metavar="FILE", help="its first line is the password")
    wifi.add_argument("--wifi-country", metavar="CC", help="the country whose radio rules hold, such as DE")
    broker = parser.add_argument_group("the broker (by default the box's own)")
    broker.add_argument("--broker", metavar="HOST[:PORT]", help="another one; encrypted and verified")
    broker.add_argument("--broker-user", metavar="NAME", help="the name the box gives there")
    broker.add_argument("--broker-password-file", type=Path, metavar="FILE", help="its first line is the password")
    broker.add_argument("--broker-ca", type=Path, metavar="FILE", help="the authority to trust instead of the system's")
    card = parser.add_argument_group("the card")
    card.add_argument(
        "--ssh-key", type=Path, metavar="FILE.pub", help="let its owner in as technician (default: no SSH)"
    )
    card.add_argument(
        "--logins",
        type=Path,
        metavar="FILE",
        help="where to note its broker's passwords (default: HOSTNAME-logins.txt)",
    )
    card.add_argument("--wheels", type=Path, metavar="DIR", help="Python packages for a box that may download nothing")
    card.add_argument("--replace", action="store_true", help="a card that was prepared before, here or by Imager")
