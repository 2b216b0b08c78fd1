"""The room that the commands are asked for."""

from __future__ import annotations

import pytest
from services import Mosquitto


@pytest.fixture
def there(mosquitto: Mosquitto) -> list[str]:
    """Arguments that name a broker and a room at it."""
    return ["--host", mosquitto.host, "--port", str(mosquitto.port), "--site", "school", "--room", "lab"]
