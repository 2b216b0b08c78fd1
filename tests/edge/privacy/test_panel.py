"""The button and the light, on gpiozero's own stand-in for a header."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from services import wait_until

from edge.config import Privacy
from edge.errors import UserError
from edge.privacy.panel import Panel

gpiozero = pytest.importorskip("gpiozero", reason="gpiozero is not installed: pip install gpiozero")
BUTTON, LED = 17, 22
BOTH = Privacy(BUTTON, LED)


def nothing() -> None:
    """What a button does that nobody presses."""


@pytest.fixture
def header() -> Iterator[Any]:
    from gpiozero.pins.mock import MockFactory

    gpiozero.Device.pin_factory = factory = MockFactory()
    yield factory
    factory.close()
    gpiozero.Device.pin_factory = None


@pytest.fixture
def no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no program has chosen a pin factory yet; the environment is left as it was."""
    for name in ("GPIOZERO_PIN_FACTORY", "LG_WD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)


@pytest.fixture
def presses(header: Any) -> Iterator[list[str]]:
    pressed: list[str] = []
    panel = Panel(BOTH, lambda: pressed.append("press"))
    yield pressed
    panel.close()


def test_a_press_is_told_at_once_and_not_again_when_the_button_is_held_or_let_go(
    header: Any, presses: list[str]
) -> None:
    pin = header.pin(BUTTON)
    pin.drive_low()
    assert wait_until(lambda: presses == ["press"])
    assert not wait_until(lambda: len(presses) > 1, 1.2)  # longer than gpiozero's own idea of holding
    pin.drive_high()
    assert not wait_until(lambda: len(presses) > 1, 0.3)
    pin.drive_low()
    assert wait_until(lambda: len(presses) == 2)


def test_the_light_is_on_while_capturing_off_while_closed_and_blinks_between(header: Any) -> None:
    panel, pin = Panel(BOTH, nothing), header.pin(LED)
    assert not pin.state
    panel.show("capturing")
    assert pin.state
    panel.show("closed")
    assert not pin.state
    pin.clear_states()
    panel.show("changing")
    assert wait_until(lambda: sum(state.state for state in pin.states) >= 2)
    panel.show("closed")
    assert not pin.state
    panel.close()


def test_the_light_goes_out_with_the_box(header: Any) -> None:
    panel = Panel(BOTH, nothing)
    panel.show("capturing")
    panel.close()
    assert not header.pin(LED).state
    Panel(BOTH, nothing).close()


def test_a_box_without_pins_needs_no_gpiozero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    panel = Panel(Privacy(), nothing)
    panel.show("capturing")
    panel.close()


@pytest.mark.parametrize(
    ("settings", "key"), [(Privacy(button_pin=BUTTON), "button_pin"), (Privacy(led_pin=LED), "led_pin")]
)
@pytest.mark.parametrize("missing", ["gpiozero", "lgpio"])
def test_a_pin_without_the_libraries_is_a_mistake_that_names_the_extra(
    settings: Privacy, key: str, missing: str, no_header: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match=rf"^privacy\.{key}: .*{missing}.*; install the extra gpio"):
        Panel(settings, nothing)


def test_a_pin_that_the_board_does_not_have_is_a_mistake(header: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpiozero import PinInvalidPin

    def none_such(*_: object, **__: object) -> None:
        raise PinInvalidPin("22 is not a valid pin name")

    monkeypatch.setattr(gpiozero, "LED", none_such)
    with pytest.raises(UserError, match=r"privacy\.led_pin: this board has no GPIO22"):
        Panel(BOTH, nothing)


def test_a_pin_in_use_is_said_and_the_other_one_works(header: Any, caplog: pytest.LogCaptureFixture) -> None:
    other = gpiozero.LED(BUTTON)
    panel = Panel(BOTH, nothing)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "privacy.button_pin: GPIO17 cannot be used" in caplog.text
    panel.show("capturing")
    assert header.pin(LED).state
    panel.close()
    other.close()


def test_a_light_that_fails_while_the_box_runs_is_said_and_no_more(
    header: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, pin = Panel(BOTH, nothing), header.pin(LED)

    def broken(_: object) -> None:
        raise OSError("the header has gone")

    monkeypatch.setattr(pin, "_set_state", broken)
    for _ in range(3):
        panel.show("capturing")
    assert [record.getMessage() for record in caplog.records] == [
        "privacy.led_pin: the light does not work (the header has gone)"
    ]
    monkeypatch.undo()
    panel.show("closed")
    assert not pin.state
    panel.close()
