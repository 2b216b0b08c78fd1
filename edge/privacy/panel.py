"""The button and the light on the box, for whoever is in the room."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal

from edge.config import Privacy
from edge.errors import UserError

log = logging.getLogger(__name__)

Light = Literal["capturing", "changing", "closed"]

BOUNCE_S = 0.05
"""A contact that closes again within this was pressed once."""

BLINK_S = 0.3
"""How long the light is on, and then off, while it blinks."""


class Panel:
    """Works the GPIO pins that the settings name; without any it does nothing.

    ``pressed`` is called at each press, on a thread of gpiozero's: to mute must not wait for the finger to be lifted,
    and holding the button does no more than pressing it.

    The light is **on while the box captures**, as on any camera: nobody in the room needs a manual for a light that is
    on while the box looks and listens. It blinks while camera and microphone are being opened, when they may see and
    hear at any moment, and until both are really closed, and is off while they are.

    Raises UserError where gpiozero is not installed or the board has no such pin. A header that cannot be worked
    otherwise (no right to it, another program on the pin) is weather: the log says so, and the box runs on without.
    """

    def __init__(self, settings: Privacy, pressed: Callable[[], None]) -> None:
        self._pins = ExitStack()
        self._shown: Light | None = None
        self._light: Any = None
        if settings.led_pin is not None:
            self._light = self._claim("led_pin", settings.led_pin, "LED")
        if settings.button_pin is not None:
            button = self._claim("button_pin", settings.button_pin, "Button", bounce_time=BOUNCE_S)
            if button is not None:
                button.when_pressed = pressed

    def show(self, light: Light) -> None:
        """Makes the light say what the box does."""
        if light == self._shown or self._light is None:
            return
        self._shown = light
        try:
            if light == "changing":
                self._light.blink(BLINK_S, BLINK_S)
            else:
                self._light.value = light == "capturing"
        except Exception as error:  # as below
            log.warning("privacy.led_pin: the light does not work (%s)", error)

    def close(self) -> None:
        """Turns the light off and lets go of the pins."""
        self.show("closed")
        self._pins.close()

    def _claim(self, key: str, pin: int, kind: str, **options: Any) -> Any:
        """The gpiozero device on ``pin``; None where the header cannot be worked."""
        # lgpio works on every Pi; the others that gpiozero would try next may reach for the network
        os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
        # it makes a pipe for itself where it is started, which is no place to write to
        os.environ.setdefault("LG_WD", tempfile.gettempdir())
        try:
            import gpiozero

            device = getattr(gpiozero, kind)(pin, **options)
        except ImportError as error:
            cure = "install the extra gpio (gpiozero and lgpio), or remove the key"
            raise UserError(f"privacy.{key}: {error}; {cure}") from error
        except Exception as error:  # the library below gpiozero raises what it likes
            if type(error).__name__ == "PinInvalidPin":
                raise UserError(f"privacy.{key}: this board has no GPIO{pin} ({error})") from error
            log.warning("privacy.%s: GPIO%d cannot be used, and the box runs without it (%s)", key, pin, error)
            return None
        self._pins.callback(device.close)
        return device
